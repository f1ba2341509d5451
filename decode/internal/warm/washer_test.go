package warm_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/decode/internal/warm"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestWasher proves that a washer is a sound picture, and that a warm process
// never accepts it as a frame.
func TestWasher(t *testing.T) {
	for c, washer := range warm.Washers {
		s := keyframe.NewByteStream(c)
		s.Push(washer)
		f := s.Next()
		if f == nil {
			f = s.Flush()
		}
		if i := f.Info; f.Kind != keyframe.IDR || i.CodedWidth != warm.WasherSide || i.CodedHeight != warm.WasherSide {
			t.Errorf("%v: %v, %+v", c, f.Kind, i)
		}
		if err := new(decode.Decoder).Decode(context.Background(), new(bytes.Buffer), f, decode.Output{}); err != nil {
			t.Errorf("%v: %v", c, err)
		}
		if _, ok := warm.NewRequest(f, f.Data, warm.Settings{}); ok {
			t.Errorf("%v: a warm process may be asked for it", c)
		}
	}
}

// TestWasherAsFrame proves that a washer's slice after a frame's parameter sets
// gives no picture, although the decoder knows the washer's own sets.
func TestWasherAsFrame(t *testing.T) {
	data, err := os.ReadFile(testmedia.Make(t, "numbered.264"))
	if err != nil {
		t.Fatal(err)
	}
	stream := keyframe.NewByteStream(keyframe.H264)
	stream.Push(data)
	good := stream.Next()
	bad := *good
	bad.Data = nil
	for nalu := range keyframe.AnnexB(good.Data) {
		if bad.Codec.IsParameterSet(nalu) {
			bad.Data = keyframe.AppendNALU(bad.Data, nalu)
		}
	}
	for nalu := range keyframe.AnnexB(warm.Washers[keyframe.H264]) {
		if bad.Codec.IsRandomAccess(nalu) {
			bad.Data = keyframe.AppendNALU(bad.Data, nalu)
		}
	}

	pool := decode.Pool{Size: 1, Decoder: decode.Decoder{Timeout: time.Hour}}
	defer pool.Close()
	for n, f := range []*keyframe.Frame{good, &bad, good} {
		var w bytes.Buffer
		if err := pool.Decode(context.Background(), &w, f, decode.Output{Format: decode.RGB24}); (err == nil) != (f == good) {
			t.Errorf("frame %d: %v, %d bytes", n, err, w.Len())
		}
	}
	if s := pool.Stats(); s.Warm != 2 || s.Alone != 1 {
		t.Errorf("%+v", s)
	}
}

// tested are the versions of ffmpeg with which the tests of this package and of
// package decode passed. Patch releases are taken to change nothing.
var tested = map[string]string{
	"5.1": "Debian 12, and the one that make ffmpeg builds from its source",
}

// TestVersion guards the warm pool, which relies on behaviour that ffmpeg does
// not promise.
func TestVersion(t *testing.T) {
	version, err := new(decode.Decoder).Version(t.Context())
	if err != nil {
		t.Skip(err)
	}
	part := strings.SplitN(version, ".", 3)
	if len(part) > 1 {
		minor, _, _ := strings.Cut(part[1], "-")
		if _, ok := tested[part[0]+"."+minor]; ok {
			return
		}
	}
	t.Errorf("the warm pool was tested with ffmpeg %v, not with %s; run the tests of ./decode/... with it and add it", tested, version)
}
