package hls

import (
	"cmp"
	"slices"
)

// alternates lists what may take the place of chosen where that cannot be fetched:
// those of list, the allowed ones, that are the same but for their address; behind
// them those with a picture of the same size; and where there is neither, the
// others, unless the options name a size.
func (m *Master) alternates(chosen *Variant, list []*Variant, o PickOptions) []*Variant {
	elsewhere := filter(list, func(v *Variant) bool { return m.VideoURI(v) != m.VideoURI(chosen) })
	redundant := filter(elsewhere, func(v *Variant) bool { return v.redundantTo(chosen) })
	slices.SortStableFunc(redundant, awayFrom(chosen, byPicture))
	rest := filter(elsewhere, func(v *Variant) bool { return !v.redundantTo(chosen) && o.affords(v) && v.hdr() == chosen.hdr() })
	sameSize := filter(rest, func(v *Variant) bool { return v.Width > 0 && v.Width == chosen.Width && v.Height == chosen.Height })
	slices.SortStableFunc(sameSize, awayFrom(chosen, byPicture))
	if alike := append(redundant, sameSize...); len(alike) > 0 || o.Rendition.exact() {
		return alike
	}
	slices.SortStableFunc(rest, awayFrom(chosen, byNearness(chosen)))
	return rest
}

// redundantTo reports whether v is the same rendition as w at another address.
func (v *Variant) redundantTo(w *Variant) bool {
	return v.Bandwidth == w.Bandwidth && v.area() == w.area() && v.Width == w.Width &&
		v.Codecs == w.Codecs && v.VideoRange == w.VideoRange && v.FrameRate == w.FrameRate
}

// hdr says whether v has high dynamic range, whose colours look wrong where it is
// not expected.
func (v *Variant) hdr() bool { return v.VideoRange != "" && v.VideoRange != "SDR" }

// awayFrom puts first what is not of v's pathway, as what ails one variant of it
// may ail all.
func awayFrom(v *Variant, then func(a, b *Variant) int) func(a, b *Variant) int {
	same := func(w *Variant) int {
		if w.PathwayID == v.PathwayID {
			return 1
		}
		return 0
	}
	return func(a, b *Variant) int { return cmp.Or(cmp.Compare(same(a), same(b)), then(a, b)) }
}

// byNearness puts first what has a picture as large as v's or the next larger one,
// then the smaller ones; where no size is stated, the highest bandwidth.
func byNearness(v *Variant) func(a, b *Variant) int {
	return func(a, b *Variant) int {
		aServes, bServes := a.area() >= v.area(), b.area() >= v.area()
		switch {
		case aServes && bServes:
			return cmp.Or(cmp.Compare(a.area(), b.area()), byPicture(a, b))
		case aServes != bServes && aServes:
			return -1
		case aServes != bServes:
			return 1
		}
		return byPicture(a, b)
	}
}

// VideoURI returns where the media playlist of v's video is. The one on the variant's
// own line carries one of its renditions, which is to be played where a client has
// no others (RFC 8216 4.3.4.2); of its VIDEO group the one with DEFAULT=YES is
// (4.3.4.1), whose URI says where it is, and where it has none it is on the
// variant's line.
func (m *Master) VideoURI(v *Variant) URI {
	if u, ok := m.videos[v.Video]; ok && v.Video != "" {
		return u
	}
	return v.URI
}
