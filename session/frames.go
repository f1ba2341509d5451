package session

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
)

// Clip is a row of decoded pictures.
type Clip struct {
	// Data has the shape Count×Height×Width×3: rows of the format asked for from the
	// top, picture by picture, without padding.
	Data                 []byte
	Count, Height, Width int

	// Times are those of the pictures on the stream's own clock. If the rate is higher
	// than the stream's, or pictures are missing, a picture is repeated.
	Times []time.Duration

	// KeyframeAge is how long ago the newest keyframe arrived. It grows while the stream
	// stalls.
	KeyframeAge time.Duration
}

// Frames returns the last n pictures, decoded, in the order of presentation: the newest,
// and before each the one that was visible 1/rate seconds earlier. At rate 0 they are
// the last n, whatever their times. o sets the format, RGB24 or BGR24, and the size; by
// default it is the stream's, with square pixels.
//
// If there are not so many pictures yet, Frames waits for them until ctx is done. It
// fails at once, with an error that wraps kfgrab.ErrUsage, if there never will be: if
// they reach back further than Options.Keep, or than Options.MaxBytes allows. While the
// connection is lost, Frames returns the pictures from before. Other errors are those of
// decode.Decoder.DecodeSequence, of Latest, and context.Cause(ctx).
func (s *Session) Frames(ctx context.Context, n int, rate float64, o decode.Output) (*Clip, error) {
	if err := s.checkRequest(n, rate, o); err != nil {
		return nil, err
	}

	seq, c, err := s.gatherPictures(ctx, n, rate)
	if err != nil {
		return nil, err
	}

	var pictures bytes.Buffer
	if err := s.opt.Decoder.DecodeSequence(ctx, &pictures, seq, o); err != nil {
		return nil, fmt.Errorf("%s: %w", s.stream.URL(), err)
	}

	c.Data, c.Count = pictures.Bytes(), n
	c.Width, c.Height = o.Size(seq.Info)
	return c, nil
}

func (s *Session) checkRequest(n int, rate float64, o decode.Output) error {
	usage := func(format string, args ...any) error {
		return fmt.Errorf("%w: %w", kfgrab.ErrUsage, fmt.Errorf(format, args...))
	}

	switch err := o.Validate(); {
	case err != nil:
		return usage("%w", err)
	case o.Format != decode.RGB24 && o.Format != decode.BGR24:
		return usage("a clip cannot be %v: want rgb24 or bgr24", o.Format)
	case n <= 0 || !(rate >= 0) || math.IsInf(rate, 0):
		return usage("%d pictures at a rate of %v: want at least 1, and a rate of 0 or more", n, rate)
	}

	if back := float64(n-1) / rate; rate > 0 && back > s.opt.Keep.Seconds() {
		return usage("%d pictures at a rate of %v reach back %.1f s, but the session keeps %v", n, rate, back, s.opt.Keep)
	}
	return nil
}

// gatherPictures waits until the pictures are there.
func (s *Session) gatherPictures(ctx context.Context, n int, rate float64) (*decode.Sequence, *Clip, error) {
	for {
		s.mu.Lock()
		chosen, ok := s.ring.choosePictures(n, rate)
		if ok {
			seq := &decode.Sequence{Codec: s.ring.codec, Info: s.ring.info, Data: chosen.data, Show: chosen.show}
			age := time.Since(s.ring.entries[len(s.ring.entries)-1].arrived)
			s.mu.Unlock()
			return seq, &Clip{Times: chosen.times, KeyframeAge: age}, nil
		}

		err := s.neverError(rate)
		more := s.wake
		if more == nil && err == nil {
			more = make(chan struct{})
			s.wake = more
		}
		s.mu.Unlock()

		if err != nil {
			return nil, nil, err
		}

		select {
		case <-more:
		case <-ctx.Done():
			return nil, nil, s.tooFewError(ctx)
		}
	}
}

// neverError returns an error if there will never be more pictures than there are now.
func (s *Session) neverError(rate float64) error {
	r := s.ring
	switch {
	case s.final != nil:
		return s.final
	case r.cut || (rate == 0 && r.evicted > 0):
		return fmt.Errorf("%s: %w: asked for more pictures than are kept: %d, with %d bytes (Keep %v, MaxBytes %d)",
			s.stream.URL(), kfgrab.ErrUsage, len(r.pictures), r.bytes, s.opt.Keep, s.opt.MaxBytes)
	}
	return nil
}

func (s *Session) tooFewError(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Errorf("%w: %w", s.missingError("too few pictures so far"), context.Cause(ctx))
}
