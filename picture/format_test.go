package picture

import "testing"

func TestFormats(t *testing.T) {
	for f := JPEG; f <= MP4; f++ {
		named, err := ParseFormat(f.String())
		if err != nil || named != f {
			t.Errorf("%v: by its name %v, %v", f, named, err)
		}
		if by, ok := ByExtension(f.Extension()); !ok || by != f {
			t.Errorf("%v: by %s %v, %v", f, f.Extension(), by, ok)
		}
	}
	for _, name := range []string{"", "gif", "json", ".mp4"} {
		if f, err := ParseFormat(name); err == nil {
			t.Errorf("%q is %v", name, f)
		}
	}
	if MP4.MIMEType() != "video/mp4" || PNG.MIMEType() != "image/png" || AnnexB.Decoded() || !BGR24.Decoded() {
		t.Error("a format is mistaken")
	}
}
