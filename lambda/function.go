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
	// maxResponse is what Lambda takes of a function that answers at once.
	maxResponse = 6 << 20
	// margin is left of the function's time to tell that it was not enough.
	margin = 500 * time.Millisecond
	// decoderIdle is longer than Lambda keeps a function that is not called. Frozen, a
	// decoder costs nothing, and its time goes on.
	decoderIdle = 24 * time.Hour
)

// function is what lives from one invocation to the next.
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

// close ends processes and connections. Lambda itself never lets it come to that.
func (f *function) close() {
	f.decoders.Close()
	f.streams.close()
	f.sinks.close()
}

// Invoke implements lambda.Handler.
func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, cancel := inTime(ctx)
	defer cancel()
	if r := parseHTTP(payload); r != nil {
		return f.serve(ctx, r)
	}
	return f.handle(ctx, payload)
}

// inTime ends a little before ctx does.
func inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	left := time.Until(end)
	return context.WithDeadlineCause(ctx, end.Add(-min(margin, left/4)),
		fmt.Errorf("%w: the function's time is up; give it a longer timeout", context.DeadlineExceeded))
}

// shot is a job that is done.
type shot struct {
	*job
	snapshot *kfgrab.Snapshot
	warm     bool // the stream was kept from an earlier invocation
	data     []byte
}

// grab fetches the keyframe, without its picture: the connection is free for the next
// invocation before the picture is decoded.
func (f *function) grab(ctx context.Context, j *job) (*shot, error) {
	j.stream.Logger = f.log
	stream, kept, err := f.streams.take(j)
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

// decode makes the picture, if grab has not.
func (f *function) decode(ctx context.Context, s *shot) (err error) {
	if s.data != nil {
		return nil
	}
	if s.data, err = picture.Make(ctx, &f.decoders, s.snapshot, &s.picture); err != nil {
		return fmt.Errorf("%s: %w", s.snapshot.URL, err)
	}
	return nil
}

// size is that of the picture, in pixels.
func (s *shot) size() (width, height int) {
	i := s.snapshot.Frame.Info
	if s.picture.Format.Decoded() {
		return s.picture.Output.Size(i)
	}
	return i.Width, i.Height
}

// tell writes the one line of an invocation. s is nil where there was no picture.
func (f *function) tell(ctx context.Context, began time.Time, j *job, s *shot, err error) {
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
