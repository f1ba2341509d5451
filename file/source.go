package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/kfgrab/kfgrab/fetch"
	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/keyframe"
)

// Options are the settings of a Source. The zero value takes the first keyframe.
type Options struct {
	// At asks for the last keyframe at or before this time from the start; 0 asks
	// for the first.
	At time.Duration

	// Program is the program of a transport stream; 0 is the first with video.
	Program int

	// MaxBytes bounds what is read from a pipe or from datagrams for one keyframe;
	// 0 stands for fetch.DefaultMaxBytes. A resource has the bound of its client,
	// a local file none.
	MaxBytes int64

	// OnCodec, where set, is called when the codec is known, before the keyframe
	// is whole.
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

func (o *Options) log(ctx context.Context, msg string, args ...any) {
	if o.Logger != nil {
		o.Logger.DebugContext(ctx, msg, args...)
	}
}

// Source is one file or stream. Keyframe on a Source that can be read again, a
// file or a resource, starts anew; on a pipe it goes on.
type Source struct {
	opts   Options
	open   func(ctx context.Context) (*input, error)
	kept   *input // of a source that is read once
	tracks []keyframe.Track
}

// input is data to be read, at any place or forward only.
type input struct {
	at     io.ReaderAt // nil where data come forward only
	size   int64       // with at; −1 where unknown
	stream io.Reader
	raw    io.Reader // the stream before anything buffered it
	close  func() error
	reader frames // of what was recognised, kept where data come forward only
}

// Open returns a Source of the local file at path. A path that names a pipe or a
// device is read like NewStream's reader.
func Open(path string, o *Options) *Source {
	s := &Source{opts: valueOf(o)}
	s.open = func(context.Context) (*input, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		info, err := f.Stat()
		if err == nil && info.IsDir() {
			err = fmt.Errorf("%s is a directory, not a video", path)
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		if !info.Mode().IsRegular() {
			return s.forward(f, f.Close), nil
		}
		counted := &countedFile{f, s.opts.Meter}
		return &input{at: counted, size: info.Size(), stream: io.NewSectionReader(counted, 0, info.Size()), close: f.Close}, nil
	}
	return s
}

// NewStream returns a Source of what r yields, which is read once and not closed.
// For the end of a context to end a read that waits, r has to have the method
// SetReadDeadline of net.Conn and os.File.
func NewStream(r io.Reader, o *Options) *Source {
	s := &Source{opts: valueOf(o)}
	s.kept = s.forward(r, func() error { return nil })
	return s
}

// OpenResource returns a Source of the file at u, which client reads by ranges
// where the server allows it. begun, where it is not nil, is the file opened with
// FirstRange by the caller, who leaves it to the first Keyframe.
func OpenResource(client *fetch.Client, u *url.URL, begun *fetch.Resource, o *Options) *Source {
	s := &Source{opts: valueOf(o)}
	s.open = func(ctx context.Context) (*input, error) {
		r := begun
		begun = nil
		if r == nil {
			r = client.Open(ctx, u, FirstRange)
		}
		return &input{at: r, size: -1, stream: r, close: r.Close}, nil
	}
	return s
}

// FirstRange is how a file of unknown format is read: the first range is to hold
// the index of most MP4 files of some minutes, and a keyframe of 360p; one of
// 1080p at 5 Mbit/s has 100 kB.
var FirstRange = fetch.Range{First: 32 << 10, Next: 48 << 10}

func valueOf(o *Options) Options {
	if o == nil {
		return Options{}
	}
	return *o
}

// Keyframe returns the first keyframe, or with Options.At the one asked for. The
// error wraps keyframe.ErrNotFound, ErrCorrupt or ErrUnsupported, the context's
// cause, or is the one of opening and reading.
func (s *Source) Keyframe(ctx context.Context) (*keyframe.Frame, error) {
	in := s.kept
	if in == nil {
		var err error
		if in, err = s.open(ctx); err != nil {
			return nil, err
		}
		defer in.close()
	}
	stop := interrupt(ctx, in.raw)
	defer stop()
	f, err := s.read(ctx, in)
	if err != nil && ctx.Err() != nil && !errors.Is(err, context.Cause(ctx)) {
		err = fmt.Errorf("waiting for a keyframe: %w", context.Cause(ctx))
	}
	return f, err
}

func (s *Source) read(ctx context.Context, in *input) (*keyframe.Frame, error) {
	if in.reader == nil {
		if err := s.recognise(ctx, in); err != nil {
			return nil, err
		}
	}
	f, err := in.reader.keyframe()
	if tracks := in.reader.tracks(); len(tracks) > 0 {
		s.tracks = tracks
	}
	return f, err
}

// Tracks lists the elementary streams that the last Keyframe came across.
func (s *Source) Tracks() []keyframe.Track { return s.tracks }

// Close lets go of what NewStream or OpenUDP holds.
func (s *Source) Close() error {
	if s.kept == nil {
		return nil
	}
	return s.kept.close()
}

// forward is the input of data that come forward only.
func (s *Source) forward(r io.Reader, closer func() error) *input {
	limited := &limitedReader{r: r, left: s.opts.maxBytes(), max: s.opts.maxBytes(), meter: s.opts.Meter}
	return &input{stream: limited, raw: limited, close: closer}
}

// countedFile tells the meter what is read of a file.
type countedFile struct {
	io.ReaderAt
	meter *meter.Counter
}

func (f *countedFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.ReaderAt.ReadAt(p, off)
	if f.meter != nil {
		f.meter.AddDown(n)
	}
	return n, err
}
