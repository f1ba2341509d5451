package watch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
	"github.com/kfgrab/kfgrab/sink"
)

// engine runs one stream. It is for one goroutine at a time.
type engine struct {
	Stream
	decoder picture.Decoder
	source  *kfgrab.Stream // nil before the first run and behind one that failed
	last    string         // identity of the keyframe that was stored last, "" none
}

// newEngine says what of s makes no sense.
func newEngine(s Stream, decoder picture.Decoder, last string) (*engine, error) {
	e := &engine{Stream: s, decoder: decoder, last: last}
	if err := errors.Join(s.Picture.Validate(), e.open()); err != nil {
		return nil, fmt.Errorf("stream %q: %w", s.Name, err)
	}
	return e, nil
}

// open is without I/O.
func (e *engine) open() (err error) {
	if e.source == nil {
		e.source, err = kfgrab.Open(e.URL, e.options())
	}
	return err
}

func (e *engine) close() {
	if e.source != nil {
		e.source.Close()
		e.source = nil
	}
}

// capture takes one picture, nil where there is none to store, and the identity of its
// keyframe.
func (e *engine) capture(ctx context.Context, o *Outcome) (p *sink.Picture, id string) {
	o.Began = time.Now()
	p, id, o.Err = e.take(ctx, o)
	if errors.Is(o.Err, keyframe.ErrNotModified) {
		o.Result, o.Err = Unchanged, nil
	}
	return p, id
}

func (e *engine) take(ctx context.Context, o *Outcome) (*sink.Picture, string, error) {
	if err := e.open(); err != nil {
		return nil, "", err
	}
	d := e.timeout()
	ctx, cancel := context.WithTimeoutCause(ctx, d, fmt.Errorf("not done within %v: %w", d, context.DeadlineExceeded))
	defer cancel()
	snap, err := e.grab(ctx, o)
	if err != nil {
		return nil, "", err
	}
	id := identity(snap.Frame)
	if id == e.last && !e.Repeats {
		o.Result = Unchanged
		return nil, "", nil
	}
	p, err := e.make(ctx, snap)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", snap.URL, err)
	}
	o.Size = len(p.Data)
	if e.Changed == nil {
		return p, id, nil
	}
	differs, err := e.Changed.Differs(p)
	if err != nil || differs {
		return p, id, err
	}
	o.Result, e.last = Unchanged, id
	return nil, "", nil
}

// settle says how a run ended, whose context was ctx.
func (e *engine) settle(ctx context.Context, o *Outcome) {
	o.Elapsed = time.Since(o.Began)
	if o.Err == nil {
		return
	}
	if o.Result = Failed; ctx.Err() != nil {
		o.Result = Abandoned
	}
	e.close() // what is amiss may be what it remembers, and what it delivered is lost
}

// grab takes the keyframe, and counts what it took in any case.
func (e *engine) grab(ctx context.Context, o *Outcome) (*kfgrab.Snapshot, error) {
	before := e.source.Spent()
	snap, err := e.source.Grab(ctx)
	after := e.source.Spent()
	o.Cost = kfgrab.Cost{Down: after.Down - before.Down, Up: after.Up - before.Up, Requests: after.Requests - before.Requests}
	o.Cost.Elapsed = time.Since(o.Began)
	if err != nil {
		return nil, err
	}
	o.Taken, o.MediaTime, o.Segment = snap.Taken, snap.MediaTime, snap.SegmentSize
	return snap, nil
}

func (e *engine) make(ctx context.Context, snap *kfgrab.Snapshot) (*sink.Picture, error) {
	data, err := picture.Make(ctx, e.decoder, snap, &e.Picture)
	if err != nil {
		return nil, err
	}
	p := &sink.Picture{
		Stream: e.Name, Time: snap.Taken, MediaTime: snap.MediaTime, URL: snap.URL,
		Data: data, ContentType: e.Picture.Format.MIMEType(), Extension: e.Picture.Format.Extension(),
		Width: snap.Frame.Info.Width, Height: snap.Frame.Info.Height,
	}
	if e.Picture.Format.Decoded() {
		p.Width, p.Height = e.Picture.Output.Size(snap.Frame.Info)
	}
	return p, nil
}

// store puts p everywhere and tells of it.
func (e *engine) store(ctx context.Context, p *sink.Picture, id string, o *Outcome) {
	var failed []error
	for _, s := range e.Sinks {
		location, err := s.Put(ctx, p)
		if location != "" {
			o.Files = append(o.Files, location)
		}
		failed = append(failed, err)
	}
	if o.Err = errors.Join(failed...); o.Err == nil {
		e.last = id
	}
	if len(o.Files) == 0 {
		return
	}
	for _, hook := range e.Hooks {
		hook.Tell(p.Event(o.Files[0]))
	}
}

// identity tells keyframes of a stream apart, over restarts, too: a slate that is sent
// again and again has the same bytes, but not the same times.
func identity(f *keyframe.Frame) string {
	var times bytes.Buffer
	binary.Write(&times, binary.BigEndian, []int64{int64(f.PTS), f.Time.UnixNano()}) //nolint:errcheck // a Buffer takes all
	sum := sha256.New()
	sum.Write(times.Bytes())
	sum.Write(f.Data)
	return hex.EncodeToString(sum.Sum(nil)[:8])
}
