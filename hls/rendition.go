package hls

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kfgrab/kfgrab/keyframe"
)

// PickOptions are the criteria of Pick. The zero value asks for the best variant.
type PickOptions struct {
	Width, Height int // of the picture wanted; 0: any
	MaxBandwidth  int // bit/s; 0: no limit
	// Rendition, if it names one, replaces Width and Height.
	Rendition Selector
	// Codec allows only variants of one codec; keyframe.UnknownCodec allows all.
	// If no variant states that codec, those that state none are allowed.
	Codec keyframe.Codec
}

// Choice is a rendition, and why it was chosen.
type Choice struct {
	Variant *Variant
	Reason  string // for people: "720p at 2.5 Mbit/s: the cheapest that serves width 640"
	// Alternates may be tried if the variant cannot be fetched, the likeliest
	// first: redundant variants (RFC 8216 4.3.4.2) and those of other pathways,
	// else other variants with a picture of the same size. Variants of another size
	// are listed only if there are none of these, and the options do not insist.
	Alternates []*Variant
}

// Pick chooses the variant to take a picture from: the one that Rendition names;
// else, with a size, the cheapest that has at least as many columns and lines;
// without a size, the one with the largest picture, then the highest bandwidth. It
// chooses only among variants with H.264 or H.265, or of unknown codec, prefers
// standard to high dynamic range, and keeps to one pathway, unless Rendition is an
// index. If MaxBandwidth rules all out, it chooses the cheapest.
//
// The error wraps [keyframe.ErrNotFound] if there is no variant, only audio, or
// none that Rendition or Codec allows, and [keyframe.ErrUnsupported] if all have
// other codecs. It lists what there is.
func (m *Master) Pick(o PickOptions) (Choice, error) {
	allowed, err := m.usableVariants()
	if err == nil {
		allowed, err = variantsOfCodec(allowed, o.Codec)
	}
	if err != nil {
		return Choice{}, err
	}

	named, err := o.Rendition.selectFrom(m, allowed)
	if err != nil {
		return Choice{}, err
	}

	var c Choice
	c.Variant, c.Reason = m.chooseVariant(named, o)
	c.Reason = c.Variant.String() + ": " + c.Reason
	c.Alternates = m.listAlternates(c.Variant, allowed, o)
	return c, nil
}

// chooseVariant chooses one of the variants that are allowed.
func (m *Master) chooseVariant(list []*Variant, o PickOptions) (*Variant, string) {
	list = m.onePathway(list)
	list = preferVariants(list, func(v *Variant) bool { return !v.isHDR() })
	list = preferVariants(list, func(v *Variant) bool { return v.VideoRange != "PQ" })
	within := filterVariants(list, o.allowsBandwidth)
	switch {
	case o.Rendition.kind == selectIndex:
		return list[0], "asked for by its index"
	case len(within) == 0:
		return slices.MinFunc(list, byCost), fmt.Sprintf("the cheapest, as none is within %s", bitrateText(o.MaxBandwidth))
	case o.Rendition.kind == selectWorst:
		return slices.MinFunc(within, byLeast), "the worst"
	case o.Rendition.kind == selectHeight:
		return slices.MinFunc(within, byPicture), "the best of " + o.Rendition.String()
	case o.Rendition.kind == selectBest:
		return slices.MinFunc(within, byPicture), "the best"
	}

	return pickSize(within, o.Width, o.Height)
}

// allowsBandwidth reports whether v is within the bandwidth allowed.
func (o PickOptions) allowsBandwidth(v *Variant) bool {
	return o.MaxBandwidth <= 0 || v.Bandwidth <= o.MaxBandwidth
}

