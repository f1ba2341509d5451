package bench

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"slices"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []int
		want   int
	}{
		{nil, 0},
		{[]int{7}, 7},
		{[]int{9, 1}, 1},
		{[]int{3, 1, 2}, 2},
		{[]int{5, 100, 1, 2}, 2},
	} {
		before := slices.Clone(c.values)
		if got := median(c.values); got != c.want {
			t.Errorf("median(%v) = %d, want %d", c.values, got, c.want)
		}
		if !slices.Equal(before, c.values) {
			t.Errorf("median changed %v to %v", before, c.values)
		}
	}
}

func TestFloor(t *testing.T) {
	for name, c := range map[string]struct {
		bodies           []Body
		headers, connect bool
		payload, wire    int64
	}{
		"nothing":           {nil, true, false, 0, 0},
		"bodies and heads":  {[]Body{{"", 100}, {"", 2000}}, false, true, 2100, 2100 + 2*280},
		"one packet":        {[]Body{{"", 1168}}, true, false, 1168, 1448 + 66},
		"one byte too many": {[]Body{{"", 1169}}, true, false, 1169, 1449 + 2*66},
		"a connection":      {[]Body{{"", 1}}, true, true, 1, 281 + 66 + 206},
	} {
		f := newFloor(c.bodies, c.headers, c.connect)
		if f.Payload != c.payload || f.Wire != c.wire {
			t.Errorf("%s: payload %d, wire %d, want %d, %d", name, f.Payload, f.Wire, c.payload, c.wire)
		}
	}
	if got := (Sample{Floor: 200, Down: 300}).ratio(); got != 1.5 {
		t.Errorf("ratio %v, want 1.5", got)
	}
	if got := (Sample{Down: 300}).ratio(); got != 0 {
		t.Errorf("ratio to no floor %v, want 0", got)
	}
}

func TestWithDecoder(t *testing.T) {
	got := withDecoder("kfgrab 0.1.0, go1.26 linux/amd64\nffmpeg 5.1.9, /opt/kfgrab-ffmpeg\nencoders: png\n")
	if want := "kfgrab 0.1.0 with ffmpeg 5.1.9 (kfgrab-ffmpeg)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestPSNR(t *testing.T) {
	flat := func(w, h int, v byte) luma {
		return luma{w, h, bytes.Repeat([]byte{v}, w*h)}
	}
	for name, c := range map[string]struct {
		a, b luma
		want float64
	}{
		"equal":       {flat(4, 4, 9), flat(4, 4, 9), 99},
		"sizes":       {flat(4, 4, 9), flat(2, 8, 9), 0},
		"none":        {luma{}, luma{}, 0},
		"16 apart":    {flat(4, 4, 100), flat(4, 4, 116), 20 * math.Log10(255.0/16)},
		"black white": {flat(2, 2, 0), flat(2, 2, 255), 0},
	} {
		if got := psnr(c.a, c.b); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestReadLuma(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 32, 16))
	for y := range 16 {
		for x := range 32 {
			img.Set(x, y, color.RGBA{uint8(8 * x), uint8(16 * y), 128, 255})
		}
	}
	var lossless, lossy bytes.Buffer
	if err := png.Encode(&lossless, img); err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(&lossy, img, &jpeg.Options{Quality: 98}); err != nil {
		t.Fatal(err)
	}
	a, err := decodeLuma(lossless.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	b, err := decodeLuma(lossy.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got := psnr(a, b); got < 40 || got == 99 {
		t.Errorf("PNG and JPEG of one picture are %.1f dB apart", got)
	}
	if _, err := decodeLuma(lossy.Bytes()[:20]); err == nil {
		t.Error("a torn file is a picture")
	}
}
