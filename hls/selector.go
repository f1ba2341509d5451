package hls

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kfgrab/kfgrab/internal/sourcekind"
	"github.com/kfgrab/kfgrab/keyframe"
)

// Selector names a rendition of a master playlist. The zero value names none, and
// leaves the choice to the other options.
type Selector struct {
	kind selectorKind
	n    int // lines, or the index
}

type selectorKind uint8

const (
	selectNone selectorKind = iota
	selectBest
	selectWorst
	selectHeight
	selectIndex
)

// ParseRendition reads "best", the largest picture, "worst", the smallest, a number
// of lines such as "720p", or the index of a variant in the master playlist,
// counted from 0 in its order.
func ParseRendition(text string) (Selector, error) {
	switch text {
	case "best":
		return Selector{kind: selectBest}, nil
	case "worst":
		return Selector{kind: selectWorst}, nil
	}

	digits, isHeight := strings.CutSuffix(text, "p")
	n, err := strconv.ParseUint(digits, 10, 31)
	switch {
	case err != nil, isHeight && n == 0:
		return Selector{}, fmt.Errorf("unknown rendition %q: want best, worst, a height such as 720p, or an index such as 0", text)
	case isHeight:
		return Selector{selectHeight, int(n)}, nil
	}
	return Selector{selectIndex, int(n)}, nil
}

// String returns what ParseRendition takes, "" for the zero value.
func (s Selector) String() string {
	switch s.kind {
	case selectBest:
		return "best"
	case selectWorst:
		return "worst"
	case selectHeight:
		return fmt.Sprintf("%dp", s.n)
	case selectIndex:
		return strconv.Itoa(s.n)
	}
	return ""
}

// MarshalText returns what String does. It implements encoding.TextMarshaler.
func (s Selector) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what ParseRendition does. It implements encoding.TextUnmarshaler.
func (s *Selector) UnmarshalText(text []byte) (err error) {
	*s, err = ParseRendition(string(text))
	return err
}

// namesSize reports whether s allows one picture size only.
func (s Selector) namesSize() bool { return s.kind == selectHeight || s.kind == selectIndex }

// selectFrom returns the variants of list that s names; list has only what can be
// read. The error lists what there is.
func (s Selector) selectFrom(m *Master, list []*Variant) ([]*Variant, error) {
	named := filterVariants(list, s.matchesVariant)
	if len(named) > 0 {
		return named, nil
	}
	if s.kind == selectIndex && s.n < len(m.Variants) {
		v, kind := &m.Variants[s.n], keyframe.ErrNotFound
		if classifyCodecs(v.Codecs) == videoUnsupported {
			kind = keyframe.ErrUnsupported
		}
		return nil, fmt.Errorf("%w: rendition %d, %s, has only %.100q", kind, s.n, v.String(), v.Codecs)
	}
	return nil, fmt.Errorf("%w: no rendition is %s; there are %s", keyframe.ErrNotFound, s, listForError(list))
}

func (s Selector) matchesVariant(v *Variant) bool {
	switch s.kind {
	case selectHeight:
		return v.Height == s.n
	case selectIndex:
		return v.Index == s.n
	}
	return true
}

// maxMenu keeps an error to one line; a ladder has some ten renditions.
const maxMenu = 10

// listForError lists variants for people, by index.
func listForError(list []*Variant) string {
	var entries []string
	for _, v := range list[:min(len(list), maxMenu)] {
		entries = append(entries, fmt.Sprintf("%d: %s", v.Index, v.String()))
	}
	if more := len(list) - maxMenu; more > 0 {
		entries = append(entries, fmt.Sprintf("%d more", more))
	}
	return strings.Join(entries, ", ")
}

// byLeast puts the smaller picture first, one of unknown size last, then the lower
// bandwidth.
func byLeast(a, b *Variant) int {
	known := cmp.Compare(min(b.pictureArea(), 1), min(a.pictureArea(), 1))
	return cmp.Or(known, cmp.Compare(a.pictureArea(), b.pictureArea()), cmp.Compare(a.bandwidthCost(), b.bandwidthCost()))
}

// variantsOfCodec returns the variants with the codec, or if none states it, those
// that state no codec.
func variantsOfCodec(list []*Variant, c keyframe.Codec) ([]*Variant, error) {
	if c == keyframe.UnknownCodec {
		return list, nil
	}

	if told := filterVariants(list, func(v *Variant) bool { return hasCodec(v.Codecs, c) }); len(told) > 0 {
		return told, nil
	}
	if untold := filterVariants(list, func(v *Variant) bool { return classifyCodecs(v.Codecs) == videoUnknown }); len(untold) > 0 {
		return untold, nil
	}

	var other []string
	for _, v := range list {
		if !slices.Contains(other, v.Codecs) {
			other = append(other, v.Codecs)
		}
	}
	return nil, &sourcekind.CodecError{Err: fmt.Errorf("%w: no rendition is %s; there are %.200q", keyframe.ErrNotFound, c, strings.Join(other, "; "))}
}

// PickIFrames returns the I-frame playlist (RFC 8216 4.3.4.3) to use instead of the
// variant v: the cheapest that serves the size asked for, or without a size, one
// whose picture is no smaller than v's. It is nil if there is none.
func (m *Master) PickIFrames(v *Variant, o PickOptions) *Variant {
	width, height := o.Width, o.Height
	if (width <= 0 && height <= 0) || o.Rendition.kind != selectNone {
		width, height = v.Width, v.Height
	}
	if (width <= 0 && height <= 0) || m.VideoURI(v) != v.URI {
		return nil // it is unknown what would serve, or which camera it shows
	}
	fit := func(f *Variant) bool {
		if o.Rendition.namesSize() && (f.Width != width || f.Height != height) {
			return false
		}
		return f.Width > 0 && f.Width >= width && f.Height >= height && o.allowsBandwidth(f) && f.isReadable(o.Codec) &&
			f.VideoRange == v.VideoRange && f.PathwayID == v.PathwayID
	}

	var list []*Variant
	for i := range m.IFrames {
		if f := &m.IFrames[i]; fit(f) {
			list = append(list, f)
		}
	}
	if len(list) == 0 {
		return nil
	}

	return slices.MinFunc(list, byCost)
}

// isReadable reports whether v may have video that is read, of codec c if that is
// known.
func (v *Variant) isReadable(c keyframe.Codec) bool {
	switch classifyCodecs(v.Codecs) {
	case videoReadable:
		return c == keyframe.UnknownCodec || hasCodec(v.Codecs, c)
	case videoUnknown:
		return true
	}
	return false
}
