package hls

// maxStale is how many segments a playlist may seem to go back before the server is
// taken to have begun anew: caches of one service are not always of the same age.
const maxStale = 3

// unread is a segment, or a part of one, that a reader in order comes to next.
type unread struct {
	*Segment
	afterGap bool // it does not go on from what was read before
}

// since lists what there is to be read from the place at on, and where that ends:
// whole segments, and partial ones where parts are wanted and no whole one is there
// yet. What is not listed any more, or a gap, or a discontinuity, leaves a gap in
// front of what follows.
func (m *Media) since(at place, parts bool) (list []unread, end place) {
	if at.sequence > m.end().sequence+maxStale {
		at = m.newestPlace()
		list, end = m.since(at, parts)
		if len(list) > 0 {
			list[0].afterGap = true
		}
		return list, end
	}
	w := walk{at: at}
	for i := range m.Segments {
		seg := &m.Segments[i]
		if seg.Sequence < w.at.sequence {
			continue
		}
		w.reach(seg)
		switch {
		case w.at.part == 0:
			w.add(seg, seg.Gap)
		case w.at.part > len(seg.Parts): // which are not listed for long
			w.gap = true
		default:
			w.parts(seg)
		}
		w.at = place{seg.Sequence + 1, 0}
	}
	if parts && m.Edge != nil && m.Edge.Sequence >= w.at.sequence {
		w.reach(m.Edge)
		w.parts(m.Edge)
	}
	if w.gap && len(w.list) == 0 {
		w.at = at // to be told with what comes
	}
	return w.list, w.at
}

// newestPlace is where a reader begins: with the newest segment.
func (m *Media) newestPlace() place {
	if seg, err := m.Newest(); err == nil {
		return place{seg.Sequence, 0}
	}
	return place{m.end().sequence, 0}
}

// walk goes along a playlist.
type walk struct {
	list []unread
	at   place
	gap  bool // what comes next does not go on from what was before
}

// reach goes to the beginning of seg, if at is before it.
func (w *walk) reach(seg *Segment) {
	if seg.Sequence > w.at.sequence {
		w.at, w.gap = place{seg.Sequence, 0}, true
	}
	if seg.Discontinuity && w.at.part == 0 {
		w.gap = true
	}
}

func (w *walk) add(seg *Segment, missing bool) {
	if missing {
		w.gap = true
		return
	}
	w.list = append(w.list, unread{seg, w.gap})
	w.gap = false
}

// parts adds those of seg that are behind at.
func (w *walk) parts(seg *Segment) {
	for ; w.at.part < len(seg.Parts); w.at.part++ {
		w.add(seg.part(w.at.part), seg.Parts[w.at.part].Gap)
	}
}
