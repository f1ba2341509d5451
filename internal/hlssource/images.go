package hlssource

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/keyframe"
)

// maxImage bounds an image, of which no part can be had alone. A hundred tiles of
// 320x180 have been seen to take 1.6 MB; beyond, a keyframe is cheaper.
const maxImage = 4 << 20

// tiles says whether ready-made tiles may take the place of keyframes, for all that
// is known before there are any.
func (o *Options) tiles() bool {
	return o.AllowTiles && (o.Width > 0 || o.Height > 0) && o.Edge != hls.EdgeNext &&
		o.Rendition == (hls.Selector{}) && o.Codec == keyframe.UnknownCodec
}

// imagePlaylist turns to the image media playlist whose tiles serve, if there is one
// that can be had.
func (s *Source) imagePlaylist(ctx context.Context) *hls.Media {
	if s.noTiles || s.follow != nil || !s.opts.tiles() {
		return nil
	}
	v := s.master.PickImages(s.variant, s.opts.PickOptions)
	if v == nil {
		return nil
	}
	rendition := s.variant
	media := s.instead(ctx, v, "image playlist", func(m *hls.Media) bool {
		return m.ImagesOnly && len(m.Segments) > 0 && v.CheaperThanKeyframe(rendition, m.Segments[0].Duration)
	})
	s.noTiles = media == nil
	return media
}

// ErrImagesOnly is returned for a playlist of tiles without Options.AllowTiles and a size.
// It wraps keyframe.ErrUnsupported.
var ErrImagesOnly = fmt.Errorf("%w: the playlist lists ready-made pictures (EXT-X-IMAGES-ONLY), which are used only if tiles are allowed and a width or height is given", keyframe.ErrUnsupported)

// fromImages takes a tile: of a live stream the newest, else the first of all or
// the one that Options.At asks for.
func (s *Source) fromImages(ctx context.Context, media *hls.Media) (*keyframe.Frame, error) {
	if !s.opts.tiles() {
		return nil, ErrImagesOnly
	}
	if s.opts.At == 0 || media.Live {
		seg, err := media.PickSegment()
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
	return s.grab(ctx, media, seg.WithTileAt(until-seg.Start))
}

// picture returns the tile of the image seg that is meant.
func (s *Source) picture(ctx context.Context, seg *hls.Segment) (*keyframe.Frame, error) {
	t := seg.Tiles
	if t != nil {
		if err := t.Check(); err != nil {
			return nil, err
		}
		if err := s.opts.CheckSize(t.Width, t.Height); err != nil {
			return nil, err
		}
	}
	f, err := s.imageOnce(ctx, seg)
	if err != nil {
		return nil, err
	}
	f.Crop, err = seg.TileRectangle(f.Info.CodedWidth, f.Info.CodedHeight)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", seg.URI, err)
	}
	if t != nil {
		f.Info.Width, f.Info.Height = f.Crop.Dx(), f.Crop.Dy()
	}
	if f.Crop.Size() == image.Pt(f.Info.CodedWidth, f.Info.CodedHeight) {
		f.Crop = image.Rectangle{}
	}
	if err := s.opts.CheckSize(f.Info.Width, f.Info.Height); err != nil {
		return nil, err
	}
	if begin := seg.ProgramDateTime; !begin.IsZero() {
		f.Time = begin.Add(seg.TileStart())
	}
	s.log(ctx, "tile", "sequence", seg.Sequence, "index", seg.Tile, "width", f.Info.Width, "bytes", len(f.Data))
	return f, nil
}

// image fetches all of the image seg, whatever its tiles.
func (s *Source) image(ctx context.Context, seg *hls.Segment) (*keyframe.Frame, error) {
	data, err := withFreshKeys(s, func() ([]byte, error) { return s.imageFile(ctx, seg) })
	if err != nil {
		return nil, err
	}
	info, err := keyframe.ParseJPEG(data)
	switch {
	case err != nil && errors.Is(err, keyframe.ErrCorrupt) && !bytes.HasPrefix(data, jpegStart):
		return nil, fmt.Errorf("%s: %w: %s", seg.URI, err, hls.Lookalike(data))
	case err != nil:
		return nil, fmt.Errorf("%s: %w", seg.URI, err)
	}
	return &keyframe.Frame{Codec: keyframe.JPEG, Kind: keyframe.Tile, Data: data, Pictures: 1, PTS: keyframe.NoPTS, Info: info}, nil
}

var jpegStart = []byte{0xff, 0xd8} // SOI

// imageFile fetches the file of an image, decrypted.
func (s *Source) imageFile(ctx context.Context, seg *hls.Segment) ([]byte, error) {
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
	var part hls.ByteRange
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
