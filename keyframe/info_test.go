package keyframe_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

// probed is ffprobe's description of a stream, in the fields that Info has too.
type probed struct {
	Profile   string `json:"profile"`
	Width     int    `json:"width"`
	Height    int    `json:"height"`
	SAR       string `json:"sample_aspect_ratio"`
	PixFmt    string `json:"pix_fmt"`
	Level     int    `json:"level"`
	Range     string `json:"color_range"`
	Primaries string `json:"color_primaries"`
}

func ffprobe(t *testing.T, f *keyframe.Frame) probed {
	t.Helper()
	cmd := exec.Command("ffprobe", "-v", "quiet", "-f", f.Codec.String(), "-i", "pipe:0", "-show_streams", "-of", "json")
	cmd.Stdin = bytes.NewReader(f.Data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal("ffprobe:", err)
	}
	var result struct{ Streams []probed }
	if err := json.Unmarshal(out, &result); err != nil || len(result.Streams) != 1 {
		t.Fatalf("ffprobe printed %s (%v)", out, err)
	}
	return result.Streams[0]
}

// described translates Info into ffprobe's words.
func described(i keyframe.Info) probed {
	p := probed{
		Profile: i.Profile, Width: i.Width, Height: i.Height, PixFmt: i.PixFmt(), Level: i.LevelIDC,
	}
	if i.SARNum != 0 {
		p.SAR = fmt.Sprintf("%d:%d", i.SARNum, i.SARDen)
	}
	return p
}

func compareInfo(t *testing.T, f *keyframe.Frame) {
	t.Helper()
	got, want := described(f.Info), ffprobe(t, f)
	want.Range, want.Primaries = "", ""
	if want.SAR == "1:1" && got.SAR == "" {
		got.SAR = "1:1" // ffprobe's word for a stream without a SAR
	}
	if got != want {
		t.Errorf("%+v\nffprobe says %+v", got, want)
	}
}

func TestInfoAgreesWithFFprobe(t *testing.T) {
	for _, s := range streams {
		t.Run(s.name, func(t *testing.T) { compareInfo(t, first(s.codec, read(t, s.name), 4096)) })
	}
}

func TestDamagedParameterSets(t *testing.T) {
	sps264 := []byte{0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x47, 0xfe, 0xc8}
	tests := []struct {
		name  string
		codec keyframe.Codec
		nalu  []byte
	}{
		{"empty", keyframe.H264, nil},
		{"header alone", keyframe.H264, sps264[:4]},
		{"cut before the size", keyframe.H264, sps264[:5]},
		{"sides of level 6.2 exceeded", keyframe.H264, []byte{0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0x00, 0x40, 0x00, 0x10, 0x00, 0x04}},
		{"H.265 empty", keyframe.H265, nil},
		{"H.265 cut", keyframe.H265, []byte{0x42, 1, 1, 1, 0x60, 0, 0, 3}},
		{"H.265 of eight sub-layers", keyframe.H265, []byte{0x42, 1, 0x0f, 1, 0x60, 0, 0, 3, 0, 0x90, 0, 0, 3, 0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if info, err := keyframe.ParseInfo(test.codec, test.nalu); err == nil {
				t.Errorf("no error, but %+v", info)
			}
		})
	}
}

// FuzzParseInfo checks that every accepted picture has a size within the
// standards' bounds.
func FuzzParseInfo(f *testing.F) {
	f.Add(true, []byte{0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x47, 0xfe, 0xc8})
	f.Add(false, []byte{0x42, 1, 1, 1, 0x60, 0, 0, 3, 0, 0x90, 0, 0, 3, 0, 0, 3, 0, 0x5d, 0xa0, 2, 0x80, 0x80, 0x2d, 0x16})
	f.Add(true, []byte{0x67, 100, 0, 31, 0xac, 0xd9, 0x40, 0x50, 5, 0xbb})
	f.Fuzz(func(t *testing.T, h264 bool, nalu []byte) {
		codec, side := keyframe.H265, 16888
		if h264 {
			codec, side = keyframe.H264, 16*2*1055
		}
		i, err := keyframe.ParseInfo(codec, nalu)
		if err != nil {
			return
		}
		if i.Width < 1 || i.Height < 1 || i.Width > i.CodedWidth || i.Height > i.CodedHeight || i.CodedWidth > side || i.CodedHeight > side {
			t.Errorf("%dx%d of %dx%d coded", i.Width, i.Height, i.CodedWidth, i.CodedHeight)
		}
		if i.BitDepth < 8 || i.BitDepth > 16 || (i.SARNum == 0) != (i.SARDen == 0) {
			t.Errorf("bit depth %d, SAR %d:%d", i.BitDepth, i.SARNum, i.SARDen)
		}
		i.PixFmt()
	})
}
