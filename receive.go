package kfgrab

import (
	"context"
	"fmt"

	"github.com/kfgrab/kfgrab/internal/hlssource"
	"github.com/kfgrab/kfgrab/keyframe"
)

// receiver is a source that can be held open.
type receiver interface {
	Receive(ctx context.Context, take func(*keyframe.Frame)) error
}

// Receive plays a live stream on and gives take every picture of it in decoding
// order, as keyframe.Assembler.EveryPicture has them, until ctx is done or the
// stream fails: see rtsp.Source.Receive and hlssource.Source.Receive. Other streams are an
// error that wraps keyframe.ErrUnsupported. There always is an error; it names the
// stream, redacted, and ClassOf sorts it. Package session holds a stream open so.
func (s *Stream) Receive(ctx context.Context, take func(*keyframe.Frame)) error {
	source, ok := s.source.(receiver)
	if !ok {
		return s.named(fmt.Errorf("%w: %s", keyframe.ErrUnsupported, notLive))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	return s.named(source.Receive(ctx, func(f *keyframe.Frame) {
		switch {
		case ctx.Err() != nil:
		case s.wants(f) != nil:
			cancel(s.wants(f))
		default:
			take(f)
		}
	}))
}

const notLive = "only RTSP and live HLS can be held open"

// Receive is hlssource.Source.Receive, where the stream is one.
func (w *webSource) Receive(ctx context.Context, take func(*keyframe.Frame)) error {
	w.client.StartJob()
	if err := w.recognise(ctx); err != nil {
		return err
	}
	lists, ok := w.inner.(*hlssource.Source)
	if !ok {
		return fmt.Errorf("%w: %s", keyframe.ErrUnsupported, notLive)
	}
	return lists.Receive(ctx, take)
}

// URL is that of the stream, without credentials.
func (s *Stream) URL() string { return s.name }

// Spent is what all grabs of the stream have taken so far, but for Elapsed. It may
// be asked for from any goroutine.
func (s *Stream) Spent() Cost {
	spent := s.traffic()
	return Cost{Down: spent.Down, Up: spent.Up, Requests: spent.Requests}
}
