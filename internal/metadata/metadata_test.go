package metadata_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "golang.org/x/image/webp"

	"github.com/kfgrab/kfgrab/internal/metadata"
)

var full = metadata.Fields{
	Source: "http://example.com/live/ä & b.m3u8?token=xxxxx", Software: `kfgrab 1.0 "x"`,
	Taken:     time.Date(2026, 3, 1, 1, 2, 3, 45_678_901, time.FixedZone("", 3600)),
	MediaTime: time.Date(2026, 2, 28, 23, 59, 58, 700_000_000, time.UTC),
	Primaries: 1,
}

// Lossy and lossless WebP of 40x30, made by ffmpeg and cwebp, because Go has no
// encoder.
const (
	lossyWebP    = "UklGRjYAAABXRUJQVlA4ICoAAADwAgCdASooAB4APxGGvVcsKSajpWgBgCIJaQAAMnS5QAC47eeWvt9dAAA="
	losslessWebP = "UklGRkwAAABXRUJQVlA4TD8AAAAvJ0AHAAXbRpIUxXseM8Nzzu/ei8GK6P8EpOa4+fmMvE9xFwsY1rQLhdTQ7wJKBPguDNdL3UUyMXX7aH4P/pcA"
)

func asIs(base64Text string) func(io.Writer, image.Image) error {
	return func(w io.Writer, _ image.Image) error {
		_, err := io.Copy(w, base64.NewDecoder(base64.StdEncoding, strings.NewReader(base64Text)))
		return err
	}
}

type encoding struct {
	name   string
	encode func(io.Writer, image.Image) error
	insert func([]byte, metadata.Fields) ([]byte, error)
}

var encodings = []encoding{
	{"a.jpg", func(w io.Writer, i image.Image) error { return jpeg.Encode(w, i, nil) }, metadata.JPEG},
	{"a.png", png.Encode, metadata.PNG},
	{"a.webp", asIs(lossyWebP), metadata.WebP},
	{"b.webp", asIs(losslessWebP), metadata.WebP},
}

func (e encoding) picture(t testing.TB) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 40, 30))
	img.SetGray(3, 4, color.Gray{Y: 255})
	var b bytes.Buffer
	if err := e.encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// exiftool returns the tags that exiftool reads from data, with their groups.
func (e encoding) exiftool(t *testing.T, data []byte) map[string]string {
	t.Helper()
	if _, err := exec.LookPath("exiftool"); err != nil {
		t.Skip("exiftool is not installed: apt-get install libimage-exiftool-perl")
	}
	path := filepath.Join(t.TempDir(), e.name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "exiftool", "-json", "-G1", "-warning", "-EXIF:all", "-XMP:all", "-PNG:all", "-ICC_Profile:all", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var read []map[string]any
	if err := json.Unmarshal(out, &read); err != nil || len(read) != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	tags := map[string]string{}
	for name, value := range read[0] {
		if name != "SourceFile" {
			tags[name] = fmt.Sprint(value)
		}
	}
	return tags
}

// TestExiftool proves that another program reads the metadata.
func TestExiftool(t *testing.T) {
	told := map[string]string{
		"IFD0:Software": full.Software, "IFD0:ModifyDate": "2026:03:01 00:02:03", "ExifIFD:ExifVersion": "0232",
		"ExifIFD:DateTimeOriginal": "2026:02:28 23:59:58", "ExifIFD:OffsetTimeOriginal": "+00:00",
		"ExifIFD:CreateDate": "2026:03:01 00:02:03", "ExifIFD:OffsetTime": "+00:00", "ExifIFD:OffsetTimeDigitized": "+00:00",
		"ExifIFD:SubSecTime": "045", "ExifIFD:SubSecTimeDigitized": "045", "ExifIFD:SubSecTimeOriginal": "700", "ExifIFD:ColorSpace": "sRGB",
		"XMP-dc:Source": full.Source, "XMP-xmp:CreatorTool": full.Software, "XMP-xmp:CreateDate": "2026:03:01 00:02:03.045Z",
		"XMP-exif:DateTimeOriginal": "2026:02:28 23:59:58.700Z",
	}
	for _, test := range []struct {
		encoding
		fields metadata.Fields
		want   map[string]string
	}{
		{encodings[0], full, told},
		{encodings[2], full, told},
		{encodings[3], full, told},
		{encodings[0], metadata.Fields{Software: "kfgrab"}, map[string]string{
			"IFD0:Software": "kfgrab", "ExifIFD:ExifVersion": "0232", "XMP-xmp:CreatorTool": "kfgrab",
		}},
		{encodings[0], metadata.Fields{Source: "a.ts"}, map[string]string{"XMP-dc:Source": "a.ts"}},
		{encodings[2], metadata.Fields{Source: "a.ts", Primaries: 2}, map[string]string{"XMP-dc:Source": "a.ts"}},
		{encodings[1], full, map[string]string{
			"PNG:Source": full.Source, "PNG:Software": full.Software,
			"PNG:CreationTime": "2026-03-01T00:02:03.045Z", "PNG:MediaTime": "2026-02-28T23:59:58.700Z",
		}},
	} {
		data, err := test.insert(test.picture(t), test.fields)
		if err != nil {
			t.Fatal(err)
		}
		got := test.exiftool(t, data)
		for name := range got {
			if group, _, _ := strings.Cut(name, ":"); group == "PNG" && test.want[name] == "" {
				delete(got, name) // from the header
			}
		}
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%s, %+v: %s", test.name, test.fields, d)
		}
	}
}

