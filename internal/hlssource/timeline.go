package hlssource

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/parallel"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

// Timeline is a media playlist as it was once: of a recording all of it, of a live
// stream the window that can be gone back in. It is for one goroutine at a time.
type Timeline struct {
	Duration time.Duration // of the segments that are listed
	Live     bool

	source *Source // that has chosen the rendition
	media  *hls.Media
}

// Timeline fetches the playlist of the rendition, or that of its I-frames where
// there is one that serves, and nothing else. Options.At, Edge and AllowTiles have no
// meaning here. The error is that of Keyframe.
func (s *Source) Timeline(ctx context.Context) (*Timeline, error) {
	each := *s // the playlists that s keeps are its own
	each.opts.AllowTiles, each.opts.Edge, each.reloads = false, hls.EdgeFirst, nil
	var t *Timeline
	_, err := each.withAlternates(ctx, func(ctx context.Context) (*keyframe.Frame, error) {
		media, err := each.mediaPlaylist(ctx)
		if err != nil {
			return nil, err
		}
		if media.ImagesOnly {
			return nil, fmt.Errorf("%w: the playlist lists ready-made pictures (EXT-X-IMAGES-ONLY)", keyframe.ErrUnsupported)
		}
		last, err := media.Newest()
		if err != nil {
			return nil, err
		}
		t = &Timeline{Duration: last.Start + last.Duration, Live: media.Live, source: each.another(), media: media}
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// another returns a Source that reads segments of the same rendition beside s, with
// what s knows of it.
func (s *Source) another() *Source {
	a := &Source{client: s.client, url: s.url, opts: s.opts, master: s.master, variant: s.variant}
	a.section, a.span = s.section, s.span
	if len(s.keys) > 0 {
		a.keys = map[string][]byte{}
		for address, key := range s.keys {
			a.keys[address] = key
		}
	}
	return a
}

// Keyframes gives take the last keyframe at or before each of the times, which
// ascend and count from the beginning of the first segment listed. Each time is in
// one Moment; times of one segment that have the same keyframe share it, and none is
// fetched twice. Where a segment begins in mid-GOP, its first keyframe serves what is
// before it, and where it has none, the first of the segment before.
// At most n segments are read at once, and take is called from as many goroutines.
//
// Of a transport stream without an I-frame playlist, which shows its keyframes only
// as it is read, the first keyframe of the segment serves a time that is no further
// behind it than half of the distance between two times: it costs least. Else the
// segment is read up to the time.
//
// The first segment is read before the others, which then know the size of a
// keyframe, the initialisation section and the key.
func (t *Timeline) Keyframes(ctx context.Context, times []time.Duration, n int, take func(keyframe.Moment)) {
	list := errands(t.media, times)
	if len(list) == 0 {
		return
	}
	job := &errandRun{media: t.media, times: times, near: nearEnough(times), take: take, firsts: map[int64]*firstKeyframe{}}
	job.read(ctx, t.source, list[0])
	parallel.Each(min(n, len(list)-1), slices.Values(list[1:]), func(errands <-chan errand) {
		s := t.source.another()
		for e := range errands {
			job.read(ctx, s, e)
		}
	})
}

// errand is a segment, and the times for which it is to be read.
type errand struct {
	segment *hls.Segment
	times   []int
}

// errands lists the segments that hold the times, each once. The playlist has one
// that is no gap.
func errands(m *hls.Media, times []time.Duration) (list []errand) {
	for i, t := range times {
		seg, err := m.At(t + timeSlack)
		if err != nil {
			return nil
		}
		if n := len(list); n > 0 && list[n-1].segment == seg {
			list[n-1].times = append(list[n-1].times, i)
			continue
		}
		list = append(list, errand{seg, []int{i}})
	}
	return list
}

// nearEnough is half of the mean distance between the times.
func nearEnough(times []time.Duration) time.Duration {
	if len(times) < 2 {
		return 0
	}
	return (times[len(times)-1] - times[0]) / time.Duration(len(times)-1) / 2
}

// errandRun is one call of Keyframes.
type errandRun struct {
	media *hls.Media
	times []time.Duration
	near  time.Duration
	take  func(keyframe.Moment)

	mu     sync.Mutex
	firsts map[int64]*firstKeyframe // by media sequence number
}

// firstKeyframe is that of a segment, fetched once.
type firstKeyframe struct {
	fetch sync.Once
	frame *keyframe.Frame
	at    time.Duration
	err   error
}

// first returns the first keyframe of seg, from memory where another errand has had
// it.
func (j *errandRun) first(ctx context.Context, s *Source, seg *hls.Segment) *firstKeyframe {
	j.mu.Lock()
	f := j.firsts[seg.Sequence]
	if f == nil {
		f = &firstKeyframe{}
		j.firsts[seg.Sequence] = f
	}
	j.mu.Unlock()
	f.fetch.Do(func() {
		r, err := s.open(ctx, seg)
		if err != nil {
			f.err = err
			return
		}
		defer r.close()
		f.frame, f.at, f.err = s.firstOf(r)
	})
	return f
}

// firstOf reads the first keyframe of a segment and says when it is shown.
func (s *Source) firstOf(r *reading) (*keyframe.Frame, time.Duration, error) {
	f, err := r.Keyframe()
	if err != nil {
		return nil, 0, err
	}
	s.span = r.used(f)
	if r.segment.IsIFrame {
		f.OpenEnd = false // the playlist says where it ends
	}
	r.date(f)
	return f, r.segment.Start + r.offset(f), nil
}

// read does one errand: whatever comes of it, each of its times is in one Moment.
func (j *errandRun) read(ctx context.Context, s *Source, e errand) {
	seg := e.segment
	s.log(ctx, "segment", "sequence", seg.Sequence, "uri", seg.URI.String(), "times", len(e.times))
	if seg.IsIFrame || j.isNear(e) && seg.Map == nil {
		f := j.first(ctx, s, seg)
		j.tell(ctx, s, e, f.frame, f.at, f.err)
		return
	}
	s.upTo = max(1, j.times[e.times[len(e.times)-1]]-seg.Start)
	r, err := s.open(ctx, seg)
	s.upTo = 0
	if err != nil {
		j.tell(ctx, s, e, nil, 0, err)
		return
	}
	defer r.close()
	switch c := r.container.(type) {
	case *fmp4.Movie:
		j.located(ctx, s, e, r, c)
	case *ts.Reader:
		j.inOrder(ctx, s, e, r, c)
	}
}

// isNear says whether the first keyframe of the segment serves all the times.
func (j *errandRun) isNear(e errand) bool {
	return j.times[e.times[len(e.times)-1]]-e.segment.Start <= j.near
}

// located reads what the index of fMP4 points to.
func (j *errandRun) located(ctx context.Context, s *Source, e errand, r *reading, m *fmp4.Movie) {
	for i := 0; i < len(e.times); {
		spot, err := m.Locate(j.times[e.times[i]] - r.segment.Start)
		if err != nil {
			j.tell(ctx, s, errand{r.segment, e.times[i:]}, nil, 0, err)
			return
		}
		same := i + 1
		for same < len(e.times) {
			next, err := m.Locate(j.times[e.times[same]] - r.segment.Start)
			if err != nil || !next.Same(spot) {
				break
			}
			same++
		}
		f, err := spot.Keyframe(r.at)
		if err == nil {
			r.date(f)
		}
		j.tell(ctx, s, errand{r.segment, e.times[i:same]}, f, r.segment.Start+spot.At, err)
		i = same
	}
}

// inOrder reads a transport stream from its beginning up to the last of the times.
func (j *errandRun) inOrder(ctx context.Context, s *Source, e errand, r *reading, c *ts.Reader) {
	f, at, err := s.firstOf(r)
	from := 0 // of the times that f is for
	for i := 0; err == nil && i < len(e.times); i++ {
		until := j.times[e.times[i]] + timeSlack
		if at > until {
			continue
		}
		var next *keyframe.Frame
		next, err = c.LastUpTo(keyframe.NoPTS, until-r.segment.Start)
		if next == nil && (err == nil || errors.Is(err, keyframe.ErrNotFound) && !errors.Is(err, fetch.ErrBudget)) {
			err = nil // none behind f
			continue
		}
		if i > from {
			j.tell(ctx, s, errand{r.segment, e.times[from:i]}, f, at, nil)
			from = i
		}
		if err == nil {
			r.date(next)
			f, at = next, r.segment.Start+r.offset(next)
		}
	}
	j.tell(ctx, s, errand{r.segment, e.times[from:]}, f, at, err)
}

// tell hands on what came of an errand. Where the segment has no keyframe, the one
// that its pictures depend on is in a segment before it.
func (j *errandRun) tell(ctx context.Context, s *Source, e errand, f *keyframe.Frame, at time.Duration, err error) {
	seg := e.segment
	for range maxBack {
		if !errors.Is(err, keyframe.ErrNotFound) || errors.Is(err, fetch.ErrBudget) || ctx.Err() != nil {
			break
		}
		before, noneBefore := j.media.Before(seg.Sequence)
		if noneBefore != nil {
			break
		}
		seg = before
		first := j.first(ctx, s, seg)
		f, at, err = first.frame, first.at, first.err
	}
	if err != nil {
		f, at = nil, 0
	}
	j.take(keyframe.Moment{Times: e.times, At: at, Frame: f, Err: err})
}
