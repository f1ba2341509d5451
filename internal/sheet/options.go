package sheet

import (
	"fmt"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
)

const (
	// DefaultCount tiles in DefaultColumns are a picture of 3 by 4; with
	// DefaultWidth, the width of thumbnails in most players' previews, it has 1292
	// pixels across.
	DefaultCount   = 12
	DefaultColumns = 4
	DefaultWidth   = 320

	// MaxCount bounds the keyframes of one sheet: one every twelve seconds of a film
	// of two hours.
	MaxCount = 600
	// MaxWidth bounds a tile; larger pictures are for single grabs.
	MaxWidth = 1920
	// MaxPixels bounds the sheet, which takes four bytes a pixel and as much as three
	// for the tiles before: MaxCount tiles of 320x180 have 36 million with what lies
	// between.
	MaxPixels = 40 << 20
	// MaxSide is the most that the common decoders of JPEG in hardware and in
	// browsers take.
	MaxSide = 16383

	// DefaultMaxBytes bounds what is fetched where Options.Stream does not say:
	// MaxCount keyframes of 100 kB, as 1080p has.
	DefaultMaxBytes = 64 << 20
)

// Options are the settings of a Sheet. The zero value makes one of twelve moments.
type Options struct {
	// Stream says how to get at the stream. Its Width and Height are not used: the
	// rendition is the cheapest that serves the tiles. Nor are At, Edge, IfNewer and
	// AllowTiles. MaxBytes 0 stands for DefaultMaxBytes, for the whole sheet.
	Stream kfgrab.Options

	// Count is how many moments are shown, each from the middle of as many equal
	// parts; 0 stands for DefaultCount, at most MaxCount.
	Count int
	// Every shows, in place of Count, a moment every so often, the first at From.
	Every time.Duration
	// From is where the sheet begins, from the start of the recording or of the live
	// window.
	From time.Duration

	// Output says how pixels are made of what is coded. Its Format, Width, Height, Fit
	// and Quality are not used.
	Output decode.Output

	Columns int // of tiles; 0 stands for DefaultColumns
	Width   int // of a tile in pixels; 0 stands for DefaultWidth, at most MaxWidth

	// Parallel is how many keyframes are fetched at once: see
	// kfgrab.Timeline.Keyframes.
	Parallel int

	// Decoder says which ffmpeg to run. As many run at once as there are processors.
	Decoder decode.Decoder

	// Progress, where set, is called when more moments are done, by one goroutine at
	// a time.
	Progress func(done, total int)
}

// filled returns o with the defaults in place of zeros. The error wraps
// kfgrab.ErrUsage.
func (o *Options) filled() (*Options, error) {
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
		return bad("a sheet has so many pictures, or one every so often, not both")
	case f.Every < 0 || f.From < 0:
		return bad("a sheet with a time below 0")
	case f.Columns < 0 || f.Columns > MaxCount:
		return bad("a sheet of %d columns: want 1 to %d", f.Columns, MaxCount)
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
	f.Output.Format, f.Output.Width, f.Output.Height, f.Output.Fit, f.Output.Quality = decode.RGB24, f.Width, 0, decode.Fill, 0
	f.Stream.Width, f.Stream.Height = f.Output.Needed()
	if err := f.Output.Validate(); err != nil {
		return bad("%v", err)
	}
	return &f, nil
}
