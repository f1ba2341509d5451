package file

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

// frames reads keyframes of one format.
type frames interface {
	keyframe() (*keyframe.Frame, error)
	tracks() []keyframe.Track
}

// recognise looks at the beginning of in and sets its reader.
func (s *Source) recognise(ctx context.Context, in *input) error {
	head, all, err := peek(in)
	if err != nil {
		return err
	}
	if r, ok := in.at.(interface{ Size() int64 }); ok {
		in.size = r.Size() // known since the first read
	}
	format := Sniff(head, all)
	s.opts.log(ctx, "recognised", "format", formatNames[format])
	switch format {
	case TransportStream:
		in.reader = s.transportStream(in)
	case MP4:
		in.reader = s.movie(in)
	case ByteStream:
		in.reader = &byteStream{src: in.stream, at: s.opts.At, detector: keyframe.NewDetector(keyframe.H264, keyframe.H265)}
	case Playlist:
		return fmt.Errorf("%w: an HLS playlist is read from its http or https URL", keyframe.ErrUnsupported)
	default:
		return unreadable(head)
	}
	return nil
}

var formatNames = [...]string{"unknown", "HLS playlist", "MPEG-TS", "MP4", "Annex B byte stream"}

// peek returns the beginning, and whether that is all. Data that come forward
// only stay to be read.
func peek(in *input) (head []byte, all bool, err error) {
	head = make([]byte, SniffSize)
	if in.at != nil {
		n, err := in.at.ReadAt(head, 0)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, false, err
		}
		return head[:n], errors.Is(err, io.EOF), nil
	}
	b := bufio.NewReaderSize(in.stream, SniffSize)
	in.stream = b
	head, err = b.Peek(SniffSize)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return nil, false, err
	}
	return head, err != nil, nil
}

// transportStream reads on; with a time asked for, it searches where it can.
type transportStream struct {
	*ts.Reader
	in   *input
	opts ts.Options
	at   time.Duration
}

func (s *Source) transportStream(in *input) *transportStream {
	o := ts.Options{Program: s.opts.Program, OnCodec: s.opts.OnCodec}
	return &transportStream{Reader: ts.NewReader(in.stream, &o), in: in, opts: o, at: s.opts.At}
}

func (t *transportStream) keyframe() (*keyframe.Frame, error) {
	switch {
	case t.at == 0:
		return t.Keyframe()
	case t.in.at != nil && t.in.size > 0:
		return ts.KeyframeAt(t.in.at, t.in.size, t.at, &t.opts)
	}
	return ts.LastBefore(t.Reader, keyframe.NoPTS, t.at)
}

func (t *transportStream) tracks() []keyframe.Track { return t.Tracks() }

// movie reads at any place, on a pipe by keeping what came.
type movie struct {
	*fmp4.Movie
	at    time.Duration
	again bool
}

func (s *Source) movie(in *input) *movie {
	at, size := in.at, in.size
	if at == nil {
		at, size = &spool{r: in.stream}, -1
	}
	return &movie{Movie: fmp4.NewMovie(at, size, nil), at: s.opts.At}
}

func (m *movie) keyframe() (*keyframe.Frame, error) {
	if m.at == 0 || m.again {
		return m.Keyframe()
	}
	m.again = true
	return m.KeyframeAt(m.at)
}

func (m *movie) tracks() []keyframe.Track { return m.Tracks() }

// byteStream reads NAL units of a codec that shows by its parameter sets.
type byteStream struct {
	src      io.Reader
	at       time.Duration
	detector *keyframe.Detector
	buf      [bufferSize]byte
}

const bufferSize = 64 << 10

func (b *byteStream) keyframe() (*keyframe.Frame, error) {
	if b.at != 0 {
		return nil, fmt.Errorf("%w: a raw byte stream has no times to look for (--at)", keyframe.ErrUnsupported)
	}
	for {
		if f := b.detector.Next(); f != nil {
			return f, nil
		}
		n, err := b.src.Read(b.buf[:])
		b.detector.Push(b.buf[:n])
		if n > 0 || err == nil {
			continue
		}
		atBudget := errors.Is(err, keyframe.ErrNotFound)
		if !atBudget && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if atBudget {
			b.detector.Lose() // what is being gathered may lack its end
		}
		if f := b.detector.Flush(); f != nil {
			return f, nil
		}
		if atBudget {
			return nil, err
		}
		return nil, b.detector.NotFound()
	}
}

func (b *byteStream) tracks() []keyframe.Track { return nil }
