package decode_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/keyframe"
)

func TestParseCrop(t *testing.T) {
	for _, text := range []string{"640x360+320+180", "50%x50%+25%+25%", "33.3%x66.7%+66.7%+33.3%", "1x1+0+0", "100%x100%+0%+0%"} {
		if c, err := decode.ParseCrop(text); err != nil || c.String() != text {
			t.Errorf("%s: %v, %v", text, c, err)
		}
	}
	for _, text := range []string{
		"", "640x360", "640x360+0", "640,360,0,0", "640x360-1+0", "640x360+0+0+0", "50%x50+0+0", "50%x50%+25+25", "1.5x2+0+0",
		"0x10+0+0", "0%x10%+0%+0%", "50%x50%+51%+0%", "16000x10+400+0", "1.2.3x1+0+0", "1e2x1+0+0", "NaNx1+0+0", "99999999999x1+0+0", ".x.+.+.",
	} {
		if c, err := decode.ParseCrop(text); err == nil {
			t.Errorf("%q is %v", text, c)
		}
	}
	if _, err := decode.ParseFit("cover"); err != nil {
		t.Error(err)
	}
	if _, err := decode.ParseFit("inside"); err == nil {
		t.Error("inside is a way to fit")
	}
}

// part cuts a rectangle out of rows with three bytes per pixel.
func part(rgb []byte, width int, r image.Rectangle) (out []byte) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		out = append(out, rgb[3*(y*width+r.Min.X):3*(y*width+r.Max.X)]...)
	}
	return out
}

// TestCrop proves that a crop equals the same part of the whole picture, with
// every way of decoding, also for rotated pictures and pixels that are not
// square.
func TestCrop(t *testing.T) {
	all := everyPicture(t, "sar43.264", keyframe.H264)
	s, _ := sequence(t, all)
	s.Show = []int{0}
	p := &decode.Pool{Size: 1, Decoder: patient}
	defer p.Close()
	for _, c := range []struct {
		crop     string
		rotation int
		want     image.Rectangle
	}{
		{"320x180+200+100", 0, image.Rect(200, 100, 520, 280)},
		{"853x360+0+0", 0, image.Rect(0, 0, 853, 360)},
		{"50%x50%+25%+25%", 0, image.Rect(213, 90, 640, 270)},
		{"101x77+751+283", 0, image.Rect(751, 283, 852, 360)},
		{"100x300+260+500", 90, image.Rect(260, 500, 360, 800)},
		{"25%x100%+75%+0%", 270, image.Rect(270, 0, 360, 853)},
	} {
		t.Run(fmt.Sprint(c.crop, " ", c.rotation), func(t *testing.T) {
			f := *all[0]
			f.Info.Rotation = c.rotation
			s.Info = f.Info
			o := decode.Output{Format: decode.RGB24}
			whole := decodeTo(t, &f, o)
			width, _ := o.Size(f.Info)
			var err error
			if o.Crop, err = decode.ParseCrop(c.crop); err != nil {
				t.Fatal(err)
			}
			if w, h := o.Size(f.Info); w != c.want.Dx() || h != c.want.Dy() {
				t.Fatalf("%dx%d, want %v", w, h, c.want.Size())
			}
			want := part(whole, width, c.want)
			got := decodeTo(t, &f, o)
			if !bytes.Equal(got, want) {
				t.Errorf("another picture, PSNR %.1f dB", psnr(got, want))
			}
			var warm, row bytes.Buffer
			if err := p.Decode(context.Background(), &warm, &f, o); err != nil || !bytes.Equal(warm.Bytes(), got) {
				t.Errorf("warm: another picture, %v", err)
			}
			if err := new(decode.Decoder).DecodeSequence(context.Background(), &row, s, o); err != nil || !bytes.Equal(row.Bytes(), got) {
				t.Errorf("in a row: another picture, %v", err)
			}
		})
	}
	if n := p.Stats().Warm; n != 6 {
		t.Errorf("%d of 6 from processes that stay up", n)
	}
}

// TestCropFormats crops at odd places. Lossless formats must be exact, the
// others right in their luma.
func TestCropFormats(t *testing.T) {
	for _, c := range streams {
		switch c.name {
		case "h264.264", "10bit.265", "422-10bit.264", "444-10bit.264", "grey.264", "bt709-full.264":
		default:
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := stream(t, c.name, c.codec)[0]
			o := decode.Output{Format: decode.RGB24, Quality: 100, Crop: decode.Crop{Width: 99, Height: 41, X: 35, Y: 17}}
			want := part(decodeTo(t, f, decode.Output{Format: decode.RGB24}), f.Info.Width, image.Rect(35, 17, 35+99, 17+41))
			if got := decodeTo(t, f, o); !bytes.Equal(got, want) {
				t.Errorf("another picture, PSNR %.1f dB", psnr(got, want))
			}
			o.Format = decode.JPEG
			if got := shown(t, decodeTo(t, f, o), o.Format); psnr(luma(got), luma(want)) < 25 {
				t.Errorf("as JPEG: PSNR of luma %.1f dB", psnr(luma(got), luma(want)))
			}
		})
	}
}

