package hls

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/kfgrab/kfgrab/fetch"
	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

const (
	// maxInit bounds an initialisation section: sample descriptions and no samples,
	// some kilobytes.
	maxInit = 1 << 20

	// headRange is the first range of an fMP4 segment: the moof of a 6 s segment
	// has 1 to 4 kB, and then tells the keyframe's own range.
	headRange = 4 << 10

	// The first range of a transport stream segment is to hold its first keyframe:
	// about what an eighth of a second takes on average. Between minRange, a
	// connection's first flight, and maxRange, which wastes no more than 64 KiB.
	minRange  = 16 << 10
	maxRange  = 64 << 10
	nextRange = 48 << 10

	// sniffSize makes sure of a transport stream.
	sniffSize = 2 << 10
)

// frames reads one keyframe of a segment after another.
type frames interface {
	Keyframe() (*keyframe.Frame, error)
}

// segment is a segment that is being read.
type segment struct {
	*Segment
	frames
	start time.Duration // presentation time of its first keyframe, NoPTS before
	close func() error
}

// first returns the first keyframe of seg.
func (s *Source) first(ctx context.Context, seg *Segment) (*keyframe.Frame, error) {
	r, err := s.open(ctx, seg)
	if err != nil {
		return nil, err
	}
	defer r.close()
	f, err := r.next()
	if err != nil {
		return nil, err
	}
	s.span = len(f.Data)
	return f, nil
}

// at returns the last keyframe up to Options.At.
func (s *Source) at(ctx context.Context, media *Media) (*keyframe.Frame, error) {
	seg, err := media.At(s.opts.At)
	if err != nil {
		return nil, err
	}
	var next *keyframe.Frame // the first keyframe after the time asked for
	for {
		s.log(ctx, "segment", "sequence", seg.Sequence, "uri", seg.URI.String(), "start", seg.Start)
		before, after, err := s.around(ctx, seg)
		switch {
		case before != nil:
			return before, nil
		case err != nil && !errors.Is(err, keyframe.ErrNotFound):
			return nil, err
		case after != nil:
			next = after
		}
		earlier, noEarlier := media.Before(seg.Sequence)
		switch {
		case noEarlier == nil:
			seg = earlier
			continue
		case next != nil:
			return next, nil
		}
		return nil, err
	}
}

// around returns the last keyframe of seg up to Options.At, and the first one
// after it.
func (s *Source) around(ctx context.Context, seg *Segment) (before, after *keyframe.Frame, err error) {
	r, err := s.open(ctx, seg)
	if err != nil {
		return nil, nil, err
	}
	defer r.close()
	for {
		f, err := r.next()
		if err != nil {
			return before, nil, err
		}
		if f.PTS != keyframe.NoPTS && seg.Start+ts.Since(f.PTS, r.start) > s.opts.At {
			return before, f, nil
		}
		before = f
	}
}

// next returns the next keyframe, with the time of day where the playlist tells.
func (r *segment) next() (*keyframe.Frame, error) {
	f, err := r.Keyframe()
	if err != nil {
		return nil, err
	}
	if r.start == keyframe.NoPTS {
		r.start = f.PTS
	}
	if !r.ProgramDateTime.IsZero() {
		f.Time = r.ProgramDateTime.Add(ts.Since(f.PTS, r.start))
	}
	return f, nil
}

// open begins to read seg.
func (s *Source) open(ctx context.Context, seg *Segment) (*segment, error) {
	if err := encrypted(seg.Keys); err != nil {
		return nil, err
	}
	u, err := seg.URI.Resolve()
	if err != nil {
		return nil, err
	}
	rng := fetch.Range{First: s.firstRange(), Next: nextRange}
	if seg.Map != nil {
		if err := s.loadInit(ctx, seg.Map); err != nil {
			return nil, err
		}
		rng.First = headRange
	}
	if b := seg.ByteRange; b != nil {
		rng.Offset, rng.Length = b.Offset, b.Length
	}
	r := s.client.Open(ctx, u, rng)
	frames, err := s.recognise(seg, r)
	if err != nil {
		r.Close()
		return nil, err
	}
	done := func() error {
		s.log(ctx, "ranges", "fetched", r.Ranges())
		return r.Close()
	}
	return &segment{Segment: seg, frames: frames, start: keyframe.NoPTS, close: done}, nil
}

