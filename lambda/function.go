package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/redact"
	"github.com/kfgrab/kfgrab/picture"
)

const (
	// maxResponse is Lambda's limit for a function that does not stream.
	maxResponse = 6 << 20
	// timeMargin is kept of the function's time, to report that it was not enough.
	timeMargin = 500 * time.Millisecond
	// decoderIdle is longer than Lambda keeps an idle function. A frozen decoder costs
	// nothing, but its clock goes on.
	decoderIdle = 24 * time.Hour
)

// function holds what lives from one invocation to the next.
type function struct {
	settings *settings
	log      *slog.Logger
	decoders decode.Pool
	streams  *streams
	sinks    *sinks
}

func newFunction(s *settings, log *slog.Logger) *function {
	return &function{
		settings: s, log: log, decoders: decode.Pool{Idle: decoderIdle},
		streams: newStreams(), sinks: newSinks(),
	}
}

// close ends processes and connections. Only tests call it: Lambda kills functions.
func (f *function) close() {
	f.decoders.Close()
	f.streams.close()
	f.sinks.close()
}

// Invoke implements lambda.Handler.
func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, cancel := withMargin(ctx)
	defer cancel()
	if r := parseHTTP(payload); r != nil {
		return f.serveHTTP(ctx, r)
	}
	return f.handleEvent(ctx, payload)
}

// withMargin returns a context that ends a little before ctx.
func withMargin(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	left := time.Until(end)
	return context.WithDeadlineCause(ctx, end.Add(-min(timeMargin, left/4)),
		fmt.Errorf("%w: the function ran out of time; give it a longer timeout", context.DeadlineExceeded))
}

// shot is a job that has its picture.
type shot struct {
	*job
	snapshot *kfgrab.Snapshot
	warm     bool // the stream was kept from an earlier invocation
	data     []byte
}

// grabFrame fetches the keyframe, without its picture: the connection is free for the next
// invocation before the picture is decoded.
func (f *function) grabFrame(ctx context.Context, j *job) (*shot, error) {
	j.stream.Logger = f.log
	stream, kept, err := f.streams.takeStream(j)
	if err != nil {
		return nil, err
	}
	defer f.streams.giveBack(j, stream)

	o := j.picture
	o.FrameOnly = true
	taken, err := picture.Take(ctx, &f.decoders, stream, &o)
	if err != nil {
		return nil, err
	}
	return &shot{job: j, snapshot: taken.Snapshot, warm: kept, data: taken.Data}, nil
}

// decodePicture makes the picture, unless grabFrame did.
func (f *function) decodePicture(ctx context.Context, s *shot) (err error) {
	if s.data != nil {
		return nil
	}
	if s.data, err = picture.Make(ctx, &f.decoders, s.snapshot, &s.picture); err != nil {
		return fmt.Errorf("%s: %w", s.snapshot.URL, err)
	}
	return nil
}

// pictureSize returns the size of the picture in pixels.
func (s *shot) pictureSize() (width, height int) {
	i := s.snapshot.Frame.Info
	if s.picture.Format.Decoded() {
		return s.picture.Output.Size(i)
	}
	return i.Width, i.Height
}

// logOutcome writes one line for an invocation. j or s is nil if it failed
// before there was one.
func (f *function) logOutcome(ctx context.Context, began time.Time, j *job, s *shot, err error) {
	attributes := []any{"outcome", kfgrab.ClassOf(err).String(), "ms", time.Since(began).Milliseconds()}
	if j != nil {
		attributes = append(attributes, "name", j.name, "url", redact.URL(j.url))
	}
	if s != nil {
		c := s.snapshot.Cost
		attributes = append(attributes, "bytes", len(s.data), "bytes_down", c.Down, "requests", c.Requests, "warm", s.warm)
	}

	if err != nil {
		f.log.ErrorContext(ctx, err.Error(), attributes...)
		return
	}
	f.log.InfoContext(ctx, "picture", attributes...)
}
