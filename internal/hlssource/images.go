package hlssource

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/imagefile"
	"github.com/kfgrab/kfgrab/keyframe"
)

// maxImage bounds an image, which can only be fetched whole. A hundred tiles of
// 320x180 have been seen to take 1.6 MB; above the bound, a keyframe is cheaper.
const maxImage = 4 << 20

// ErrImagesOnly is returned for a playlist of tiles without Options.AllowTiles and a
// size. It wraps keyframe.ErrUnsupported.
var ErrImagesOnly = fmt.Errorf("%w: the playlist lists ready-made pictures (EXT-X-IMAGES-ONLY), which are used only if tiles are allowed and a width or height is given", keyframe.ErrUnsupported)

// allowsTiles reports whether tiles may take the place of keyframes, as far as is
// known before there are any.
func (o *Options) allowsTiles() bool {
	return o.AllowTiles && (o.Width > 0 || o.Height > 0) && o.Edge != hls.EdgeNext &&
		o.Rendition == (hls.Selector{}) && o.Codec == keyframe.UnknownCodec
}

// readTile returns the tile of the image that seg stands for.
func (g *grab) readTile(ctx context.Context, seg *hls.Segment) (*keyframe.Frame, error) {
	if t := seg.Tiles; t != nil {
		if err := t.Check(); err != nil {
			return nil, err
		}
		if err := g.want.CheckSize(t.Width, t.Height); err != nil {
			return nil, err
		}
	}
	f, err := g.readImage(ctx, seg)
	if err != nil {
		return nil, err
	}

	f.Crop, err = seg.TileRectangle(f.Info.CodedWidth, f.Info.CodedHeight)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", seg.URI, err)
	}
	if seg.Tiles != nil {
		f.Info.Width, f.Info.Height = f.Crop.Dx(), f.Crop.Dy()
	}
	if f.Crop.Size() == image.Pt(f.Info.CodedWidth, f.Info.CodedHeight) {
		f.Crop = image.Rectangle{}
	}
	if err := g.want.CheckSize(f.Info.Width, f.Info.Height); err != nil {
		return nil, err
	}

	if begin := seg.ProgramDateTime; !begin.IsZero() {
		f.Time = begin.Add(seg.TileStart())
	}
	g.log(ctx, "tile", "sequence", seg.Sequence, "index", seg.Tile, "width", f.Info.Width, "bytes", len(f.Data))
	g.remember(seg)
	return f, nil
}

// readImage returns the whole image that seg is. The image that the last tile was in
// is not fetched again.
func (g *grab) readImage(ctx context.Context, seg *hls.Segment) (*keyframe.Frame, error) {
	if g.image == nil || !seg.SameAs(g.tile) {
		f, err := g.fetchImage(ctx, seg)
		if err != nil {
			return nil, err
		}
		g.image = f
	}
	g.tile, g.at = seg, seg.Place()

	f := *g.image
	f.Data = bytes.Clone(f.Data)
	return &f, nil
}

func (o *opener) fetchImage(ctx context.Context, seg *hls.Segment) (*keyframe.Frame, error) {
	data, err := withFreshKeys(ctx, o, func() ([]byte, error) { return o.fetchImageFile(ctx, seg) })
	if err != nil {
		return nil, err
	}

	info, err := keyframe.ParseInfo(keyframe.JPEG, data)
	switch {
	case err != nil && errors.Is(err, keyframe.ErrCorrupt) && !imagefile.IsJPEG(data):
		return nil, fmt.Errorf("%s: %w: %s", seg.URI, err, hls.Lookalike(data))
	case err != nil:
		return nil, fmt.Errorf("%s: %w", seg.URI, err)
	}
	return &keyframe.Frame{Codec: keyframe.JPEG, Kind: keyframe.Tile, Data: data, Pictures: 1, PTS: keyframe.NoPTS, Info: info}, nil
}

// fetchImageFile fetches the file of an image and decrypts it.
func (o *opener) fetchImageFile(ctx context.Context, seg *hls.Segment) ([]byte, error) {
	lock, err := o.protectionOf(ctx, seg.Keys, seg.Sequence)
	if err != nil {
		return nil, err
	}
	if lock.method != "" && lock.method != methodWhole {
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
	data, err := o.fetchPart(ctx, u, part, maxImage)
	if err != nil || lock.method == "" {
		return data, err
	}
	data, err = io.ReadAll(newCBCStream(bytes.NewReader(data), lock.block, lock.iv))
	if err == nil && !imagefile.IsJPEG(data) {
		err = errWrongKey
	}
	return data, err
}
