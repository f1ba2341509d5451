package file

import (
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/parallel"
	"github.com/kfgrab/kfgrab/keyframe"
)

// Timeline is the index of an MP4 file, as far as it was read. It is for one goroutine
// at a time.
type Timeline struct {
	Duration time.Duration // of the video

	movie *fmp4.Movie // through index
	index *through
	again func(ctx context.Context) (opened, error)
}

// opened is a file that was opened again. Its readers may be used at the same time.
type opened struct {
	reader func() readerAt
	close  func() error
}

// through is what a Movie reads from: the known parts, and for the rest the file, if it
// is open.
type through struct {
	known *known
	file  io.ReaderAt
	keep  bool // what is read from the file becomes known
}

func (t *through) ReadAt(p []byte, off int64) (int, error) {
	return t.known.readThrough(t.file, p, off, t.keep)
}

// Timeline reads the index of an MP4 file: the moov box, or the segment index, or the
// moof boxes of a fragmented file that has neither a list of samples nor a segment
// index. For other formats, for data that can be read only once, and for a server
// without ranges, the error wraps keyframe.ErrUnsupported; otherwise it is that of
// Keyframe.
func (s *Source) Timeline(ctx context.Context) (*Timeline, error) {
	in, err := s.openInput(ctx)
	if err != nil {
		return nil, withCause(ctx, err, "opening")
	}
	if in.at == nil {
		return nil, fmt.Errorf("%w: cannot seek: the input can only be read forward", keyframe.ErrUnsupported)
	}

	defer in.close()
	t, err := s.readTimeline(ctx, in)
	return t, withCause(ctx, err, "reading the index")
}

func (s *Source) readTimeline(ctx context.Context, in *input) (*Timeline, error) {
	head, all, err := peekHead(in)
	if err != nil {
		return nil, err
	}

	format := Sniff(head, all)
	s.opts.logDebug(ctx, "recognised", "format", formatNames[format])
	switch {
	case format == UnknownFormat:
		return nil, unreadableError(head)
	case format != MP4:
		return nil, fmt.Errorf("%w: a single %s has no index of its keyframes; MP4 and HLS have one", keyframe.ErrUnsupported, formatNames[format])
	case !in.isCheapAnywhere():
		return nil, fmt.Errorf("%w: cannot seek: the server does not support range requests", keyframe.ErrUnsupported)
	}

	t := &Timeline{index: &through{&known{}, in.at, true}, again: s.reopenFunc(in)}
	t.movie = fmp4.NewMovie(t.index, in.at.Size(), nil)
	if err := t.keepFirst(in); err != nil {
		return nil, err
	}

	t.Duration, err = t.movie.Duration()
	s.tracks = t.movie.Tracks()
	return t, err
}

// keepFirst makes the whole first range known: it may hold keyframes besides the index.
func (t *Timeline) keepFirst(in *input) error {
	r, remote := in.at.(*fetch.Resource)
	if !remote {
		return nil
	}
	_, err := t.index.ReadAt(make([]byte, min(r.Ranges()[0].Bytes, r.Size())), 0)
	return err
}

// reopenFunc returns a function that opens the file of in again.
func (s *Source) reopenFunc(in *input) func(context.Context) (opened, error) {
	if r, remote := in.at.(*fetch.Resource); remote {
		client, u := s.client, r.URL()
		return func(ctx context.Context) (opened, error) {
			return opened{func() readerAt { return client.Open(ctx, u, fetch.Range{}) }, func() error { return nil }}, nil
		}
	}
	return func(ctx context.Context) (opened, error) {
		f, info, err := openLocal(ctx, s.path)
		if err != nil {
			return opened{}, err
		}
		r := &localFile{ctx: ctx, f: f, size: info.Size(), meter: s.opts.Meter}
		return opened{func() readerAt { return r }, f.Close}, nil
	}
}

// Keyframes passes the last keyframe at or before each of the times to take. The times
// must ascend; they count from the start as a player shows it. Each time is in one
// Moment; times with the same keyframe share it. At most n keyframes are read at once,
// while the rest of the index is read, and take is called from as many goroutines.
func (t *Timeline) Keyframes(ctx context.Context, times []time.Duration, n int, take func(keyframe.Moment)) {
	file, err := t.again(ctx)
	if err != nil {
		for i := range times {
			take(keyframe.Moment{Times: []int{i}, Err: withCause(ctx, err, "opening")})
		}
		return
	}

	defer file.close()
	t.index.file = file.reader()
	defer closeReader(t.index.file)

	parallel.Each(min(n, len(times)), t.locateTimes(ctx, times, take), func(spots <-chan located) {
		r := file.reader()
		defer closeReader(r)
		for s := range spots {
			m := keyframe.Moment{Times: s.times}
			f, err := s.spot.Keyframe(&through{known: t.index.known, file: r})
			if m.At, m.Frame, m.Err = s.spot.At, f, withCause(ctx, err, "waiting for a keyframe"); err != nil {
				m.At = 0
			}
			take(m)
		}
	})
}

func closeReader(r io.ReaderAt) {
	if c, ok := r.(*fetch.Resource); ok {
		c.Close()
	}
}

// located is a keyframe and the times that lead to it.
type located struct {
	spot  *fmp4.Spot
	times []int
}

// locateTimes finds the keyframes one after the other, each once. It passes errors to
// take at once.
func (t *Timeline) locateTimes(ctx context.Context, times []time.Duration, take func(keyframe.Moment)) iter.Seq[located] {
	return func(yield func(located) bool) {
		var found located
		for i, at := range times {
			spot, err := t.movie.Locate(at)
			if err == nil && found.spot != nil && spot.Same(found.spot) {
				found.times = append(found.times, i)
				continue
			}
			if found.spot != nil && !yield(found) {
				return
			}
			if found = (located{spot, []int{i}}); err != nil {
				take(keyframe.Moment{Times: found.times, Err: withCause(ctx, err, "reading the index")})
			}
		}

		if found.spot != nil {
			yield(found)
		}
	}
}
