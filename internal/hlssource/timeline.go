package hlssource

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/parallel"
	"github.com/kfgrab/kfgrab/keyframe"
)

// Timeline is a media playlist as it was once: all of a recording, or the window of a
// live stream that can be gone back in. It is for one goroutine at a time.
type Timeline struct {
	Duration time.Duration // of the segments that are listed
	Live     bool
	// Thinned means that Keyframes took fewer keyframes than it was asked for, because
	// all of them would have cost more than the client's budget.
	Thinned bool

	opener *opener
	media  *hls.Media
}

// Timeline fetches the playlist of the rendition, or that of its I-frames if there is
// one that serves, and nothing else. It ignores Options.At, Edge and AllowTiles. The
// error is that of Keyframe.
func (s *Source) Timeline(ctx context.Context) (*Timeline, error) {
	want := s.opts
	want.AllowTiles, want.Edge = false, hls.EdgeFirst
	g := s.newGrab(want)
	defer g.end()

	return failOver(ctx, g, func(ctx context.Context) (*Timeline, error) {
		media, err := g.choosePlaylist(ctx)
		if err != nil {
			return nil, err
		}
		if media.ImagesOnly {
			return nil, ErrImagesOnly
		}
		last, err := media.Newest()
		if err != nil {
			return nil, err
		}
		return &Timeline{Duration: last.Start + last.Duration, Live: media.Live, opener: g.fork(), media: media}, nil
	})
}

// Keyframes gives take the last keyframe at or before each of the times, which
// ascend and count from the beginning of the first segment listed. Each time is in
// one Moment; times of one segment that have the same keyframe share it, and none is
// fetched twice. If a segment begins in mid-GOP, its first keyframe serves the times
// before it, and if it has none, the first of the segment before.
// At most n segments are read at once, and take is called from as many goroutines.
//
// A transport stream without an I-frame playlist shows its keyframes only as it is
// read: the first keyframe of the segment serves a time that is no further after it
// than half of the distance between two times, as it costs least. For other times
// the segment is read up to there.
//
// If the first segments show that the client's budget is too small for all times, the
// first keyframe of a segment serves all times in it, and if that is still too much,
// also those in the next segments.
//
// The first segment is read before the others, which then know the size of a
// keyframe, the initialisation section and the key.
func (t *Timeline) Keyframes(ctx context.Context, times []time.Duration, n int, take func(keyframe.Moment)) {
	list := errands(t.media, times)
	if len(list) == 0 {
		return
	}
	run := &timelineRun{media: t.media, times: times, near: nearEnough(times), take: take, firsts: map[int64]*firstKeyframe{}}

	s := &spending{client: t.opener.client}
	list[0].survey = len(list)
	s.begin()
	cost := run.read(ctx, t.opener, list[0])
	s.end(cost)
	if s.keyframe = int64(t.opener.span); s.keyframe == 0 { // found by an index
		s.keyframe = cost / int64(len(list[0].times))
	}

	readAll := func(s *spending, jobs iter.Seq[errand]) {
		parallel.Each(min(n, len(list)-1), jobs, func(errands <-chan errand) {
			o := t.opener.fork()
			for e := range errands {
				s.end(run.read(ctx, o, e))
			}
		})
	}

	rest := list[1:]
	if !run.thinning {
		readAll(s, s.asked(rest, &rest))
	}
	if t.Thinned = len(rest) > 0; t.Thinned {
		t.opener.log(ctx, "first keyframes only", "segments", len(rest), "left", s.client.Left())
		s = &spending{client: s.client, keyframe: s.keyframe}
		readAll(s, s.thinned(rest))
	}
}

// errand is a segment, and the times for which it is to be read, by their indices.
type errand struct {
	segment   *hls.Segment
	times     []int
	firstOnly bool // the segment's first keyframe serves all times
	survey    int  // of the first errand: how many there are; else 0
}

// errands lists the segments that hold the times, each once. The playlist has at
// least one that is not a gap.
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
		list = append(list, errand{segment: seg, times: []int{i}})
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

// timelineRun is one call of Timeline.Keyframes.
type timelineRun struct {
	media *hls.Media
	times []time.Duration
	near  time.Duration
	take  func(keyframe.Moment)

	thinning bool // the first segment shows that the budget is too small

	mu     sync.Mutex
	firsts map[int64]*firstKeyframe // by media sequence number
}

// read does one errand: each of its times is in one Moment, also after an error. It
// returns the bytes that it fetched.
func (t *timelineRun) read(ctx context.Context, o *opener, e errand) int64 {
	before := o.fetched
	t.readErrand(ctx, o, e)
	return o.fetched - before
}

func (t *timelineRun) readErrand(ctx context.Context, o *opener, e errand) {
	seg := e.segment
	o.log(ctx, "segment", "sequence", seg.Sequence, "uri", seg.URI.String(), "times", len(e.times))
	offsets := make([]time.Duration, len(e.times))
	for i, n := range e.times {
		offsets[i] = t.times[n] - seg.Start
	}
	furthest := offsets[len(offsets)-1]
	all := moment{to: len(offsets)}

	if e.firstOnly || seg.IsIFrame || (seg.Map == nil && furthest <= t.near) {
		first := t.readFirst(ctx, o, seg)
		all.frame, all.at, all.err = first.frame, first.at, first.err
		t.deliver(ctx, o, e, all)
		return
	}
	r, err := o.open(ctx, seg, reach{upTo: max(1, furthest)})
	if err != nil {
		all.err = err
		t.deliver(ctx, o, e, all)
		return
	}
	defer r.close()
	if e.survey > 0 && r.isTooLarge(furthest, e.survey) {
		t.thinning = true
		clear(offsets) // the beginning of the segment serves all times
	}
	r.readAt(ctx, offsets, r, func(m moment) {
		m.at += seg.Start
		t.deliver(ctx, o, e, m)
	})
}

// deliver hands on the keyframe of some times of an errand. If the segment has none,
// the one that its pictures depend on is in a segment before it.
func (t *timelineRun) deliver(ctx context.Context, o *opener, e errand, m moment) {
	seg := e.segment
	for range maxBack {
		if !mayHelp(ctx, m.err, earlierSegment) {
			break
		}
		before, err := t.media.Before(seg.Sequence)
		if err != nil {
			break
		}
		seg = before
		first := t.readFirst(ctx, o, seg)
		m.frame, m.at, m.err = first.frame, first.at, first.err
	}
	if m.err != nil {
		m.frame, m.at = nil, 0
	}
	t.take(keyframe.Moment{Times: e.times[m.from:m.to], At: m.at, Frame: m.frame, Err: m.err})
}

// firstKeyframe is that of a segment, fetched once.
type firstKeyframe struct {
	fetch sync.Once
	frame *keyframe.Frame
	at    time.Duration
	err   error
}

// readFirst returns the first keyframe of seg, from memory if another errand has
// fetched it.
func (t *timelineRun) readFirst(ctx context.Context, o *opener, seg *hls.Segment) *firstKeyframe {
	t.mu.Lock()
	f := t.firsts[seg.Sequence]
	if f == nil {
		f = &firstKeyframe{}
		t.firsts[seg.Sequence] = f
	}
	t.mu.Unlock()

	f.fetch.Do(func() {
		r, err := o.open(ctx, seg, reach{})
		if err != nil {
			f.err = err
			return
		}
		defer r.close()
		if f.frame, f.err = r.readFirst(); f.err == nil {
			f.at = seg.Start + r.offset(f.frame)
		}
	})
	return f
}
