package kfgrab_test

import (
	"context"
	"errors"
	"testing"

	kfgrab "github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestReceive: every picture of RTSP and of live HLS arrives until the caller
// stops.
func TestReceive(t *testing.T) {
	o := startOrigin(t)
	enough := errors.New("enough")
	for _, rawURL := range []string{o.RTSP(keyframe.H264), o.RTSP(keyframe.H265), o.HLS(origin.TS), o.HLS(origin.FMP4)} {
		s := open(t, rawURL, &kfgrab.Options{Width: 256})
		ctx, cancel := context.WithCancelCause(within(t, testTime))
		var keys, others int
		err := s.Receive(ctx, func(f *keyframe.Frame) {
			if f.Kind == keyframe.UnknownKind {
				others++
			} else {
				keys++
			}
			if keys == 2 {
				cancel(enough)
			}
		})
		if !errors.Is(err, enough) || keys != 2 || others < 24 {
			t.Errorf("%s: %d keyframes and %d others, %v", rawURL, keys, others, err)
		}
		if spent := s.Spent(); s.URL() != rawURL || spent.Down == 0 || spent.Requests == 0 {
			t.Errorf("%s: %+v", s.URL(), spent)
		}
	}
}

// TestReceiveRefuses: Receive refuses streams that are not live, and unwanted
// codecs.
func TestReceiveRefuses(t *testing.T) {
	o := startOrigin(t)
	file := testmedia.Make(t, "h264.ts")
	for _, c := range []struct {
		rawURL string
		codec  keyframe.Codec
		want   error
	}{
		{file, keyframe.UnknownCodec, keyframe.ErrUnsupported},
		{o.RTSP(keyframe.H264), keyframe.H265, keyframe.ErrNotFound},
	} {
		s := open(t, c.rawURL, &kfgrab.Options{Codec: c.codec})
		if err := s.Receive(within(t, testTime), func(*keyframe.Frame) { t.Error("a picture of", c.rawURL) }); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.rawURL, err)
		}
	}
}
