package rtsp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Receive plays the stream in a session of its own, and gives take each picture
// in decoding order, as keyframe.Assembler.EveryPicture has them: until ctx is done,
// the server ends it, or nothing comes for 10 s. Picture times count from anywhere.
// take is called by one goroutine at a time and holds the connection up.
//
// Receive always returns an error: context.Cause(ctx), one that wraps
// io.ErrUnexpectedEOF at the stream's end or os.ErrDeadlineExceeded where it fell
// silent, or those of Keyframe. Neither Options.MaxBytes nor KeyframeTimeout applies.
func (s *Source) Receive(ctx context.Context, take func(*keyframe.Frame)) error {
	s.stats = Stats{}
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		c.close()
		c.countDatagrams()
	}()
	if c.videoErr != nil {
		return c.videoErr
	}
	defer c.watch(ctx)()
	if err := c.setup(ctx); err != nil {
		return err
	}
	r := newReceiver(c.video, math.MaxInt64)
	r.giveEvery(take)
	_, err = c.begin(ctx, r)
	defer c.receiver.Store(nil)
	if err != nil {
		return err
	}
	return c.receive(ctx, r)
}

// receive waits for the end of the stream.
func (s *session) receive(ctx context.Context, r *receiver) error {
	defer r.stop()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for packets, quiet := 0, time.Duration(0); ; {
		select {
		case <-r.settled:
			return errStreamEnded
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.ended:
			r.settle(true)
			return s.whyEnded(ctx)
		case <-second.C:
		}
		s.countDatagrams()
		if now := r.stats().Packets; now > packets {
			packets, quiet = now, 0
		} else if quiet += time.Second; quiet >= silence {
			return errSilent
		}
	}
}

var (
	errStreamEnded = fmt.Errorf("the server ended the stream: %w", io.ErrUnexpectedEOF)
	errSilent      = fmt.Errorf("the stream fell silent: %w", os.ErrDeadlineExceeded)
)

// whyEnded says what ended the session in the middle of play.
func (s *session) whyEnded(ctx context.Context) error {
	err := s.endErr
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil || errors.Is(err, io.EOF) || errors.As(err, &liberrors.ErrClientUnhandledMethod{}):
		return errStreamEnded
	case timedOut(err):
		return errSilent
	}
	return s.fail(ctx, err)
}

// every is what a receiver of all pictures keeps; a nil one is for one keyframe.
type every struct {
	started bool // a keyframe came, and nothing was lost since
	lost    int  // how often something was
}

func (e *every) gaps() int {
	if e == nil {
		return 0
	}
	return e.lost
}

func (e *every) goesOn() bool { return e != nil && e.started }

// timeBase is where picture times begin, lest those of a clock that is set back
// were negative: beyond what RTP timestamps of 90 kHz can tell in one step.
const timeBase = 12 * time.Hour

// giveEvery has all pictures go to take.
func (r *receiver) giveEvery(take func(*keyframe.Frame)) {
	r.every = &every{}
	r.d.asm.EveryPicture()
	r.d.ticks = int64(timeBase/time.Second) * int64(r.d.clock)
	r.d.emit = func(f *keyframe.Frame) {
		if f.AfterGap {
			r.every.started = false
			r.every.lost++
		}
		r.every.started = r.every.started || f.Kind != keyframe.UnknownKind
		take(f)
	}
}
