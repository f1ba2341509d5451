package imagefile

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"testing"
)

var sizes = map[string]func([]byte) (int, bool){"jpeg": JPEGSize, "png": PNGSize, "webp": WebPSize}

// encoded returns small files made by the standard library.
func encoded(t *testing.T) map[string][]byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 9, 7))
	for i := range m.Pix {
		m.Pix[i] = byte(i * 37)
	}
	var j, p bytes.Buffer
	if err := jpeg.Encode(&j, m, nil); err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(&p, m); err != nil {
		t.Fatal(err)
	}
	webp := []byte("RIFF\x0e\x00\x00\x00WEBPVP8 \x01\x00\x00\x00x\x00")
	return map[string][]byte{"jpeg": j.Bytes(), "png": p.Bytes(), "webp": webp}
}

// TestSize proves that a file cut anywhere is not whole, and that bytes after
// its end do not change its size.
func TestSize(t *testing.T) {
	for name, file := range encoded(t) {
		size := sizes[name]
		for n := range len(file) {
			if got, known := size(file[:n]); known && got <= n {
				t.Errorf("%s: %d of %d bytes have the size %d", name, n, len(file), got)
			}
		}
		if got, known := size(file); !known || got != len(file) {
			t.Errorf("%s: %d, %v", name, got, known)
		}
		if got, known := size(append(bytes.Clone(file), file...)); !known || got != len(file) {
			t.Errorf("two %s: %d, %v", name, got, known)
		}
	}
}

// TestSizeOfNonsense proves that data which only begins or ends like a picture
// is refused, without a panic.
func TestSizeOfNonsense(t *testing.T) {
	for _, text := range []string{
		"", "\xff\xd9", "\xff\xd8\xff\xd9", "x\xff\xd9", "\xff\xd8\xff\xda\x00\x02\xff\xff\xd9", "\xff\xd8\xff\xe0\xff\xff\xff\xd9",
		"\x89PNG\r\n\x1a\n", "\x89PNG\r\n\x1a\nIEND\xae\x42\x60\x82", "\x89PNG\r\n\x1a\n\xff\xff\xff\xffIENDIEND\xae\x42\x60\x82",
		"RIFF\xff\xff\xff\xffWEBP", "RIFF\x00\x00\x00\x00WEBP", "not a picture at all",
	} {
		b := []byte(text)
		for name, size := range sizes {
			if got, known := size(b); known && got == len(b) && len(b) > 0 {
				t.Errorf("%q is a whole %s", text, name)
			}
		}
		for range JPEGSegments(b) {
		}
		for range PNGChunks(b) {
		}
		if _, ok := WebPChunks(b); ok {
			t.Errorf("%q has chunks of a WebP", text)
		}
	}
}

func TestParts(t *testing.T) {
	files := encoded(t)
	var markers, names []byte
	for s := range JPEGSegments(append([]byte{0xff, SOI, 0xff, 0xff}, files["jpeg"][2:]...)) { // fill bytes
		markers = append(markers, s.Marker)
	}
	if markers[0] != 0xdb || markers[len(markers)-1] != SOS {
		t.Errorf("% x", markers)
	}
	for c := range PNGChunks(files["png"]) {
		names = append(names, c.Name...)
	}
	if string(names) != "IHDRIDATIEND" {
		t.Errorf("%s", names)
	}
	if chunks, ok := WebPChunks(files["webp"]); !ok || len(chunks) != 1 || chunks[0].Name != "VP8 " || string(chunks[0].Data) != "x" {
		t.Errorf("%+v, %v", chunks, ok)
	}
}
