package hls

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// maxImage bounds an image, of which no part can be had alone. A hundred tiles of
// 320x180 have been seen to take 1.6 MB; beyond, a keyframe is cheaper.
const maxImage = 4 << 20

// tiles says whether ready-made tiles may take the place of keyframes, for all that
// is known before there are any.
func (o *Options) tiles() bool {
	return o.AllowTiles && (o.Width > 0 || o.Height > 0) && o.Edge != EdgeNext &&
		o.Rendition.kind == selectNone && o.Codec == keyframe.UnknownCodec
}

// serves says whether a picture need not be made larger.
func (o PickOptions) serves(width, height int) bool { return width >= o.Width && height >= o.Height }

// images returns the list of images (EXT-X-IMAGE-STREAM-INF of the Image Media
// Playlist specification) whose tiles to use in place of the variant v: the cheapest
// of those that serve the size asked for. nil where there is none.
func (m *Master) images(v *Variant, o PickOptions) *Variant {
	if m.video(v) != v.URI {
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

// cheaperThanKeyframe says whether an image that stands for so long takes no more
// than a keyframe of rendition, as far as bandwidths tell: a keyframe seldom takes
// more than half a second does on average. An image comes whole, and so one of many
// tiles costs more.
func (v *Variant) cheaperThanKeyframe(rendition *Variant, length time.Duration) bool {
	if v.Bandwidth == 0 || rendition.Bandwidth == 0 {
		return true
	}
	return float64(v.Bandwidth)*length.Seconds() <= float64(rendition.Bandwidth)/2
}

// isImages says whether v is one of m.Images.
func (m *Master) isImages(v *Variant) bool {
	return v.Index < len(m.Images) && v == &m.Images[v.Index]
}

// imagePlaylist turns to the image media playlist whose tiles serve, if there is one
// that can be had.
func (s *Source) imagePlaylist(ctx context.Context) *Media {
	if s.noTiles || s.follow != nil || !s.opts.tiles() {
		return nil
	}
	v := s.master.images(s.variant, s.opts.PickOptions)
	if v == nil {
		return nil
	}
	rendition := s.variant
	media := s.instead(ctx, v, "image playlist", func(m *Media) bool {
		return m.ImagesOnly && len(m.Segments) > 0 && v.cheaperThanKeyframe(rendition, m.Segments[0].Duration)
	})
	s.noTiles = media == nil
	return media
}

// fromImages takes a tile: of a live stream the newest, else the first of all or
// the one that Options.At asks for.
func (s *Source) fromImages(ctx context.Context, media *Media) (*keyframe.Frame, error) {
	if !s.opts.tiles() {
		return nil, fmt.Errorf("%w: the playlist lists ready-made pictures (EXT-X-IMAGES-ONLY), which are taken where tiles are allowed and a width or height is asked for (--allow-tiles --width)", keyframe.ErrUnsupported)
	}
	if s.opts.At == 0 || media.Live {
		seg, err := media.choose()
		if err != nil {
			return nil, err
		}
		return s.grab(ctx, media, seg)
	}
	until := s.opts.At + timeSlack
	seg, err := media.At(until)
	if err != nil {
		return nil, err
	}
	return s.grab(ctx, media, seg.withTileAt(until-seg.Start))
}

// picture returns the tile of the image seg that is meant.
func (s *Source) picture(ctx context.Context, seg *Segment) (*keyframe.Frame, error) {
	t := seg.Tiles
	if t != nil {
		if err := t.check(); err != nil {
			return nil, err
		}
		if !s.opts.serves(t.Width, t.Height) {
			return nil, s.tooSmall(t.Width, t.Height)
		}
	}
	f, err := s.imageOnce(ctx, seg)
	if err != nil {
		return nil, err
	}
	if t != nil {
		f.Crop, err = t.rectangle(seg.tile, t.count(seg.Duration), f.Info.CodedWidth, f.Info.CodedHeight)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", seg.URI, err)
		}
		f.Info.Width, f.Info.Height = f.Crop.Dx(), f.Crop.Dy()
	}
	if f.Crop.Size() == image.Pt(f.Info.CodedWidth, f.Info.CodedHeight) {
		f.Crop = image.Rectangle{}
	}
	if !s.opts.serves(f.Info.Width, f.Info.Height) {
		return nil, s.tooSmall(f.Info.Width, f.Info.Height)
	}
	if begin := seg.ProgramDateTime; !begin.IsZero() {
		f.Time = begin.Add(seg.tileStart())
	}
	s.log(ctx, "tile", "sequence", seg.Sequence, "index", seg.tile, "width", f.Info.Width, "bytes", len(f.Data))
	return f, nil
}

func (s *Source) tooSmall(width, height int) error {
	return fmt.Errorf("%w: the tiles are of %dx%d, which does not serve %s", keyframe.ErrNotFound, width, height, wanted(s.opts.Width, s.opts.Height))
}

// image fetches all of the image seg, whatever its tiles.
func (s *Source) image(ctx context.Context, seg *Segment) (*keyframe.Frame, error) {
	data, err := withFreshKeys(s, func() ([]byte, error) { return s.imageFile(ctx, seg) })
	if err != nil {
		return nil, err
	}
	info, err := keyframe.ParseJPEG(data)
	switch {
	case err != nil && errors.Is(err, keyframe.ErrCorrupt) && !bytes.HasPrefix(data, jpegStart):
		return nil, fmt.Errorf("%s: %w: %s", seg.URI, err, lookalike(data))
	case err != nil:
		return nil, fmt.Errorf("%s: %w", seg.URI, err)
	case info.Width*info.Height > maxImagePixels:
		return nil, fmt.Errorf("%s: %w: an image of %dx%d", seg.URI, keyframe.ErrUnsupported, info.Width, info.Height)
	}
	return &keyframe.Frame{Codec: keyframe.JPEG, Kind: keyframe.Tile, Data: data, Pictures: 1, PTS: keyframe.NoPTS, Info: info}, nil
}

var jpegStart = []byte{0xff, 0xd8} // SOI

// imageFile fetches the file of an image, decrypted.
func (s *Source) imageFile(ctx context.Context, seg *Segment) ([]byte, error) {
	lock, err := s.protectionOf(ctx, seg.Keys, seg.Sequence)
	if err != nil {
		return nil, err
	}
	if lock != nil && !lock.whole() {
		return nil, fmt.Errorf("%w: images encrypted with %s", keyframe.ErrUnsupported, lock.method)
	}
	u, err := seg.URI.Resolve()
	if err != nil {
		return nil, err
	}
	var part ByteRange
	if seg.ByteRange != nil {
		part = *seg.ByteRange
	}
	data, err := s.fetchPart(ctx, u, part, maxImage)
	if err != nil || lock == nil {
		return data, err
	}
	data, err = io.ReadAll(newCBCStream(bytes.NewReader(data), lock.block, lock.iv))
	if err == nil && !bytes.HasPrefix(data, jpegStart) {
		err = errWrongKey
	}
	return data, err
}
