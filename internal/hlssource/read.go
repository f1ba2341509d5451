package hlssource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

const (
	// The first range of a transport stream segment is to hold its first keyframe:
	// about what an eighth of a second takes on average. Between minRange, a
	// connection's first flight, and maxRange, which wastes no more than 64 KiB.
	minRange = 16 << 10
	maxRange = 64 << 10

	// Where the last keyframe's bytes are known, as much and a 64th, or minMargin, is
	// asked for, and if this one is larger, an eighth, or minNext: consecutive keyframes
	// mostly differ by less.
	minMargin = 512
	minNext   = 4 << 10

	// Else a third, or firstNext, which makes a sixth of a second: most keyframes take
	// from an eighth to two fifths. A range may be fetched in vain but for its
	// beginning, where the access unit ends at it; with the audio in between no more
	// than 64 KiB.
	guessesPerSecond = 8
	firstNext        = 8 << 10
	mostRange        = 60 << 10

	// Without a master playlist the bandwidth is not known before the segment's size
	// is: a first range that serves small pictures, and a second one up to a sixth of
	// a second.
	blindRange     = 24 << 10
	blindPerSecond = 6

	// The first range of an fMP4 segment is to hold its moof box, which tells the
	// keyframe's own range. For a second of media that takes at most 60 pictures of
	// 16 bytes and 47 frames of audio of 8; what is too much is the keyframe's, as
	// that comes next.
	indexPerSecond = 60*16 + 47*8
	minIndex       = 4 << 10
	maxIndex       = 16 << 10

	// sniffSize makes sure of a transport stream.
	sniffSize = 2 << 10
)

// reading is a segment that is being read.
type reading struct {
	segment *hls.Segment
	container
	at      *counted    // the data of the container, to be read anywhere
	options *ts.Options // of a transport stream
	close   func()
}

// content is the data of a segment, to be read on from the front, or anywhere.
type content interface {
	io.Reader
	sizedReaderAt
	Peek(n int) ([]byte, error) // the first n bytes, as fetch.Resource.Peek
}

// container finds the keyframes of a segment.
type container interface {
	Keyframe() (*keyframe.Frame, error)
	Picture() (*keyframe.Frame, error)
	Tracks() []keyframe.Track
	Start() time.Duration // first presentation time, or keyframe.NoPTS
}

// first returns the first keyframe of seg.
func (s *Source) first(ctx context.Context, seg *hls.Segment) (*keyframe.Frame, error) {
	r, err := s.open(ctx, seg)
	if err != nil {
		return nil, err
	}
	f, err := r.Keyframe()
	defer func() { s.done(r, err) }()
	if err != nil {
		return nil, err
	}
	s.span = r.used(f)
	if seg.IsIFrame {
		f.OpenEnd = false // the playlist says where it ends
	}
	r.date(f)
	return f, nil
}

// date gives f the time of day, where the playlist tells.
func (r *reading) date(f *keyframe.Frame) {
	if begin := r.segment.ProgramDateTime; !begin.IsZero() {
		f.Time = begin.Add(r.offset(f))
	}
}

// offset returns how far behind the segment's beginning f is; 0 where it does not
// tell.
func (r *reading) offset(f *keyframe.Frame) time.Duration {
	if f.PTS == keyframe.NoPTS || r.Start() == keyframe.NoPTS {
		return 0
	}
	return ts.Since(f.PTS, r.Start())
}

// open begins to read seg.
func (s *Source) open(ctx context.Context, seg *hls.Segment) (*reading, error) {
	return withFreshKeys(s, func() (*reading, error) { return s.begin(ctx, seg) })
}

