package decode_test

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// saysInterlaced sets general_interlaced_source_flag and clears
// general_progressive_source_flag (ISO/IEC 23008-2 7.3.3) in the parameter sets
// of a frame.
func saysInterlaced(f *keyframe.Frame) *keyframe.Frame {
	const vps, sps = 32, 33
	var data []byte
	for nalu := range keyframe.AnnexB(f.Data) {
		at := map[byte]int{vps: 2 + 4, sps: 2 + 1}[nalu[0]>>1]
		if at > 0 {
			// Both follow general_profile_compatibility_flags, which have three
			// zero bytes with an emulation prevention byte for the third one.
			at += 1 + 4 + 1
			nalu = append(append(bytes.Clone(nalu[:at]), nalu[at]&0x3f|0x40), nalu[at+1:]...)
		}
		data = keyframe.AppendNALU(data, nalu)
	}
	return frames(data, keyframe.H265)[0]
}

// TestDeinterlaced proves that all lines of a deinterlaced picture show one
// moment. Lines of the other field would lower its PSNR. Half of the lines are
// lost, and testsrc2's details of one line and one pixel with them.
func TestDeinterlaced(t *testing.T) {
	moments, err := os.ReadFile(testmedia.Make(t, "moving.rgb"))
	if err != nil {
		t.Fatal(err)
	}
	const size = 720 * 576 * 3
	for _, c := range []struct {
		name  string
		frame *keyframe.Frame
		whole bool // a field is a whole picture, not half of one
	}{
		{"top field first", stream(t, "tff.264", keyframe.H264)[0], false},
		{"bottom field first", stream(t, "bff.264", keyframe.H264)[0], false},
		{"H.265, fields", stream(t, "fields.265", keyframe.H265)[0], true},
		{"H.265, frames", saysInterlaced(stream(t, "woven.265", keyframe.H265)[0]), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !c.frame.Info.Interlaced || c.frame.Info.FieldSeq != c.whole {
				t.Fatalf("%+v", c.frame.Info)
			}
			good := psnr(decodeTo(t, c.frame, decode.Output{Format: decode.RGB24}), moments[:size])
			asCoded := psnr(decodeTo(t, c.frame, decode.Output{Format: decode.RGB24, KeepInterlaced: true}), moments[:size])
			if good < 24 || !c.whole && good < asCoded+8 {
				t.Errorf("PSNR %.1f dB, as coded %.1f dB", good, asCoded)
			}
		})
	}
}

// TestNotDeinterlaced proves that progressive pictures stay as they are, even
// if their stream allows fields.
func TestNotDeinterlaced(t *testing.T) {
	f := stream(t, "not-woven.264", keyframe.H264)[0]
	if !f.Info.Interlaced {
		t.Fatalf("%+v", f.Info)
	}
	if got, want := decodeTo(t, f, decode.Output{Format: decode.RGB24}), plain(t, f); !bytes.Equal(got, want) {
		t.Errorf("another picture, PSNR %.1f dB", psnr(got, want))
	}
}

// TestPoolDeinterlaces proves that a pool returns the same picture as a
// Decoder.
func TestPoolDeinterlaces(t *testing.T) {
	all := stream(t, "tff.264", keyframe.H264)
	p := &decode.Pool{}
	defer p.Close()
	for _, o := range []decode.Output{{}, {KeepInterlaced: true}} {
		for _, f := range all[:2] {
			var got bytes.Buffer
			if err := p.Decode(context.Background(), &got, f, o); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), decodeTo(t, f, o)) {
				t.Errorf("another picture with %+v", o)
			}
		}
	}
	if s := p.Stats(); s.Alone != 4 {
		t.Errorf("%+v", s)
	}
}

// TestSequenceDeinterlaced proves that deinterlacing a sequence uses the
// neighbouring pictures.
func TestSequenceDeinterlaced(t *testing.T) {
	s, _ := sequence(t, everyPicture(t, "tff.264", keyframe.H264))
	s.Show = []int{0, 3, len(s.Data) - 1}
	all := ffmpeg(t, bytes.Join(s.Data, nil), "-f", "h264", "-i", "pipe:0", "-vf", "yadif", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1")
	var want, got bytes.Buffer
	for _, n := range s.Show {
		want.Write(all[n*720*576*3:][:720*576*3])
	}
	if err := new(decode.Decoder).DecodeSequence(context.Background(), &got, s, decode.Output{Format: decode.RGB24}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("%d bytes, other pictures, PSNR %.1f dB", got.Len(), psnr(got.Bytes(), want.Bytes()))
	}
}
