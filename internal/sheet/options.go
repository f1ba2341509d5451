package sheet

import (
	"fmt"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/picture"
)

const (
	// DefaultCount tiles in DefaultColumns are three rows of four. DefaultWidth is the
	// width of thumbnails in most players' previews; the sheet is 1292 pixels wide.
	DefaultCount   = 12
	DefaultColumns = 4
	DefaultWidth   = 320

	// MaxCount bounds the keyframes of one sheet: one every twelve seconds of a two-hour
	// film.
	MaxCount = 600
	// MaxWidth bounds a tile; larger pictures are for single grabs.
	MaxWidth = 1920
	// MaxPixels bounds the sheet, which takes four bytes per pixel, and up to three more
	// for the tiles. MaxCount tiles of 320x180 with their gaps have 36 million.
	MaxPixels = 40 << 20
	// MaxSide is the limit of common JPEG decoders in hardware and in browsers.
	MaxSide = 16383

	// DefaultMaxBytes bounds what is fetched unless Options.Stream does: MaxCount
	// keyframes of 100 kB, as 1080p has.
	DefaultMaxBytes = 64 << 20
)

// Options are the settings of a Sheet. The zero value makes one of twelve moments.
type Options struct {
	// Stream says how to open the stream. Its Width and Height are ignored: Make takes
	// the cheapest rendition that is large enough for the tiles. At, Edge, IfNewer and
	// AllowTiles are ignored as well. MaxBytes is for the whole sheet; 0 means
	// DefaultMaxBytes.
	Stream kfgrab.Options

	// Count is how many moments are shown, at most MaxCount. Each is the middle of one
	// of as many equal parts. 0 means DefaultCount.
	Count int
	// Every shows moments at this distance, in place of Count, the first at From.
	Every time.Duration
	// From is where the sheet begins, counted from the start of the recording or of the
	// live window.
	From time.Duration

	// Tries looks at up to this many keyframes for each tile and takes the first one
	// that is not picture.Blank. If all are, the tile has the first. 0 and 1 take it as
	// it is.
	Tries int

	// Times draws the time of each picture into its tile.
	Times bool

	// Output describes the pictures in the tiles. Its Format, Width, Height, Fit and
	// Quality are ignored.
	Output decode.Output

	Columns int // of tiles; 0 means DefaultColumns
	Width   int // of a tile in pixels, at most MaxWidth; 0 means DefaultWidth

	// Parallel is how many keyframes are fetched at once: see
	// kfgrab.Timeline.Keyframes.
	Parallel int

	// Decoder says which ffmpeg to run. One runs per processor.
	Decoder decode.Decoder

	// Progress, if set, is called whenever more moments are done, by one goroutine at a
	// time.
	Progress func(done, total int)
}

// withDefaults returns a copy of o, which may be nil, with defaults in place of zeros.
// The error wraps kfgrab.ErrUsage.
func (o *Options) withDefaults() (*Options, error) {
	f := Options{}
	if o != nil {
		f = *o
	}

	bad := func(format string, args ...any) (*Options, error) {
		return nil, fmt.Errorf("%w: %s", kfgrab.ErrUsage, fmt.Sprintf(format, args...))
	}
	switch {
	case f.Count < 0 || f.Count > MaxCount:
		return bad("a sheet of %d pictures: want 1 to %d", f.Count, MaxCount)
	case f.Count > 0 && f.Every != 0:
		return bad("a sheet takes either a number of pictures or their distance, not both")
	case f.Every < 0 || f.From < 0:
		return bad("the times of a sheet must not be negative")
	case f.Columns < 0 || f.Columns > MaxCount:
		return bad("a sheet of %d columns: want 1 to %d", f.Columns, MaxCount)
	case f.Tries < 0 || f.Tries > picture.MaxTries:
		return bad("%d tries for a tile: want 1 to %d", f.Tries, picture.MaxTries)
	case f.Width < 0 || f.Width > MaxWidth:
		return bad("tiles %d pixels wide: want 1 to %d", f.Width, MaxWidth)
	}

	orDefault := func(n *int, d int) {
		if *n == 0 {
			*n = d
		}
	}
	if f.Every == 0 {
		orDefault(&f.Count, DefaultCount)
	}
	orDefault(&f.Columns, DefaultColumns)
	orDefault(&f.Width, DefaultWidth)
	if f.Stream.MaxBytes == 0 {
		f.Stream.MaxBytes = DefaultMaxBytes
	}

	given := f.Output
	f.Output = decode.Output{
		Format: decode.RGB24, Width: f.Width,
		Crop: given.Crop, KeepInterlaced: given.KeepInterlaced, MaxPixels: given.MaxPixels,
	}
	f.Stream.Width, f.Stream.Height = f.Output.Needed()
	if err := f.Output.Validate(); err != nil {
		return bad("%v", err)
	}
	return &f, nil
}