func (s *Source) begin(ctx context.Context, seg *hls.Segment) (*reading, error) {
	lock, err := s.protectionOf(ctx, seg.Keys, seg.Sequence)
	if err != nil {
		return nil, err
	}
	u, err := seg.URI.Resolve()
	if err != nil {
		return nil, err
	}
	before, err := s.sectionOf(ctx, seg)
	if err != nil {
		return nil, err
	}
	rng := s.ranges(seg, before)
	if b := seg.ByteRange; b != nil {
		rng.Offset, rng.Length = b.Offset, b.Length
	}
	if lock.whole() {
		rng = lock.blocks(rng, seg)
	}
	r := s.client.Open(ctx, u, rng)
	data := &counted{content: lock.open(r, seg)}
	c, err := s.recognise(data, before, lock)
	if err != nil {
		r.Close()
		return nil, err
	}
	done := func() {
		if tracks := c.Tracks(); len(tracks) > 0 {
			s.tracks = tracks
		}
		if !seg.IsPart && !seg.IsIFrame {
			s.whole = max(0, r.Size())
		}
		r.Close() // which may read the rest of one
		s.log(ctx, "ranges", "fetched", r.Ranges())
	}
	return &reading{segment: seg, container: c, at: data, options: s.programOptions(lock), close: done}, nil
}

// ranges says how to read seg from the front.
func (s *Source) ranges(seg *hls.Segment, before *section) fetch.Range {
	if s.follow != nil {
		return fetch.Range{All: true}
	}
	if s.upTo > seg.Duration/2 && before.movie == nil {
		return fetch.Range{All: true} // a request more would cost more than the rest
	}
	rng := fetch.Range{First: s.firstRange(seg, before), Most: mostRange}
	if s.upTo > 0 && before.movie == nil {
		rng.Share, rng.Most = int64(seg.Duration/s.upTo), 0
		return rng
	}
	if s.span > 0 {
		rng.Next = int64(max(s.span/8, minNext))
		return rng
	}
	rng.Next = max(rng.First/3, firstNext)
	if s.variant == nil {
		rng.Share = int64(max(1, seg.Duration.Seconds()*blindPerSecond))
	}
	return rng
}

// firstRange guesses how much of seg tells where its first keyframe is, or holds
// it: in a transport stream as much as the last one took, with what lay between
// and what showed its end.
func (s *Source) firstRange(seg *hls.Segment, before *section) int64 {
	guess := int64(blindRange)
	switch {
	case seg.IsIFrame:
		return seg.ByteRange.Length
	case before.movie != nil:
		seconds := min(int64(seg.Duration/time.Second), maxIndex)
		return min(max(seconds*indexPerSecond, minIndex), maxIndex)
	case s.span > 0:
		return int64(s.span + max(s.span/64, minMargin))
	case s.variant != nil:
		guess = int64(s.variant.Bandwidth) / 8 / guessesPerSecond
	}
	return min(max(guess, minRange), maxRange)
}

// recognise finds out what r holds, with the initialisation section before it.
func (s *Source) recognise(r content, before *section, lock *protection) (container, error) {
	head, err := r.Peek(sniffSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case len(head) == 0:
		return nil, fmt.Errorf("%w: the segment is empty", keyframe.ErrCorrupt)
	case fmp4.Sniff(head):
		m := s.follow.movie(r, before)
		if lock != nil && lock.method != methodWhole {
			m.SetKey(lock.key)
		}
		return m, nil
	case ts.Sniff(head, err != nil):
		return s.follow.reader(before.ahead(r), s.programOptions(lock)), nil
	case packedAudio(head):
		return nil, fmt.Errorf("%w: the rendition is audio only", keyframe.ErrNotFound)
	case lock.whole():
		return nil, errWrongKey
	}
	return nil, fmt.Errorf("%w: the segment is neither MPEG-TS nor fMP4", keyframe.ErrCorrupt)
}

func (s *Source) programOptions(lock *protection) *ts.Options {
	o := &ts.Options{Program: s.opts.Program, OnCodec: s.opts.OnCodec}
	if lock != nil && lock.method == methodSamples {
		o.SampleAES = lock.decryptFrame
	}
	return o
}

// packedAudio tells elementary audio (RFC 8216 3.4): an ID3 tag, or a frame of
// AAC, MP3 or AC-3.
func packedAudio(head []byte) bool {
	return len(head) > 3 && (string(head[:3]) == "ID3" ||
		head[0] == 0xff && head[1]&0xe0 == 0xe0 ||
		head[0] == 0x0b && head[1] == 0x77)
}
