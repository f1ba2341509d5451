package decode_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/keyframe"
)

// nalu builds a NAL unit from a header and payload written in bits.
func nalu(header string, bits ...string) []byte {
	var b []byte
	free := 0
	for _, bit := range header + strings.ReplaceAll(strings.Join(bits, ""), " ", "") + "1" {
		if free == 0 {
			b, free = append(b, 0), 8
		}
		free--
		b[len(b)-1] |= byte(bit-'0') << free
	}
	return b
}

// TestHuge proves that kfgrab refuses a gigabyte picture, which a few bytes can
// announce, before it starts a decoder.
func TestHuge(t *testing.T) {
	var data []byte
	for _, n := range [][]byte{
		// Main, level 6.2; ids, frame_num of 4 bits, no order, one reference;
		// 1024×1024 macroblocks; adaptive fields, so that the slice data are not
		// read, no cropping, no VUI (ISO/IEC 14496-10 7.3.2.1.1).
		nalu("01100111", "01001101 00000000 00111110", "1 1 011 010 0", strings.Repeat("0", 10)+"10000000000", strings.Repeat("0", 9)+"1000000000", "0 1 1 0 0"),
		nalu("01101000", "1 1 0 0 1 1 1 0 00 1 1 1 0 0 0"),
		nalu("01100101", "1 0001000 1 0000 0 1 0000000000"),
	} {
		data = keyframe.AppendNALU(data, n)
	}
	all := frames(data, keyframe.H264)
	if len(all) != 1 || all[0].Info.Width != 16384 || all[0].Info.Height != 16384 {
		t.Fatalf("%d frames", len(all))
	}
	none := &decode.Decoder{Path: "/nonexistent"}
	p := &decode.Pool{Decoder: *none}
	defer p.Close()
	for _, decoding := range []func(*bytes.Buffer, decode.Output) error{
		func(w *bytes.Buffer, o decode.Output) error { return none.Decode(context.Background(), w, all[0], o) },
		func(w *bytes.Buffer, o decode.Output) error { return p.Decode(context.Background(), w, all[0], o) },
	} {
		for _, o := range []decode.Output{{}, {Width: 64}} {
			var w bytes.Buffer
			if err := decoding(&w, o); !errors.Is(err, keyframe.ErrUnsupported) || w.Len() > 0 {
				t.Errorf("%v", err)
			}
		}
	}
}