// TestCropOutside proves that a crop outside the picture fails before a process
// starts. The error names the picture's size.
func TestCropOutside(t *testing.T) {
	f := stream(t, "h264.264", keyframe.H264)[0]
	d := &decode.Decoder{Path: "/nonexistent"}
	var w bytes.Buffer
	err := d.Decode(context.Background(), &w, f, decode.Output{Crop: decode.Crop{Width: 320, Height: 180, X: 321, Y: 180}})
	if !errors.Is(err, decode.ErrCrop) || !strings.Contains(err.Error(), "320x180+321+180 of 640x360") || w.Len() > 0 {
		t.Errorf("%v", err)
	}
	wide := *f // with square pixels it would exceed the limit, though the part is small
	wide.Info.SARNum, wide.Info.SARDen = 10, 1
	err = d.Decode(context.Background(), &w, &wide, decode.Output{Crop: decode.Crop{Width: 32, Height: 18}, MaxPixels: 6400*360 - 1})
	if !errors.Is(err, keyframe.ErrUnsupported) {
		t.Errorf("%v", err)
	}
}

// edges returns the lumas in the middle of the upper, lower, left and right
// edge.
func edges(rgb []byte, width, height int) (m [4]int) {
	for k, at := range []image.Point{{width / 2, 0}, {width / 2, height - 1}, {0, height / 2}, {width - 1, height / 2}} {
		m[k] = int(luma(rgb[3*(at.Y*width+at.X):][:3])[0])
	}
	return m
}

// TestFit proves that a fitted picture keeps its shape: Contain shows all of it
// between black bars, Cover shows its middle.
func TestFit(t *testing.T) {
	f := stream(t, "sar43.264", keyframe.H264)[0] // 853x360
	whole := decodeTo(t, f, decode.Output{Format: decode.RGB24})
	for _, c := range []struct {
		format          decode.Format
		box             image.Point
		inner, cut      image.Rectangle // in the box, and in the picture
		contain, covers float64         // dB, at least
	}{
		{decode.RGB24, image.Pt(160, 160), image.Rect(0, 46, 160, 114), image.Rect(247, 0, 607, 360), 35, 22},
		{decode.PNG, image.Pt(300, 80), image.Rect(55, 0, 245, 80), image.Rect(0, 66, 853, 294), 35, 22},
		{decode.JPEG, image.Pt(161, 159), image.Rect(0, 45, 161, 113), image.Rect(244, 0, 609, 360), 25, 20},
		{decode.WebP, image.Pt(853, 360), image.Rect(0, 0, 853, 360), image.Rect(0, 0, 853, 360), 20, 20},
	} {
		t.Run(fmt.Sprint(c.format, " ", c.box), func(t *testing.T) {
			t.Parallel()
			read := func(o decode.Output) []byte {
				data := decodeTo(t, f, o)
				if o.Format != decode.RGB24 {
					data = shown(t, data, o.Format)
				}
				return data
			}
			o := decode.Output{Format: c.format, Width: c.box.X, Height: c.box.Y, Quality: 100, Fit: decode.Contain}
			got := read(o)
			for k, edge := range edges(got, c.box.X, c.box.Y) {
				bar := [4]bool{c.inner.Min.Y > 0, c.inner.Max.Y < c.box.Y, c.inner.Min.X > 0, c.inner.Max.X < c.box.X}[k]
				if bar != (edge < 3) {
					t.Errorf("contained: the middle of edge %d is %d", k, edge)
				}
			}
			want := decodeTo(t, f, decode.Output{Format: decode.RGB24, Width: c.inner.Dx(), Height: c.inner.Dy()})
			if p := psnr(luma(part(got, c.box.X, c.inner)), luma(want)); p < c.contain {
				t.Errorf("contained: PSNR of luma %.1f dB", p)
			}
			o.Fit = decode.Cover
			want = ffmpeg(t, part(whole, 853, c.cut), "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", fmt.Sprintf("%dx%d", c.cut.Dx(), c.cut.Dy()), "-i", "pipe:0",
				"-vf", fmt.Sprintf("scale=%d:%d", c.box.X, c.box.Y), "-f", "rawvideo", "pipe:1")
			if p := psnr(luma(read(o)), luma(want)); p < c.covers {
				t.Errorf("covered: PSNR of luma %.1f dB", p)
			}
		})
	}
}

// TestNeeded proves that Needed requests renditions large enough that nothing
// is enlarged.
func TestNeeded(t *testing.T) {
	quarter := decode.Crop{Width: 25, Height: 50, Percent: true}
	for _, c := range []struct {
		output        decode.Output
		width, height int
	}{
		{decode.Output{}, 0, 0},
		{decode.Output{Width: 320, Height: 180}, 320, 180},
		{decode.Output{Crop: quarter}, 0, 0},
		{decode.Output{Crop: quarter, Width: 320}, 1280, 0},
		{decode.Output{Crop: quarter, Height: 181, Width: 321}, 1284, 362},
		{decode.Output{Crop: decode.Crop{Width: 100, Height: 100}, Width: 320}, 0, 0},
		{decode.Output{Crop: decode.Crop{Width: 1e-9, Height: 100, Percent: true}, Width: 320}, 1<<31 - 1, 0},
	} {
		if w, h := c.output.Needed(); w != c.width || h != c.height {
			t.Errorf("%+v: %dx%d", c.output, w, h)
		}
	}
}
