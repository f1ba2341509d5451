package hlssource

import "github.com/kfgrab/kfgrab/hls"

// maxStale is how many segments a playlist may seem to go back before the server is
// taken to have begun anew: caches of one service are not always of the same age.
const maxStale = 3

// unread is a segment, or a part of one, that a reader in order comes to next.
type unread struct {
	*hls.Segment
	afterGap bool // it does not go on from what was read before
}

// unreadSince lists what there is to be read from the place at on, and where that ends:
// whole segments, and partial ones where parts are wanted and no whole one is there
// yet. What is not listed any more, or a gap, or a discontinuity, leaves a gap in
// front of what follows.
func unreadSince(m *hls.Media, at hls.Place, parts bool) (list []unread, end hls.Place) {
	if at.Sequence > m.End().Sequence+maxStale {
		at = m.NewestPlace()
		list, end = unreadSince(m, at, parts)
		if len(list) > 0 {
			list[0].afterGap = true
		}
		return list, end
	}
	w := walk{at: at}
	for i := range m.Segments {
		seg := &m.Segments[i]
		if seg.Sequence < w.at.Sequence {
			continue
		}
		w.reach(seg)
		switch {
		case w.at.Part == 0:
			w.add(seg, seg.Gap)
		case w.at.Part > len(seg.Parts): // which are not listed for long
			w.gap = true
		default:
			w.parts(seg)
		}
		w.at = hls.Place{Sequence: seg.Sequence + 1, Part: 0}
	}
	if parts && m.Edge != nil && m.Edge.Sequence >= w.at.Sequence {
		w.reach(m.Edge)
		w.parts(m.Edge)
	}
	if w.gap && len(w.list) == 0 {
		w.at = at // to be told with what comes
	}
	return w.list, w.at
}

// walk goes along a playlist.
type walk struct {
	list []unread
	at   hls.Place
	gap  bool // what comes next does not go on from what was before
}

// reach goes to the beginning of seg, if at is before it.
func (w *walk) reach(seg *hls.Segment) {
	if seg.Sequence > w.at.Sequence {
		w.at, w.gap = hls.Place{Sequence: seg.Sequence, Part: 0}, true
	}
	if seg.Discontinuity && w.at.Part == 0 {
		w.gap = true
	}
}

func (w *walk) add(seg *hls.Segment, missing bool) {
	if missing {
		w.gap = true
		return
	}
	w.list = append(w.list, unread{seg, w.gap})
	w.gap = false
}

// parts adds those of seg that are behind at.
func (w *walk) parts(seg *hls.Segment) {
	for ; w.at.Part < len(seg.Parts); w.at.Part++ {
		w.add(seg.PartSegment(w.at.Part), seg.Parts[w.at.Part].Gap)
	}
}
