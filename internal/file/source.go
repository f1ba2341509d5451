package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/internal/sourcekind"
	"github.com/kfgrab/kfgrab/keyframe"
)

// Options are the settings of a Source. The zero value takes the first keyframe.
type Options struct {
	// At selects the last keyframe at or before this time from the start, or before the
	// end if it is negative; 0 selects the first keyframe. A time beyond the end, or
	// before the start, is a *sourcekind.Error.
	At time.Duration

	// CheckKind, if set, is called when the format is known. Its error ends the call
	// before more is read.
	CheckKind func(sourcekind.Set) error

	// Program is the program of a transport stream; 0 means the first one with video.
	Program int

	// MaxBytes bounds what is read from a pipe or from datagrams for one keyframe; 0
	// means fetch.DefaultMaxBytes. A resource has the limit of its client, a local file
	// has none.
	MaxBytes int64

	// OnCodec, if set, is called as soon as the tables of a transport stream or the index
	// of an MP4 file contain the codec, before the keyframe is complete. A byte stream has
	// neither.
	OnCodec func(keyframe.Codec)

	Meter  *meter.Counter // counts what is read other than through a client; may be nil
	Logger *slog.Logger   // debug lines of what was decided; may be nil
}

func (o *Options) maxBytes() int64 {
	if o.MaxBytes > 0 {
		return o.MaxBytes
	}
	return fetch.DefaultMaxBytes
}

func (o *Options) logDebug(ctx context.Context, msg string, args ...any) {
	if o.Logger != nil {
		o.Logger.DebugContext(ctx, msg, args...)
	}
}

// Source is one file or stream. Every call of Keyframe starts anew with a file, a
// resource or datagrams. With a pipe it continues with the data that follow.
type Source struct {
	opts   Options
	open   func(ctx context.Context) (*input, error)
	kept   *input        // of a source that is read once
	path   string        // of a local file
	client *fetch.Client // of a resource
	tracks []keyframe.Track
}

// input is data to read, at any offset or forward only.
type input struct {
	at      readerAt // nil if data can only be read forward
	stream  io.Reader
	forward *limitedReader // below stream, nil with at
	once    bool           // data can be read only once
	close   func() error
	reader  frames // for the detected format
}

// readerAt is a file that can be read at any offset. Its size is −1 if unknown.
type readerAt interface {
	io.ReaderAt
	Size() int64
}

// isCheapAnywhere reports whether reading at an offset costs only the bytes read.
func (in *input) isCheapAnywhere() bool {
	r, remote := in.at.(*fetch.Resource)
	if !remote {
		return in.at != nil
	}
	made := r.Ranges()
	return r.Size() > 0 && len(made) > 0 && made[0].Code == http.StatusPartialContent
}

// Open returns a Source for the local file at path. A pipe or a device is read like
// NewStream's reader, and stays open until Close.
func Open(path string, o *Options) *Source {
	s := &Source{opts: valueOf(o), path: path}
	s.open = func(ctx context.Context) (*input, error) {
		f, info, err := openLocal(ctx, path)
		if err != nil {
			return nil, err
		}

		if !info.Mode().IsRegular() {
			return s.forwardInput(f, f.Close), nil
		}

		r := &localFile{ctx: ctx, f: f, size: info.Size(), meter: s.opts.Meter}
		return &input{at: r, stream: io.NewSectionReader(r, 0, r.size), close: f.Close}, nil
	}
	return s
}

// NewStream returns a Source for r, which it reads once and does not close. The end of a
// context only ends a waiting read if r has a SetReadDeadline method like net.Conn and
// os.File.
func NewStream(r io.Reader, o *Options) *Source {
	s := &Source{opts: valueOf(o)}
	s.open = func(context.Context) (*input, error) {
		return s.forwardInput(r, func() error { return nil }), nil
	}
	return s
}

