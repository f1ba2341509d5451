package picture

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/internal/metadata"
	"github.com/kfgrab/kfgrab/keyframe"
)

// Options say what to make. The zero value is a JPEG of the stream's size that tells
// its source and times.
type Options struct {
	Format Format
	// Output says how the picture is made. Its Format is not used.
	Output decode.Output

	// Overlay writes Name, the time and the picture's age into the lower left corner
	// of a JPEG or PNG.
	Overlay bool
	Name    string

	// Tries is how many keyframes Take looks at, at most, to find one that is not
	// Blank. With 0 it takes the first keyframe as it is. Make ignores Tries.
	Tries int
	// FrameOnly makes Take return without a picture, for a caller that may not need
	// one. Taken.Data is then nil, unless the picture had to be made to judge whether
	// it is Blank. Make ignores FrameOnly.
	FrameOnly bool

	// Deterministic leaves all times out: the same keyframe gives the same bytes.
	Deterministic bool
	// NoMetadata leaves out what the picture would tell of itself: times, source and
	// Software. A colour profile stays where one is needed.
	NoMetadata bool
	// NoSource leaves out the source alone: for those who are not to know the stream's
	// address, of which credentials and values of the query are left out in any case.
	NoSource bool
	// Software is what the picture names as its maker.
	Software string
}

// Validate says what of o is out of bounds or does not go together, nil where nothing.
func (o *Options) Validate() error {
	if o.Format > MP4 {
		return fmt.Errorf("unknown format %d", o.Format)
	}
	if o.Overlay && o.Format != JPEG && o.Format != PNG {
		return fmt.Errorf("an overlay is for jpeg and png, not for %v", o.Format)
	}
	if o.Tries < 0 || o.Tries > MaxTries {
		return fmt.Errorf("%d tries are out of bounds: want 1 to %d, or 0 to take what comes", o.Tries, MaxTries)
	}
	output := o.Output
	output.Format = decode.JPEG
	return output.Validate()
}

// Decoded returns what the decoder is asked for: a caption is drawn into the decoded
// picture, before that is coded. It is of use where o.Format.Decoded.
func (o *Options) Decoded() decode.Output {
	d := o.Output
	d.Format = decode.Format(o.Format)
	if o.Overlay {
		d.Format = decode.RGB24
	}
	return d
}

// Decoder is a decode.Decoder or a decode.Pool.
type Decoder interface {
	Decode(ctx context.Context, w io.Writer, f *keyframe.Frame, o decode.Output) error
}

// Make returns the bytes of s as o wants them, a whole file. The error is the
// decoder's; where there is nothing to decode, that of fmp4.Mux. d may be nil then.
func Make(ctx context.Context, d Decoder, s *kfgrab.Snapshot, o *Options) ([]byte, error) {
	switch o.Format {
	case AnnexB:
		return s.Frame.Data, nil
	case MP4:
		return fmp4.Mux(s.Frame)
	}
	var picture bytes.Buffer
	if err := d.Decode(ctx, &picture, s.Frame, o.Decoded()); err != nil {
		return nil, err
	}
	if o.Overlay {
		if err := o.caption(&picture, s); err != nil {
			return nil, err
		}
	}
	return o.Describe(picture.Bytes(), metadata.Fields{
		Source: s.URL, Taken: s.Taken, MediaTime: s.MediaTime, Primaries: decode.Primaries(s.Frame.Info),
	})
}

// Describe puts what o lets pass of f into data, a picture of o.Format, where that has
// a place for it. Make has done so.
func (o *Options) Describe(data []byte, f metadata.Fields) ([]byte, error) {
	f.Software = o.Software
	if o.Deterministic {
		f.Taken, f.MediaTime = time.Time{}, time.Time{}
	}
	if o.NoSource {
		f.Source = ""
	}
	if o.NoMetadata {
		f = metadata.Fields{Primaries: f.Primaries}
	}
	switch o.Format {
	case JPEG:
		return metadata.JPEG(data, f)
	case PNG:
		return metadata.PNG(data, f)
	case WebP:
		return metadata.WebP(data, f)
	}
	return data, nil
}
