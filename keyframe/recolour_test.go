package keyframe_test

import (
	"bytes"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

func sps(c keyframe.Codec, f *keyframe.Frame) []byte {
	for nalu := range keyframe.AnnexB(f.Data) {
		if c == keyframe.H264 && nalu[0]&0x1f == 7 || c == keyframe.H265 && nalu[0]>>1 == 33 {
			return nalu
		}
	}
	return nil
}

// TestWithColour proves that the colours are those requested, and that ffprobe
// sees no other difference.
func TestWithColour(t *testing.T) {
	for _, s := range streams {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			f := first(s.codec, read(t, s.name), 4096)
			info := f.Info
			info.Primaries, info.Transfer, info.Matrix = 9, 14, 9
			was, err := keyframe.ParseInfo(s.codec, sps(s.codec, f))
			if err != nil {
				t.Fatal(err)
			}
			var data []byte
			for nalu := range keyframe.AnnexB(f.Data) {
				if &nalu[0] == &sps(s.codec, f)[0] {
					if nalu, err = keyframe.WithColour(s.codec, nalu, info); err != nil {
						t.Fatal(err)
					}
				}
				data = keyframe.AppendNALU(data, nalu)
			}
			before := ffprobe(t, f)
			f.Data = data
			got, err := keyframe.ParseInfo(s.codec, sps(s.codec, f))
			was.Primaries, was.Transfer, was.Matrix = 9, 14, 9
			if err != nil || got != was {
				t.Errorf("%+v, %v, want %+v", got, err, was)
			}
			after := ffprobe(t, f)
			if after.Primaries != "bt2020" {
				t.Errorf("ffprobe sees the primaries %q", after.Primaries)
			}
			after.Primaries, after.Range, before.Primaries, before.Range = "", "", "", ""
			if after != before {
				t.Errorf("ffprobe sees %+v instead of %+v", after, before)
			}
		})
	}
}

// TestRefreshOfOneSequence proves that another sequence parameter set ends a
// gradual refresh, because Info describes all pictures of a frame.
func TestRefreshOfOneSequence(t *testing.T) {
	a := keyframe.NewAssembler(keyframe.H264)
	var sps []byte
	pictures := 0
	for nalu := range keyframe.AnnexB(read(t, "refresh.264")) {
		switch nalu[0] & 0x1f {
		case 7:
			sps = nalu
		case 5:
			continue
		case 1:
			if pictures++; pictures == 30 { // a refresh began with the 25th
				other, err := keyframe.WithColour(keyframe.H264, sps, keyframe.Info{Matrix: 9})
				if err != nil {
					t.Fatal(err)
				}
				a.Push(other, keyframe.NoPTS)
			}
		}
		f := a.Push(nalu, keyframe.NoPTS)
		if f == nil {
			continue
		}
		if sets := bytes.Count(f.Data, []byte{0, 0, 0, 1, 0x67}); sets != 1 || pictures < 60 {
			t.Errorf("%d sequence parameter sets, after %d pictures", sets, pictures)
		}
		return
	}
	t.Fatal("no keyframe")
}

// FuzzWithColour checks that WithColour changes nothing but the colour of a
// valid parameter set.
func FuzzWithColour(f *testing.F) {
	f.Add(true, []byte{0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x47, 0xfe, 0xc8})
	f.Add(false, []byte{0x42, 1, 1, 1, 0x60, 0, 0, 3, 0, 0x90, 0, 0, 3, 0, 0, 3, 0, 0x5d, 0xa0, 2, 0x80, 0x80, 0x2d, 0x16})
	f.Add(true, []byte{0x67, 100, 0, 31, 0xac, 0xd9, 0x40, 0x50, 5, 0xbb, 0x80})
	f.Fuzz(func(t *testing.T, h264 bool, nalu []byte) {
		codec := keyframe.H265
		if h264 {
			codec = keyframe.H264
		}
		want, err := keyframe.ParseInfo(codec, nalu)
		if err != nil {
			return
		}
		want.FullRange, want.Primaries, want.Transfer, want.Matrix = true, 1, 13, 6
		out, err := keyframe.WithColour(codec, nalu, want)
		if err != nil {
			return
		}
		got, err := keyframe.ParseInfo(codec, out)
		// If the VUI breaks off, padding may be read as the frame rate.
		got.FrameRateNum, got.FrameRateDen = want.FrameRateNum, want.FrameRateDen
		if err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	})
}