// OpenResource returns a Source for the file at u, which client reads by ranges if the
// server allows it. begun may be the file that the caller already opened with
// FirstRange; the first Keyframe then uses it.
func OpenResource(client *fetch.Client, u *url.URL, begun *fetch.Resource, o *Options) *Source {
	s := &Source{opts: valueOf(o), client: client}
	s.open = func(ctx context.Context) (*input, error) {
		r := begun
		begun = nil
		if r == nil {
			r = client.Open(ctx, u, FirstRange)
		}
		return &input{at: r, stream: r, close: r.Close}, nil
	}
	return s
}

// FirstRange is for a file of unknown format. The first range holds the index of most MP4
// files of some minutes, and a keyframe of 360p; one of 1080p at 5 Mbit/s has 100 kB.
var FirstRange = fetch.Range{First: 32 << 10, Next: 48 << 10}

func valueOf(o *Options) Options {
	if o == nil {
		return Options{}
	}
	return *o
}

// Keyframe returns the first keyframe, or the one that Options.At selects. The error
// wraps keyframe.ErrNotFound, ErrCorrupt or ErrUnsupported, or the context's cause, or
// is that of opening and reading.
func (s *Source) Keyframe(ctx context.Context) (*keyframe.Frame, error) {
	var first *keyframe.Frame
	err := s.Keyframes(ctx, func(f *keyframe.Frame) bool {
		first = f
		return false
	})
	return first, err
}

// Keyframes passes the keyframe that Keyframe returns and the following ones to take,
// until take returns false; then the error is nil. It opens the data once and reads
// forward, under one budget: MP4 by its index, other formats up to the next keyframe.
// After the last keyframe the error wraps keyframe.ErrNotFound; otherwise it is that of
// Keyframe.
func (s *Source) Keyframes(ctx context.Context, take func(*keyframe.Frame) bool) error {
	in, err := s.openInput(ctx)
	if err != nil {
		return withCause(ctx, err, "opening")
	}
	if !in.once {
		defer in.close()
	}

	if in.forward != nil {
		defer in.forward.beginRead(ctx)()
	}

	f, err := s.readKeyframe(ctx, in)
	if err != nil && in.forward != nil && in.forward.left == in.forward.max {
		return withCause(ctx, err, "no data came")
	}

	for err == nil && take(f) {
		if f, err = in.reader.nextKeyframe(); errors.Is(err, keyframe.ErrNotFound) && !errors.Is(err, fetch.ErrBudget) {
			err = fmt.Errorf("%w after the last one: this is the end of it", keyframe.ErrNotFound)
		}
	}
	return withCause(ctx, err, "waiting for a keyframe")
}

// openInput returns the input to read from.
func (s *Source) openInput(ctx context.Context) (*input, error) {
	if s.kept != nil {
		return s.kept, nil
	}

	in, err := s.open(ctx)
	if err == nil && in.once {
		s.kept = in
	}
	return in, err
}

// withCause returns err or, if the end of ctx led to err, the cause of that end.
func withCause(ctx context.Context, err error, doing string) error {
	cause := context.Cause(ctx)
	if err == nil || cause == nil || (err != cause && errors.Is(err, cause)) {
		return err
	}
	return fmt.Errorf("%s: %w", doing, cause)
}

func (s *Source) readKeyframe(ctx context.Context, in *input) (*keyframe.Frame, error) {
	if in.reader == nil {
		if err := s.recogniseFormat(ctx, in); err != nil {
			return nil, err
		}
	}

	f, err := in.reader.firstKeyframe()
	if tracks := in.reader.listTracks(); len(tracks) > 0 {
		s.tracks = tracks
	}
	return f, err
}

// Tracks lists the elementary streams that the last Keyframe found.
func (s *Source) Tracks() []keyframe.Track { return s.tracks }

// Close closes a pipe or device that Open opened. The caller closes the reader of
// NewStream and the client of OpenResource.
func (s *Source) Close() error {
	if s.kept == nil {
		return nil
	}
	in := s.kept
	s.kept = nil
	return in.close()
}

// forwardInput returns an input for data that can only be read forward.
func (s *Source) forwardInput(r io.Reader, closer func() error) *input {
	limited := &limitedReader{r: r, max: s.opts.maxBytes(), meter: s.opts.Meter}
	return &input{stream: limited, forward: limited, once: true, close: closer}
}
