package picture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/keyframe"
)

// MaxTries bounds Options.Tries and the damaged keyframes that Take skips: some three minutes of a stream with a keyframe every
// two seconds, longer than any fade.
const MaxTries = 100

// DefaultTries is what commands and configuration files use for "skip black" without a
// number. With keyframes two seconds apart, it outlasts the black between two scenes and
// most fades.
const DefaultTries = 5

// Taken is a snapshot and the picture made from it.
type Taken struct {
	*kfgrab.Snapshot
	Data    []byte // what Make returned; may be nil with Options.FrameOnly
	Skipped int    // blank keyframes that came before it
}

// Take grabs a keyframe from s and makes the picture that o describes. If the decoder
// finds it damaged, Take makes the picture of the first whole one that follows in the
// stream: see kfgrab.Stream.Keyframes. With Options.Tries it skips keyframes that are
// Blank as well. The error is that of the grab or of Make, or a *BlankError; it names the
// stream.
func Take(ctx context.Context, d Decoder, s *kfgrab.Stream, o *Options) (*Taken, error) {
	t := &taking{decoder: d, options: o}
	if o.Tries == 0 {
		snap, err := s.Grab(ctx)
		if err != nil {
			return nil, err
		}
		if taken, err := t.makeUnlessSkipped(ctx, snap); taken != nil || err != nil {
			return taken, err
		}
	}

	for snap, err := range s.Keyframes(ctx) {
		if err != nil {
			return nil, t.because(err)
		}
		if taken, err := t.makeUnlessSkipped(ctx, snap); taken != nil || err != nil {
			return taken, err
		}
		if t.isAtLimit() {
			break
		}
	}
	return nil, t.because(nil)
}

// taking is one call of Take.
type taking struct {
	decoder Decoder
	options *Options

	blanks  BlankError
	damaged int
	last    *keyframe.Frame // that was damaged
	fault   error           // what the decoder said of it
}

// makeUnlessSkipped returns what is made of a snapshot, or nil if it is to be skipped.
func (t *taking) makeUnlessSkipped(ctx context.Context, snap *kfgrab.Snapshot) (*Taken, error) {
	if t.last != nil && bytes.Equal(t.last.Data, snap.Frame.Data) {
		return nil, nil // the stream was opened again
	}

	data, blank, err := t.options.makeUnlessBlank(ctx, t.decoder, snap)
	switch {
	case err != nil && errors.Is(err, keyframe.ErrCorrupt):
		t.damaged++
		t.last, t.fault = snap.Frame, fmt.Errorf("%s: %w", snap.URL, err)
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", snap.URL, err)
	case blank:
		t.blanks.Tried++
		t.blanks.Last = snap
		return nil, nil
	}
	return &Taken{Snapshot: snap, Data: data, Skipped: t.blanks.Tried}, nil
}

// isAtLimit reports whether enough keyframes were skipped.
func (t *taking) isAtLimit() bool {
	return (t.options.Tries > 0 && t.blanks.Tried == t.options.Tries) || t.damaged == MaxTries
}

// because returns the error of a call that skipped all keyframes, and looked at no
// further one because of err.
func (t *taking) because(err error) error {
	switch {
	case t.damaged == 0 || t.blanks.Tried > 0:
		return t.blanks.because(err)
	case t.damaged == 1:
		return t.fault
	}
	return fmt.Errorf("%w; all %d keyframes that came are damaged", t.fault, t.damaged)
}

// BlankError says that every keyframe that Take looked at is Blank. It wraps the reason
// why Take looked at no further one, or else keyframe.ErrNotFound.
type BlankError struct {
	Tried int              // keyframes, all of them blank
	Last  *kfgrab.Snapshot // the last of them, as input for Make
	Err   error
}

// because returns e with the reason why there was no further try, or that reason alone
// if there was no try at all.
func (e *BlankError) because(err error) error {
	if e.Tried == 0 {
		return err
	}
	if e.Err = err; err == nil {
		e.Err = keyframe.ErrNotFound
	}
	return e
}

func (e *BlankError) Error() string {
	seen := "the one that came is"
	if e.Tried > 1 {
		seen = fmt.Sprintf("the %d that came are", e.Tried)
	}
	if e.Err != keyframe.ErrNotFound {
		return fmt.Sprintf("%v (%s black or of one brightness)", e.Err, seen)
	}
	return fmt.Sprintf("%s: %v that shows something: %s black or of one brightness", e.Last.URL, e.Err, seen)
}

func (e *BlankError) Unwrap() error { return e.Err }

// judgedWidth is the width of a picture that is decoded only to be judged: the number of
// cells of Blank.
const judgedWidth = cellColumns

// makeUnlessBlank calls Make, unless the picture is blank and Tries says to look. With
// FrameOnly it makes only what it judges.
//
// It judges a JPEG and raw pixels as they were made, which takes 13 ms for 1080p. It
// decodes the frame a second time for PNG, which takes longer to read, for formats that
// Go cannot read, and for pictures with captions or bars, which would count as content.
// That takes 14 ms with a Pool, 16 ms with the ffmpeg of make ffmpeg and 80 ms with
// Debian's.
func (o *Options) makeUnlessBlank(ctx context.Context, d Decoder, s *kfgrab.Snapshot) (data []byte, blank bool, err error) {
	if o.Tries == 0 {
		if !o.FrameOnly {
			data, err = Make(ctx, d, s, o)
		}
		return data, false, err
	}

	judgeMade := o.Format == JPEG || o.Format == RGB24 || o.Format == BGR24
	if judgeMade && !o.Overlay && o.Output.Fit != decode.Contain {
		if data, err = Make(ctx, d, s, o); err == nil {
			blank, err = o.isBlank(data, s)
		}
	} else if blank, err = isFrameBlank(ctx, d, s.Frame, o.Output); err == nil && !blank && !o.FrameOnly {
		data, err = Make(ctx, d, s, o)
	}
	if err != nil || blank {
		return nil, blank, err
	}
	return data, false, nil
}

// isBlank judges a picture that Make made: a JPEG, or pixels.
func (o *Options) isBlank(data []byte, s *kfgrab.Snapshot) (bool, error) {
	if o.Format != JPEG {
		width, _ := o.Output.Size(s.Frame.Info)
		return isBlankRGB(data, width, o.Format == BGR24), nil
	}

	m, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return false, fmt.Errorf("cannot read the JPEG of the decoder: %w", err)
	}
	return Blank(m), nil
}

// isFrameBlank judges the part of f that o shows.
func isFrameBlank(ctx context.Context, d Decoder, f *keyframe.Frame, o decode.Output) (bool, error) {
	var small bytes.Buffer
	o = decode.Output{Format: decode.RGB24, Width: judgedWidth, Crop: o.Crop, MaxPixels: o.MaxPixels}
	if err := d.Decode(ctx, &small, f, o); err != nil {
		return false, err
	}
	return isBlankRGB(small.Bytes(), judgedWidth, false), nil
}
