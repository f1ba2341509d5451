package decode

import (
	"bytes"
	"context"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

// A washer is a sound picture, and one that is never mistaken for a frame.
func TestWasher(t *testing.T) {
	for _, c := range []keyframe.Codec{keyframe.H264, keyframe.H265} {
		s := keyframe.NewByteStream(c)
		s.Push(washer(c))
		f := s.Next()
		if f == nil {
			f = s.Flush()
		}
		if i := f.Info; f.Kind != keyframe.IDR || i.CodedWidth != washerSide || i.CodedHeight != washerSide {
			t.Errorf("%v: %v, %+v", c, f.Kind, i)
		}
		if err := new(Decoder).Decode(context.Background(), new(bytes.Buffer), f, Output{}); err != nil {
			t.Errorf("%v: %v", c, err)
		}
		if _, canStay := newRequest(f, Output{}); canStay {
			t.Errorf("%v: a process that stays up may be asked for it", c)
		}
	}
}

// A slice that belongs to the washer, whose parameter sets the decoder knows, makes no
// picture of a frame.
func TestWasherAsFrame(t *testing.T) {
	good := firstFrame(t, "numbered.264", keyframe.H264)
	bad := *good
	bad.Data = nil
	for nalu := range keyframe.AnnexB(good.Data) {
		if bad.Codec.IsParameterSet(nalu) {
			bad.Data = keyframe.AppendNALU(bad.Data, nalu)
		}
	}
	for nalu := range keyframe.AnnexB(washer(bad.Codec)) {
		if bad.Codec.IsRandomAccess(nalu) {
			bad.Data = keyframe.AppendNALU(bad.Data, nalu)
		}
	}
	pool := Pool{Size: 1}
	defer pool.Close()
	for n, f := range []*keyframe.Frame{good, &bad, good} {
		var w bytes.Buffer
		if err := pool.Decode(context.Background(), &w, f, Output{Format: RGB24}); (err == nil) != (f == good) {
			t.Errorf("frame %d: %v, %d bytes", n, err, w.Len())
		}
	}
	if s := pool.Stats(); s.Warm != 2 || s.Alone != 1 {
		t.Errorf("%+v", s)
	}
}
