package keyframe_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

// spsOf returns the sequence parameter set of a frame.
func spsOf(f *keyframe.Frame) []byte {
	for nalu := range keyframe.AnnexB(f.Data) {
		if f.Codec == keyframe.H264 && nalu[0]&0x1f == 7 || f.Codec == keyframe.H265 && nalu[0]>>1&0x3f == 33 {
			return nalu
		}
	}
	return nil
}

// unreordered checks that the set tells the same of its pictures as before.
func unreordered(t *testing.T, c keyframe.Codec, sps []byte) []byte {
	t.Helper()
	before, err := keyframe.ParseInfo(c, sps)
	if err != nil {
		t.Fatal(err)
	}
	out, err := keyframe.WithoutReordering(c, sps)
	if err != nil {
		t.Fatal(err)
	}
	after, err := keyframe.ParseInfo(c, out)
	if before.Primaries == 0 && c == keyframe.H264 { // there was no VUI to tell that it is unspecified
		before.Primaries, before.Transfer, before.Matrix = after.Primaries, after.Transfer, after.Matrix
	}
	if err != nil || before != after {
		t.Errorf("%x tells %+v,\n%x tells %+v, %v", sps, before, out, after, err)
	}
	return out
}

func TestWithoutReordering(t *testing.T) {
	for _, c := range []struct {
		name  string
		codec keyframe.Codec
	}{
		{"h264.264", keyframe.H264},
		{"10bit.264", keyframe.H264},
		{"bt709-full.264", keyframe.H264},
		{"sar43.264", keyframe.H264},
		{"camera.264", keyframe.H264},
		{"h265.265", keyframe.H265},
		{"10bit.265", keyframe.H265},
		{"cra.265", keyframe.H265},
	} {
		sps := spsOf(first(c.codec, read(t, c.name), 1<<20))
		out := unreordered(t, c.codec, sps)
		if bytes.Equal(out, sps) && c.name == "h264.264" {
			t.Errorf("%s: nothing was changed of a stream with B pictures", c.name)
		}
		again, err := keyframe.WithoutReordering(c.codec, out)
		if err != nil || !bytes.HasPrefix(again, bytes.TrimRight(out, "\x00")) {
			t.Errorf("%s: %x again is %x, %v", c.name, out, again, err)
		}
	}
}

func TestWithoutReorderingBad(t *testing.T) {
	sps := []byte{0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x47, 0xfe, 0xc8}
	for _, c := range []struct {
		codec keyframe.Codec
		sps   []byte
		want  error
	}{
		{keyframe.H264, nil, keyframe.ErrCorrupt},
		{keyframe.H264, sps[:6], keyframe.ErrCorrupt},
		{keyframe.H265, nil, keyframe.ErrCorrupt},
		{keyframe.H265, sps, keyframe.ErrCorrupt},
		{keyframe.JPEG, sps, keyframe.ErrUnsupported},
	} {
		if out, err := keyframe.WithoutReordering(c.codec, c.sps); !errors.Is(err, c.want) || out != nil {
			t.Errorf("%v %x: %x, %v", c.codec, c.sps, out, err)
		}
	}
}

func FuzzWithoutReordering(f *testing.F) {
	f.Add(true, []byte{0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x47, 0xfe, 0xc8})
	f.Add(false, []byte{0x42, 1, 1, 1, 0x60, 0, 0, 3, 0, 0x90, 0, 0, 3, 0, 0, 3, 0, 0x5d, 0xa0, 2, 0x80, 0x80, 0x2d, 0x16})
	f.Add(true, []byte{0x67, 100, 0, 31, 0xac, 0xd9, 0x40, 0x50, 5, 0xbb})
	f.Fuzz(func(t *testing.T, h264 bool, sps []byte) {
		c := keyframe.H265
		if h264 {
			c = keyframe.H264
		}
		if _, err := keyframe.WithoutReordering(c, sps); err == nil {
			unreordered(t, c, sps)
		}
	})
}