// usableVariants returns the variants with a picture that can be read.
func (m *Master) usableVariants() ([]*Variant, error) {
	var usable []*Variant
	var unsupported []string
	for i := range m.Variants {
		v := &m.Variants[i]
		switch class := classifyCodecs(v.Codecs); {
		case class == videoUnsupported:
			if !slices.Contains(unsupported, v.Codecs) {
				unsupported = append(unsupported, v.Codecs)
			}
		case class == videoNone && v.Width == 0:
		default:
			usable = append(usable, v)
		}
	}

	switch {
	case len(usable) > 0:
		return usable, nil
	case len(unsupported) > 0:
		return nil, fmt.Errorf("%w: the master playlist has video only as %.200q", keyframe.ErrUnsupported, strings.Join(unsupported, "; "))
	case len(m.Variants) > 0:
		return nil, fmt.Errorf("%w: the master playlist has only audio", keyframe.ErrNotFound)
	}
	return nil, fmt.Errorf("%w: the master playlist lists no variant", keyframe.ErrNotFound)
}

// onePathway keeps the pathway that the server steers to, else that of the first
// variant.
func (m *Master) onePathway(list []*Variant) []*Variant {
	list = preferVariants(list, func(v *Variant) bool { return m.Pathway != "" && v.PathwayID == m.Pathway })
	return filterVariants(list, func(v *Variant) bool { return v.PathwayID == list[0].PathwayID })
}

// pickSize chooses among variants that all qualify except for their size.
func pickSize(list []*Variant, width, height int) (*Variant, string) {
	if width <= 0 && height <= 0 {
		return slices.MinFunc(list, byPicture), "the best"
	}

	want := sizeText(width, height)
	sized := filterVariants(list, func(v *Variant) bool { return v.Width > 0 })
	if serving := filterVariants(sized, func(v *Variant) bool { return v.Width >= width && v.Height >= height }); len(serving) > 0 {
		return slices.MinFunc(serving, byCost), "the cheapest that serves " + want
	}
	if len(sized) > 0 {
		return slices.MinFunc(sized, byPicture), "the largest, as none serves " + want
	}
	if serving := filterVariants(list, func(v *Variant) bool { return v.Bandwidth >= bandwidthFor(width, height) }); len(serving) > 0 {
		return slices.MinFunc(serving, byCost), "the cheapest that should serve " + want + ", as no size is stated"
	}
	return slices.MinFunc(list, byPicture), "the best, as no size is stated"
}

// bandwidthFor is the bandwidth at which a variant that states no size is assumed
// to serve one. Apple's example ladder has 1.5 to 4.9 bit/s per pixel; one that
// spends more on fewer pixels is scaled up a little.
func bandwidthFor(width, height int) int {
	if width <= 0 {
		width = height * 16 / 9
	}
	if height <= 0 {
		height = width * 9 / 16
	}
	if width > maxSide || height > maxSide {
		return math.MaxInt
	}
	return 4 * width * height
}

// byCost puts the lower bandwidth first, an unknown one last, then the smaller
// picture. The first of equals stays first, as in MinFunc.
func byCost(a, b *Variant) int {
	return cmp.Or(cmp.Compare(a.bandwidthCost(), b.bandwidthCost()), cmp.Compare(a.pictureArea(), b.pictureArea()))
}

// byPicture puts the larger picture first, then the higher bandwidth.
func byPicture(a, b *Variant) int {
	return cmp.Or(cmp.Compare(b.pictureArea(), a.pictureArea()), cmp.Compare(b.Bandwidth, a.Bandwidth))
}

func (v *Variant) pictureArea() int { return v.Width * v.Height }

func (v *Variant) bandwidthCost() int {
	if v.Bandwidth == 0 {
		return math.MaxInt
	}
	return v.Bandwidth
}

// String names the variant for people: "720p at 2.5 Mbit/s".
func (v *Variant) String() string {
	name := fmt.Sprintf("variant %d", v.Index)
	if v.Height > 0 {
		name = fmt.Sprintf("%dp", v.Height)
	}
	if v.Bandwidth > 0 {
		name += " at " + bitrateText(v.Bandwidth)
	}
	return name
}

func bitrateText(bits int) string {
	if bits < 1_000_000 {
		return fmt.Sprintf("%d kbit/s", (bits+500)/1000)
	}
	return fmt.Sprintf("%.1f Mbit/s", float64(bits)/1e6)
}