// firstRange guesses how much of a transport stream holds its first keyframe: as
// the last one did, with its packet headers, some audio, and what shows its end.
func (s *Source) firstRange() int64 {
	guess := int64(minRange)
	switch {
	case s.span > 0:
		return int64(s.span)*17/16 + minRange/2
	case s.variant != nil:
		guess = int64(s.variant.Bandwidth) / 8 / 8
	}
	return min(max(guess, minRange), maxRange)
}

func (s *Source) recognise(seg *Segment, r *fetch.Resource) (frames, error) {
	if seg.Map != nil {
		return &recorder{fmp4.NewMovie(r, r.Size(), s.init), s}, nil
	}
	head, err := r.Peek(sniffSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case len(head) == 0:
		return nil, fmt.Errorf("%w: the segment is empty", keyframe.ErrCorrupt)
	case fmp4.Sniff(head):
		return &recorder{fmp4.NewMovie(r, r.Size(), nil), s}, nil
	case ts.Sniff(head, err != nil):
		return &recorder{ts.NewReader(r, &ts.Options{Program: s.opts.Program, OnCodec: s.opts.OnCodec}), s}, nil
	case packedAudio(head):
		return nil, fmt.Errorf("%w: the rendition is audio only", keyframe.ErrNotFound)
	}
	return nil, fmt.Errorf("%w: the segment is neither MPEG-TS nor fMP4", keyframe.ErrCorrupt)
}

// packedAudio tells elementary audio (RFC 8216 3.4): an ID3 tag, or a frame of
// AAC, MP3 or AC-3.
func packedAudio(head []byte) bool {
	return len(head) > 3 && (string(head[:3]) == "ID3" ||
		head[0] == 0xff && head[1]&0xe0 == 0xe0 ||
		head[0] == 0x0b && head[1] == 0x77)
}

// recorder remembers what tracks a segment has.
type recorder struct {
	container
	source *Source
}

type container interface {
	frames
	Tracks() []keyframe.Track
}

func (r *recorder) Keyframe() (*keyframe.Frame, error) {
	f, err := r.container.Keyframe()
	if tracks := r.container.Tracks(); len(tracks) > 0 {
		r.source.tracks = tracks
	}
	return f, err
}

// loadInit fetches the initialisation section, unless it is the one of the last
// segment.
func (s *Source) loadInit(ctx context.Context, m *Map) error {
	if s.init != nil && sameMap(m, &s.initKey) {
		return s.tellCodec()
	}
	if err := encrypted(m.Keys); err != nil {
		return err
	}
	u, err := m.URI.Resolve()
	if err != nil {
		return err
	}
	data, err := s.wholeMap(ctx, m, u)
	if err != nil {
		return fmt.Errorf("initialisation section: %w", err)
	}
	if s.init, err = fmp4.ParseInit(data); err != nil {
		return fmt.Errorf("initialisation section: %w", err)
	}
	s.initKey = *m
	return s.tellCodec()
}

func (s *Source) tellCodec() error {
	video, err := s.init.Video()
	if err != nil {
		s.tracks = s.init.List()
		return err
	}
	if s.opts.OnCodec != nil {
		s.opts.OnCodec(video.Codec)
	}
	return nil
}

// wholeMap reads a section that is a document of its own or a part of one.
func (s *Source) wholeMap(ctx context.Context, m *Map, u *url.URL) ([]byte, error) {
	if m.ByteRange == nil {
		doc, err := s.client.Get(ctx, u, maxInit)
		if err != nil {
			return nil, err
		}
		return doc.Body, nil
	}
	if m.ByteRange.Length > maxInit {
		return nil, fmt.Errorf("%w: of %d bytes", keyframe.ErrUnsupported, m.ByteRange.Length)
	}
	r := s.client.Open(ctx, u, fetch.Range{Offset: m.ByteRange.Offset, Length: m.ByteRange.Length, First: m.ByteRange.Length})
	defer r.Close()
	return io.ReadAll(r)
}

func sameMap(a, b *Map) bool {
	if a.URI.Text != b.URI.Text || (a.ByteRange == nil) != (b.ByteRange == nil) {
		return false
	}
	return a.ByteRange == nil || *a.ByteRange == *b.ByteRange
}

// encrypted refuses what is encrypted, by the name of the method or of the key
// format.
func encrypted(keys []Key) error {
	for _, k := range keys {
		if k.KeyFormat != "" && k.KeyFormat != "identity" {
			return fmt.Errorf("%w: the segments are encrypted with %s for the key format %q", keyframe.ErrUnsupported, k.Method, k.KeyFormat)
		}
		return fmt.Errorf("%w: the segments are encrypted with %s", keyframe.ErrUnsupported, k.Method)
	}
	return nil
}