// TestProfile checks where a profile puts red, green and blue in the profile
// connection space. The values are those of Bruce Lindbloom's tables for
// SMPTE-C and BT.470 BG.
func TestProfile(t *testing.T) {
	for _, test := range []struct {
		primaries       int
		name            string
		red, green, blu string
	}{
		{5, "BT.601 625", "0.45528 0.23230 0.01455", "0.36755 0.70780 0.10492", "0.14139 0.05990 0.70575"},
		{6, "BT.601 525", "0.41633 0.22170 0.01366", "0.39315 0.70325 0.09136", "0.15474 0.07505 0.72019"},
		{9, "BT.2020", "", "", ""},
	} {
		for _, e := range encodings {
			data, err := e.insert(e.picture(t), metadata.Fields{Primaries: test.primaries})
			if err != nil {
				t.Fatal(err)
			}
			if n := len(data) - len(e.picture(t)); n > 560 {
				t.Errorf("%s: a profile of %d bytes", e.name, n)
			}
			got := e.exiftool(t, data)
			if got["ICC_Profile:ProfileDescription"] != test.name || got["ICC-header:ProfileFileSignature"] != "acsp" || got["ICC_Profile:RedTRC"] == "" || got["ICC_Profile:BlueTRC"] != got["ICC_Profile:RedTRC"] {
				t.Errorf("%s: %v", e.name, got)
			}
			for name, want := range map[string]string{"Red": test.red, "Green": test.green, "Blue": test.blu} {
				if v := got["ICC_Profile:"+name+"MatrixColumn"]; want != "" && !near(v, want) {
					t.Errorf("%s of %s: %s, want %s", name, test.name, v, want)
				}
			}
			// White is that of the connection space, whatever the white of the
			// primaries.
			if sum := sum(got["ICC_Profile:RedMatrixColumn"], got["ICC_Profile:GreenMatrixColumn"], got["ICC_Profile:BlueMatrixColumn"]); !near(sum, "0.9642 1 0.8249") {
				t.Errorf("white of %s: %s", test.name, sum)
			}
		}
	}
}

func numbers(text string) (v [3]float64) {
	fmt.Sscan(text, &v[0], &v[1], &v[2])
	return v
}

func near(a, b string) bool {
	x, y := numbers(a), numbers(b)
	return math.Abs(x[0]-y[0])+math.Abs(x[1]-y[1])+math.Abs(x[2]-y[2]) < 0.002
}

func sum(columns ...string) string {
	var s [3]float64
	for _, c := range columns {
		for k, v := range numbers(c) {
			s[k] += v
		}
	}
	return fmt.Sprint(s[0], s[1], s[2])
}

// TestNoProfile proves that existing metadata stays unchanged, and that default
// or unknown colours add no bytes.
func TestNoProfile(t *testing.T) {
	for _, e := range encodings {
		plain := e.picture(t)
		for _, primaries := range []int{0, 1, 2, 10, 99, -1} {
			if got, err := e.insert(plain, metadata.Fields{Primaries: primaries}); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%s: %d: %v, %d bytes of %d", e.name, primaries, err, len(got), len(plain))
			}
		}
		fields := full
		fields.Primaries = 6
		once, err := e.insert(plain, fields)
		if err != nil {
			t.Fatal(err)
		}
		if e.name == "a.png" {
			fields = metadata.Fields{Primaries: 6} // its texts may be repeated
		}
		fields.Primaries = 5
		if twice, err := e.insert(once, fields); err != nil || !bytes.Equal(twice, once) {
			t.Errorf("%s: %v, %d bytes of %d", e.name, err, len(twice), len(once))
		}
	}
}

