package hls

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// PickIFrames returns the I-frame playlist (RFC 8216 4.3.4.3) to use in place of the
// variant v: the cheapest of those that serve the size asked for, and where none is
// asked for, one that has no smaller picture than v. nil where there is none.
func (m *Master) PickIFrames(v *Variant, o PickOptions) *Variant {
	width, height := o.Width, o.Height
	if width <= 0 && height <= 0 || o.Rendition.kind != selectNone {
		width, height = v.Width, v.Height
	}
	if width <= 0 && height <= 0 || m.VideoURI(v) != v.URI {
		return nil // nobody knows what would serve, or which camera it is of
	}
	fit := func(f *Variant) bool {
		if o.Rendition.exact() && (f.Width != width || f.Height != height) {
			return false
		}
		return f.Width > 0 && f.Width >= width && f.Height >= height && o.affords(f) && f.readable(o.Codec) &&
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

// readable says whether v may have video that is read, of codec c if that is known.
func (v *Variant) readable(c keyframe.Codec) bool {
	switch classify(v.Codecs) {
	case videoReadable:
		return c == keyframe.UnknownCodec || hasCodec(v.Codecs, c)
	case videoUnknown:
		return true
	}
	return false
}

// PickImages returns the list of images (EXT-X-IMAGE-STREAM-INF of the Image Media
// Playlist specification) whose tiles to use in place of the variant v: the cheapest
// of those that serve the size asked for. nil where there is none.
func (m *Master) PickImages(v *Variant, o PickOptions) *Variant {
	if m.VideoURI(v) != v.URI {
		return nil // nobody knows which camera they are of
	}
	var list []*Variant
	for i := range m.Images {
		f := &m.Images[i]
		if f.Width > 0 && o.serves(f.Width, f.Height) && o.affords(f) && f.isJPEG() &&
			(f.PathwayID == v.PathwayID || f.PathwayID == "") {
			list = append(list, f)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return slices.MinFunc(list, byCost)
}

// isJPEG: the specification knows the one codec "jpeg", and some leave it out.
func (v *Variant) isJPEG() bool {
	return v.Codecs == "" || strings.EqualFold(v.Codecs, "jpeg") || strings.EqualFold(v.Codecs, "jpg")
}

// CheaperThanKeyframe says whether an image that stands for so long takes no more
// than a keyframe of rendition, as far as bandwidths tell: a keyframe seldom takes
// more than half a second does on average. An image comes whole, and so one of many
// tiles costs more.
func (v *Variant) CheaperThanKeyframe(rendition *Variant, length time.Duration) bool {
	if v.Bandwidth == 0 || rendition.Bandwidth == 0 {
		return true
	}
	return float64(v.Bandwidth)*length.Seconds() <= float64(rendition.Bandwidth)/2
}

// IsImages says whether v is one of m.Images.
func (m *Master) IsImages(v *Variant) bool {
	return v.Index < len(m.Images) && v == &m.Images[v.Index]
}

// serves says whether a picture need not be made larger.
func (o PickOptions) serves(width, height int) bool { return width >= o.Width && height >= o.Height }

// CheckSize returns an error that wraps keyframe.ErrNotFound where a tile of this size
// is smaller than the picture asked for.
func (o PickOptions) CheckSize(width, height int) error {
	if o.serves(width, height) {
		return nil
	}
	return fmt.Errorf("%w: the tiles are of %dx%d, which does not serve %s", keyframe.ErrNotFound, width, height, wanted(o.Width, o.Height))
}
