package watch

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/sink"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
)

// engine runs one stream. Only one goroutine at a time may use it.
type engine struct {
	Stream
	decoder picture.Decoder
	source  *kfgrab.Stream // nil before the first run and after a failed one
	last    string         // frameID of the last stored keyframe, or ""
	changes *sink.OnChange // nil if every picture is stored
}

// newEngine checks s and opens its source.
func newEngine(s Stream, decoder picture.Decoder, last string) (*engine, error) {
	e := &engine{Stream: s, decoder: decoder, last: last}
	if s.MinChange > 0 {
		e.changes = &sink.OnChange{Threshold: s.MinChange}
	}
	if err := errors.Join(s.Picture.Validate(), e.openSource()); err != nil {
		return nil, fmt.Errorf("stream %q: %w", s.Name, err)
	}
	return e, nil
}

// openSource does no I/O.
func (e *engine) openSource() (err error) {
	if e.source == nil {
		options := e.Grab
		options.IfNewer = !e.Repeats
		e.source, err = kfgrab.Open(e.URL, &options)
	}
	return err
}

func (e *engine) closeSource() {
	if e.source != nil {
		e.source.Close()
		e.source = nil
	}
}

// shot is a picture to be stored.
type shot struct {
	picture *sink.Picture
	id      string // of its keyframe
}

// captureShot grabs a picture. It returns nil if there is none to store.
func (e *engine) captureShot(ctx context.Context, o *Outcome) (s *shot) {
	o.Began = time.Now()
	s, o.Err = e.takeShot(ctx, o)
	if errors.Is(o.Err, keyframe.ErrNotModified) {
		o.Result, o.Err, o.Why = Unchanged, nil, NoNewerKeyframe
	}
	return s
}

func (e *engine) takeShot(running context.Context, o *Outcome) (*shot, error) {
	if err := e.openSource(); err != nil {
		return nil, err
	}
	ctx, release := startClock(running, cmp.Or(e.Timeout, defaultTimeout))
	defer release()

	taken, err := e.grabFrame(ctx, o)
	if err != nil {
		return nil, err
	}
	id := frameID(taken.Frame, e.Asked)
	if id == e.last && !e.Repeats {
		o.Result, o.Why = Unchanged, SameKeyframe
		return nil, nil
	}
	if taken.Data == nil {
		if taken.Data, err = picture.Make(ctx, e.decoder, taken.Snapshot, &e.Picture); err != nil {
			return nil, fmt.Errorf("%s: %w", taken.URL, err)
		}
	}

	o.Size = len(taken.Data)
	s := &shot{picture: e.newPicture(taken), id: id}
	differs, err := e.differsEnough(ctx, taken, s.picture)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", taken.URL, err)
	}
	if !differs {
		o.Result, o.Why, e.last = Unchanged, SimilarPicture, id
		return nil, nil
	}
	return s, nil
}

// finishRun sets the result of a run whose context was ctx.
func (e *engine) finishRun(ctx context.Context, o *Outcome) {
	o.Elapsed = time.Since(o.Began)
	if o.Err == nil {
		return
	}
	o.Result = Failed
	if ctx.Err() != nil {
		o.Result = Abandoned
	}
	e.closeSource() // its state may be the cause, and its last keyframe is lost
}

// grabFrame grabs the keyframe and counts its cost, even after a failure.
func (e *engine) grabFrame(ctx context.Context, o *Outcome) (*picture.Taken, error) {
	options := e.Picture
	options.FrameOnly = true // a keyframe that is already stored is not decoded again
	before := e.source.Spent()
	taken, err := picture.Take(ctx, e.decoder, e.source, &options)

	after := e.source.Spent()
	o.Cost = kfgrab.Cost{
		Down: after.Down - before.Down, Up: after.Up - before.Up, Requests: after.Requests - before.Requests,
		Elapsed: time.Since(o.Began),
	}
	if err != nil {
		return nil, err
	}
	o.Taken, o.MediaTime, o.Segment = taken.Taken, taken.MediaTime, taken.SegmentSize
	return taken, nil
}

func (e *engine) newPicture(t *picture.Taken) *sink.Picture {
	p := &sink.Picture{
		Stream: e.Name, Time: t.Snapshot.Taken, MediaTime: t.MediaTime, URL: t.URL,
		Data: t.Data, ContentType: e.Picture.Format.MIMEType(), Extension: e.Picture.Format.Extension(),
		Width: t.Frame.Info.Width, Height: t.Frame.Info.Height,
	}
	if e.Picture.Format.Decoded() {
		p.Width, p.Height = e.Picture.Output.Size(t.Frame.Info)
	}
	return p
}

// comparedWidth is the width of pictures decoded only to be compared: twice the width
// at which they are compared.
const comparedWidth = 128

// differsEnough compares p with the last stored picture, if the stream asks for that. If
// the format is raw or no picture, it decodes the keyframe once more, small.
func (e *engine) differsEnough(ctx context.Context, t *picture.Taken, p *sink.Picture) (bool, error) {
	if e.changes == nil {
		return true, nil
	}
	switch e.Picture.Format {
	case picture.JPEG, picture.PNG, picture.WebP:
		return e.changes.Differs(p)
	}

	var small bytes.Buffer
	o := decode.Output{Format: decode.JPEG, Width: comparedWidth, Crop: e.Picture.Output.Crop, MaxPixels: e.Picture.Output.MaxPixels}
	if err := e.decoder.Decode(ctx, &small, t.Frame, o); err != nil {
		return false, err
	}
	return e.changes.Differs(&sink.Picture{Stream: e.Name, Data: small.Bytes()})
}

// storeShot stores s in all sinks and calls the hooks.
func (e *engine) storeShot(ctx context.Context, s *shot, o *Outcome) {
	var failed []error
	for _, to := range e.Sinks {
		location, err := to.Put(ctx, s.picture)
		if location != "" {
			o.Files = append(o.Files, location)
		}
		failed = append(failed, err)
	}

	o.Err = errors.Join(failed...)
	if o.Err == nil {
		e.last = s.id
	} else if e.changes != nil {
		e.changes.Forget()
	}
	if len(o.Files) == 0 {
		return
	}
	for _, hook := range e.Hooks {
		hook.Notify(s.picture.Event(o.Files[0]))
	}
}

// frameID distinguishes the keyframes of a stream, also over restarts, and what was asked
// for. It includes the times, because a slate that is sent again and again has the same
// bytes.
func frameID(f *keyframe.Frame, asked string) string {
	var times bytes.Buffer
	binary.Write(&times, binary.BigEndian, []int64{int64(f.PTS), f.Time.UnixNano()}) //nolint:errcheck // a Buffer does not fail
	sum := sha256.New()
	sum.Write(times.Bytes())
	sum.Write(f.Data)
	sum.Write([]byte(asked))
	return hex.EncodeToString(sum.Sum(nil)[:8])
}
