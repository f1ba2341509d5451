package file

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

// frames reads keyframes of one format.
type frames interface {
	firstKeyframe() (*keyframe.Frame, error)
	nextKeyframe() (*keyframe.Frame, error) // follows the one returned last
	listTracks() []keyframe.Track
}

// recogniseFormat detects the format of in and sets its reader.
func (s *Source) recogniseFormat(ctx context.Context, in *input) error {
	head, all, err := peekHead(in)
	if err != nil {
		return err
	}

	format := Sniff(head, all)
	s.opts.logDebug(ctx, "recognised", "format", formatNames[format])
	if err := s.checkKind(in, format); err != nil {
		return err
	}

	switch format {
	case TransportStream:
		in.reader = s.newTransportStream(in)
	case MP4:
		in.reader = s.newMovie(in)
	case ByteStream:
		in.reader = &byteStream{src: in.stream, detector: keyframe.NewByteStream(keyframe.H264, keyframe.H265)}
	case Playlist:
		return fmt.Errorf("%w: this is an HLS playlist; open its http or https URL instead", keyframe.ErrUnsupported)
	default:
		return unreadableError(head)
	}
	return nil
}

var formatNames = [...]string{"unknown", "HLS playlist", "MPEG-TS", "MP4", "Annex B byte stream"}

// peekHead returns the beginning of in, and whether that is all. It does not consume
// data that can only be read forward.
func peekHead(in *input) (head []byte, all bool, err error) {
	if in.at != nil {
		head = make([]byte, SniffSize)
		n, err := in.at.ReadAt(head, 0)
		head, all = head[:n], errors.Is(err, io.EOF)
		if err != nil && !all {
			return nil, false, err
		}
		return head, all, nil
	}

	b := bufio.NewReaderSize(in.stream, SniffSize)
	in.stream = b
	head, err = b.Peek(SniffSize)
	all = errors.Is(err, io.EOF) || errors.Is(err, fetch.ErrBudget)

	if err != nil && !all {
		return nil, false, err
	}
	return head, all, nil
}

// transportStream reads forward, up to the time at if that is not zero.
type transportStream struct {
	*ts.Reader
	at time.Duration
}

func (t *transportStream) firstKeyframe() (*keyframe.Frame, error) {
	switch {
	case t.at == 0:
		return t.Keyframe()
	case t.at < 0:
		return nil, errUnknownEnd
	}
	f, err := t.KeyframeAt(keyframe.NoPTS, t.at+timeSlack)
	return unlessBeyond(t, t.at, f, err)
}

func (t *transportStream) nextKeyframe() (*keyframe.Frame, error) { return t.Keyframe() }

func (t *transportStream) listTracks() []keyframe.Track { return t.Tracks() }

// recording is a transport stream that is searched for a time.
type recording struct {
	*ts.Recording
	at time.Duration
}

func (r *recording) firstKeyframe() (*keyframe.Frame, error) {
	at, err := fromStart(r.at, r.Duration)
	if err != nil {
		return nil, err
	}
	f, err := r.KeyframeAt(at + timeSlack)
	return unlessBeyond(r, at, f, err)
}

func (r *recording) nextKeyframe() (*keyframe.Frame, error) { return r.Next() }
func (r *recording) listTracks() []keyframe.Track           { return r.Tracks() }

func (s *Source) newTransportStream(in *input) frames {
	o := &ts.Options{Program: s.opts.Program, OnCodec: s.opts.OnCodec}
	if s.opts.At != 0 && in.isCheapAnywhere() {
		return &recording{ts.NewRecording(in.at, in.at.Size(), o), s.opts.At}
	}
	return &transportStream{ts.NewReader(in.stream, o), s.opts.At}
}

// movie reads at any offset. For a pipe, it keeps what was read.
type movie struct {
	*fmp4.Movie
	r       io.ReaderAt
	at      time.Duration
	onCodec func(keyframe.Codec) // nil once it was called
}

func (s *Source) newMovie(in *input) *movie {
	m := &movie{at: s.opts.At, onCodec: s.opts.OnCodec}
	if in.at != nil {
		m.r = in.at
		if m.at < 0 { // the index is read once for the end, and once for the keyframe
			m.r = &through{&known{}, in.at, true}
		}
		m.Movie = fmp4.NewMovie(m, in.at.Size(), nil)
		return m
	}
	m.r = &spool{r: in.stream, max: s.opts.maxBytes()}
	m.Movie = fmp4.NewMovie(m, -1, nil)
	return m
}

func (m *movie) firstKeyframe() (*keyframe.Frame, error) {
	if m.at == 0 {
		return m.Keyframe()
	}
	at, err := fromStart(m.at, m.Duration)
	if err != nil {
		return nil, err
	}
	f, err := m.KeyframeAt(at)
	return unlessBeyond(m, at, f, err)
}

func (m *movie) nextKeyframe() (*keyframe.Frame, error) { return m.Next() }

func (m *movie) listTracks() []keyframe.Track { return m.Tracks() }

// ReadAt reads for Movie. Its first read after the index shows that it knows the codec.
func (m *movie) ReadAt(p []byte, off int64) (int, error) {
	if init := m.Init(); init != nil && m.onCodec != nil {
		if t, err := init.Video(); err == nil {
			m.onCodec(t.Codec)
		}
		m.onCodec = nil
	}
	return m.r.ReadAt(p, off)
}

// byteStream reads NAL units. Their parameter sets show which codec it is.
type byteStream struct {
	src      io.Reader
	detector *keyframe.ByteStream
	buf      [bufferSize]byte
}

const bufferSize = 64 << 10

func (b *byteStream) firstKeyframe() (*keyframe.Frame, error) { return b.nextKeyframe() }

func (b *byteStream) nextKeyframe() (*keyframe.Frame, error) {
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
			b.detector.Lose() // the picture being gathered may lack its end
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

func (b *byteStream) listTracks() []keyframe.Track { return nil }