func sizeText(width, height int) string {
	switch {
	case height <= 0:
		return fmt.Sprintf("width %d", width)
	case width <= 0:
		return fmt.Sprintf("height %d", height)
	}
	return fmt.Sprintf("%dx%d", width, height)
}

func filterVariants(list []*Variant, keep func(*Variant) bool) []*Variant {
	return slices.DeleteFunc(slices.Clone(list), func(v *Variant) bool { return !keep(v) })
}

// preferVariants keeps those that are liked, or all if none is.
func preferVariants(list []*Variant, liked func(*Variant) bool) []*Variant {
	if kept := filterVariants(list, liked); len(kept) > 0 {
		return kept
	}
	return list
}

// listAlternates lists the variants of list, the allowed ones, that may replace
// chosen if that cannot be fetched: those that differ only in their address; then
// those with a picture of the same size; and if there are neither, the others, unless
// the options name a size.
func (m *Master) listAlternates(chosen *Variant, list []*Variant, o PickOptions) []*Variant {
	elsewhere := filterVariants(list, func(v *Variant) bool { return m.VideoURI(v) != m.VideoURI(chosen) })
	redundant := filterVariants(elsewhere, func(v *Variant) bool { return v.redundantTo(chosen) })
	slices.SortStableFunc(redundant, awayFrom(chosen, byPicture))

	rest := filterVariants(elsewhere, func(v *Variant) bool {
		return !v.redundantTo(chosen) && o.allowsBandwidth(v) && v.isHDR() == chosen.isHDR()
	})
	sameSize := filterVariants(rest, func(v *Variant) bool { return v.Width > 0 && v.Width == chosen.Width && v.Height == chosen.Height })
	slices.SortStableFunc(sameSize, awayFrom(chosen, byPicture))
	if alike := append(redundant, sameSize...); len(alike) > 0 || o.Rendition.namesSize() {
		return alike
	}
	slices.SortStableFunc(rest, awayFrom(chosen, byNearness(chosen)))
	return rest
}

// redundantTo reports whether v is the same rendition as w at another address.
func (v *Variant) redundantTo(w *Variant) bool {
	return v.Bandwidth == w.Bandwidth && v.pictureArea() == w.pictureArea() && v.Width == w.Width &&
		v.Codecs == w.Codecs && v.VideoRange == w.VideoRange && v.FrameRate == w.FrameRate
}

// isHDR reports whether v has high dynamic range. Its colours look wrong in programs
// that do not expect it.
func (v *Variant) isHDR() bool { return v.VideoRange != "" && v.VideoRange != "SDR" }

// awayFrom puts variants of other pathways than v's first, because a fault of one
// variant may affect its whole pathway.
func awayFrom(v *Variant, then func(a, b *Variant) int) func(a, b *Variant) int {
	same := func(w *Variant) int {
		if w.PathwayID == v.PathwayID {
			return 1
		}
		return 0
	}
	return func(a, b *Variant) int { return cmp.Or(cmp.Compare(same(a), same(b)), then(a, b)) }
}

// byNearness puts first the pictures as large as v's or the next larger ones, then
// the smaller ones; if no size is stated, the highest bandwidth.
func byNearness(v *Variant) func(a, b *Variant) int {
	return func(a, b *Variant) int {
		aServes, bServes := a.pictureArea() >= v.pictureArea(), b.pictureArea() >= v.pictureArea()
		switch {
		case aServes && bServes:
			return cmp.Or(cmp.Compare(a.pictureArea(), b.pictureArea()), byPicture(a, b))
		case aServes && !bServes:
			return -1
		case bServes && !aServes:
			return 1
		}
		return byPicture(a, b)
	}
}

// VideoURI returns the address of the media playlist of v's video. The one on the
// variant's own line carries one of its renditions, for clients that support no
// others (RFC 8216 4.3.4.2). If v has a VIDEO group, the address is the URI of the
// group's rendition with DEFAULT=YES (4.3.4.1), or the variant's line if that has none.
func (m *Master) VideoURI(v *Variant) URI {
	if u, ok := m.videos[v.Video]; ok && v.Video != "" {
		return u
	}
	return v.URI
}
