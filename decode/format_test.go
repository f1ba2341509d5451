package decode_test

import (
	"testing"

	"github.com/kfgrab/kfgrab/decode"
)

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		format                     decode.Format
		name, other, ext, otherExt string
		mime                       string
	}{
		{decode.JPEG, "jpeg", "jpg", ".jpg", ".JPEG", "image/jpeg"},
		{decode.PNG, "png", "PNG", ".png", ".Png", "image/png"},
		{decode.WebP, "webp", "WebP", ".webp", ".WEBP", "image/webp"},
		{decode.RGB24, "rgb24", "rgb", ".rgb", ".rgb24", "application/octet-stream"},
		{decode.BGR24, "bgr24", "bgr", ".bgr", ".bgr24", "application/octet-stream"},
	} {
		if c.format.String() != c.name || c.format.Extension() != c.ext || c.format.MIMEType() != c.mime {
			t.Errorf("%d is %v, %s, %s", c.format, c.format, c.format.Extension(), c.format.MIMEType())
		}
		for _, name := range []string{c.name, c.other} {
			if got, err := decode.ParseFormat(name); err != nil || got != c.format {
				t.Errorf("ParseFormat(%q) = %v, %v", name, got, err)
			}
		}
		for _, ext := range []string{c.ext, c.otherExt} {
			if got, ok := decode.ByExtension(ext); !ok || got != c.format {
				t.Errorf("ByExtension(%q) = %v, %v", ext, got, ok)
			}
		}
	}
	for _, name := range []string{"", "gif", ".jpg", "annexb"} {
		if got, err := decode.ParseFormat(name); err == nil {
			t.Errorf("ParseFormat(%q) = %v", name, got)
		}
	}
	if f := decode.Format(9); f.String() == "" || f.Extension() != "" || f.MIMEType() != "application/octet-stream" {
		t.Errorf("Format(9) is %v, %q, %s", f, f.Extension(), f.MIMEType())
	}
}
