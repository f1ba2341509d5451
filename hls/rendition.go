package hls

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kfgrab/kfgrab/keyframe"
)

// PickOptions says what the picture is for. The zero value asks for the best.
type PickOptions struct {
	Width, Height int // of the picture wanted; 0: any
	MaxBandwidth  int // bit/s; 0: no limit
	// Rendition, where it names one, decides in place of Width and Height.
	Rendition Selector
	// Codec allows only variants of one codec; keyframe.UnknownCodec allows all.
	// Where no variant says that it has it, those that do not tell are allowed.
	Codec keyframe.Codec
}

// Choice is a rendition, and why.
type Choice struct {
	Variant *Variant
	Reason  string // for people: "720p at 2.5 Mbit/s: the cheapest that serves width 640"
	// Alternates are for when it cannot be fetched, the likeliest first: redundant
	// variants (RFC 8216 4.3.4.2) and those of other pathways, else other variants
	// with a picture of the same size, and only where there is none of them, and
	// the options do not insist, variants of another size.
	Alternates []*Variant
}

// Pick chooses the variant to take a picture from: the one that Rendition names;
// else with a size, the cheapest that has at least as many columns and lines;
// without, the one with the largest picture, then the highest bandwidth. Only
// variants with H.264 or H.265, or of unknown codec, are chosen from, standard
// dynamic range before high, and of one pathway, unless Rendition is an index.
// Where MaxBandwidth rules all out, the cheapest is taken.
//
// The error wraps [keyframe.ErrNotFound] if there is no variant, only audio, or
// none that Rendition or Codec allows, [keyframe.ErrUnsupported] if all have other
// codecs. It says what there is.
func (m *Master) Pick(o PickOptions) (Choice, error) {
	allowed, err := m.usable()
	if err == nil {
		allowed, err = ofCodec(allowed, o.Codec)
	}
	if err != nil {
		return Choice{}, err
	}
	named, err := o.Rendition.from(m, allowed)
	if err != nil {
		return Choice{}, err
	}
	var c Choice
	c.Variant, c.Reason = m.choose(named, o)
	c.Reason = c.Variant.String() + ": " + c.Reason
	c.Alternates = m.alternates(c.Variant, allowed, o)
	return c, nil
}

// choose takes one of the variants that may be taken.
func (m *Master) choose(list []*Variant, o PickOptions) (*Variant, string) {
	list = m.onePathway(list)
	list = prefer(list, func(v *Variant) bool { return !v.hdr() })
	list = prefer(list, func(v *Variant) bool { return v.VideoRange != "PQ" })
	within := filter(list, o.affords)
	switch {
	case o.Rendition.kind == selectIndex:
		return list[0], "asked for by its index"
	case len(within) == 0:
		return slices.MinFunc(list, byCost), fmt.Sprintf("the cheapest, as none is within %s", bitrate(o.MaxBandwidth))
	case o.Rendition.kind == selectWorst:
		return slices.MinFunc(within, byLeast), "the worst"
	case o.Rendition.kind == selectHeight:
		return slices.MinFunc(within, byPicture), "the best of " + o.Rendition.String()
	case o.Rendition.kind == selectBest:
		return slices.MinFunc(within, byPicture), "the best"
	}
	return pickSize(within, o.Width, o.Height)
}

// affords says whether v is within the bandwidth allowed.
func (o PickOptions) affords(v *Variant) bool {
	return o.MaxBandwidth <= 0 || v.Bandwidth <= o.MaxBandwidth
}

// usable leaves out what has no picture that can be read.
func (m *Master) usable() ([]*Variant, error) {
	var usable []*Variant
	var unsupported []string
	for i := range m.Variants {
		v := &m.Variants[i]
		switch class := classify(v.Codecs); {
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

// onePathway keeps the pathway that the server steers to, else the first
// variant's.
func (m *Master) onePathway(list []*Variant) []*Variant {
	list = prefer(list, func(v *Variant) bool { return m.Pathway != "" && v.PathwayID == m.Pathway })
	return filter(list, func(v *Variant) bool { return v.PathwayID == list[0].PathwayID })
}

// pickSize chooses among variants of which each would do but for its size.
func pickSize(list []*Variant, width, height int) (*Variant, string) {
	if width <= 0 && height <= 0 {
		return slices.MinFunc(list, byPicture), "the best"
	}
	want := wanted(width, height)
	sized := filter(list, func(v *Variant) bool { return v.Width > 0 })
	if serving := filter(sized, func(v *Variant) bool { return v.Width >= width && v.Height >= height }); len(serving) > 0 {
		return slices.MinFunc(serving, byCost), "the cheapest that serves " + want
	}
	if len(sized) > 0 {
		return slices.MinFunc(sized, byPicture), "the largest, as none serves " + want
	}
	if serving := filter(list, func(v *Variant) bool { return v.Bandwidth >= enough(width, height) }); len(serving) > 0 {
		return slices.MinFunc(serving, byCost), "the cheapest that should serve " + want + ", as no size is stated"
	}
	return slices.MinFunc(list, byPicture), "the best, as no size is stated"
}

// enough is the bandwidth at which a variant that states no size is taken to
// serve one. Apple's example ladder has 1.5 to 4.9 bit/s for a pixel; one that
// spends more on fewer pixels is scaled up a little.
func enough(width, height int) int {
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
	return cmp.Or(cmp.Compare(a.cost(), b.cost()), cmp.Compare(a.area(), b.area()))
}

// byPicture puts the larger picture first, then the higher bandwidth.
func byPicture(a, b *Variant) int {
	return cmp.Or(cmp.Compare(b.area(), a.area()), cmp.Compare(b.Bandwidth, a.Bandwidth))
}

func (v *Variant) area() int { return v.Width * v.Height }

func (v *Variant) cost() int {
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
		name += " at " + bitrate(v.Bandwidth)
	}
	return name
}

func bitrate(bits int) string {
	if bits < 1_000_000 {
		return fmt.Sprintf("%d kbit/s", (bits+500)/1000)
	}
	return fmt.Sprintf("%.1f Mbit/s", float64(bits)/1e6)
}

func wanted(width, height int) string {
	switch {
	case height <= 0:
		return fmt.Sprintf("width %d", width)
	case width <= 0:
		return fmt.Sprintf("height %d", height)
	}
	return fmt.Sprintf("%dx%d", width, height)
}

func filter(list []*Variant, keep func(*Variant) bool) []*Variant {
	return slices.DeleteFunc(slices.Clone(list), func(v *Variant) bool { return !keep(v) })
}

// prefer keeps those that are liked, all if none is.
func prefer(list []*Variant, liked func(*Variant) bool) []*Variant {
	if kept := filter(list, liked); len(kept) > 0 {
		return kept
	}
	return list
}
