package sheet

import (
	"image"
	"image/color"
	"image/draw"
)

// pixels holds rows of R, G and B.
type pixels struct {
	width, height int
	rgb           []byte
}

// The colours between the tiles, and of a tile without a picture.
var (
	ground = color.RGBA{0x18, 0x18, 0x18, 0xff}
	blank  = color.RGBA{0x30, 0x30, 0x30, 0xff}
)

// paintTiles draws the tiles. A nil picture gives an empty tile; a picture smaller than
// its tile is centred in it.
func paintTiles(size image.Point, tiles []image.Rectangle, pictures []*pixels) *image.RGBA {
	img := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(img, img.Bounds(), image.NewUniform(ground), image.Point{}, draw.Src)

	for i, tile := range tiles {
		p := pictures[i]
		if p == nil {
			draw.Draw(img, tile, image.NewUniform(blank), image.Point{}, draw.Src)
			continue
		}
		p.copyTo(img, tile.Min.Add(tile.Size().Sub(image.Pt(p.width, p.height)).Div(2)))
	}

	return img
}

func (p *pixels) copyTo(img *image.RGBA, corner image.Point) {
	for y := range p.height {
		from := p.rgb[3*p.width*y:][:3*p.width]
		to := img.Pix[img.PixOffset(corner.X, corner.Y+y):]
		for x := range p.width {
			copy(to[4*x:4*x+3], from[3*x:])
			to[4*x+3] = 0xff
		}
	}
}