// TestPictureStays proves that the pixels do not change, and that empty fields
// add nothing.
func TestPictureStays(t *testing.T) {
	for _, e := range encodings {
		plain := e.picture(t)
		want, _, err := image.Decode(bytes.NewReader(plain))
		if err != nil {
			t.Fatal(err)
		}
		told, err := e.insert(plain, full)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := image.Decode(bytes.NewReader(told))
		if err != nil || !cmp.Equal(want, got) || len(told) < len(plain)+100 {
			t.Errorf("%s: %v, %d bytes of %d", e.name, err, len(told), len(plain))
		}
		if silent, err := e.insert(plain, metadata.Fields{}); err != nil || !bytes.Equal(silent, plain) {
			t.Errorf("%s: %v, %d bytes of %d", e.name, err, len(silent), len(plain))
		}
	}
}

// TestJPEGOrder proves that the JFIF segment stays the first, and that existing
// Exif and XMP stay unchanged.
func TestJPEGOrder(t *testing.T) {
	const soi, jfif, rest = "\xff\xd8", "\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00", "\xff\xdb\x00\x02"
	const comment = "\xff\xfe\x00\x04hi"
	const theirExif, theirXMP = "\xff\xe1\x00\x08Exif\x00\x00", "\xff\xe1\x00\x1fhttp://ns.adobe.com/xap/1.0/\x00"
	for _, test := range []struct {
		picture   string
		at        int // of the inserted segments
		exif, xmp int // how many in the result
	}{
		{soi + rest, 2, 1, 1},
		{soi + jfif + rest, 20, 1, 1},
		{soi + jfif + comment + rest, 20, 1, 1},
		{soi + comment + jfif + rest, 2, 1, 1},
		{soi + "\xff\xff" + comment + "\xff" + theirExif + rest, 2, 1, 1},
		{soi + jfif + comment + theirExif + rest, 20, 1, 1},
		{soi + jfif + theirXMP + rest, 20, 1, 1},
		{soi + theirExif + theirXMP + rest, 2, 1, 1},
	} {
		got, err := metadata.JPEG([]byte(test.picture), full)
		if err != nil {
			t.Fatalf("%q: %v", test.picture, err)
		}
		if s := string(got); s[:test.at] != test.picture[:test.at] || !strings.HasSuffix(s, test.picture[test.at:]) {
			t.Errorf("%q: %q", test.picture, got)
		}
		exif, xmp := bytes.Count(got, []byte("Exif\x00\x00")), bytes.Count(got, []byte("http://ns.adobe.com/xap/1.0/\x00"))
		if exif != test.exif || xmp != test.xmp {
			t.Errorf("%q: %d times Exif, %d times XMP", test.picture, exif, xmp)
		}
	}
}

func TestNoPicture(t *testing.T) {
	for _, e := range encodings {
		whole := e.picture(t)
		for _, bad := range [][]byte{nil, []byte("GIF89a"), whole[:1], whole[:3], whole[1:], []byte("RIFF\x04\x00\x00\x00WEBP"), []byte("RIFF\x0c\x00\x00\x00WEBPVP8 \x00\x00\x00\x00")} {
			if got, err := e.insert(bad, full); err == nil {
				t.Errorf("%s: %q became %q", e.name, bad, got)
			}
		}
	}
}

// FuzzFields checks that with any texts the picture can be read, the XMP is
// XML, and the size is bounded.
func FuzzFields(f *testing.F) {
	f.Add("http://example.com/?a=b&c", "kfgrab", int64(0))
	f.Add("\x00\xff<!-- \u202e\ufffe", strings.Repeat("ä\"", 40000), int64(-1<<62))
	f.Fuzz(func(t *testing.T, source, software string, at int64) {
		fields := metadata.Fields{Source: source, Software: software, Taken: time.Unix(0, at)}
		for _, e := range encodings {
			plain := e.picture(t)
			told, err := e.insert(plain, fields)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := image.Decode(bytes.NewReader(told)); err != nil || len(told) > len(plain)+65536 {
				t.Errorf("%s: %v, %d bytes", e.name, err, len(told))
			}
			_, packet, ok := bytes.Cut(told, []byte("xap/1.0/\x00"))
			if !ok {
				continue
			}
			packet, _, _ = bytes.Cut(packet, []byte(`<?xpacket end="r"?>`))
			for d := xml.NewDecoder(bytes.NewReader(packet)); ; {
				if _, err := d.Token(); err == io.EOF {
					break
				} else if err != nil {
					t.Fatalf("%v: %q", err, packet)
				}
			}
		}
	})
}
