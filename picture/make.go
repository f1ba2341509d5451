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

// Options describe what to make. The zero value is a JPEG of the stream's size with
// source and times in its metadata.
type Options struct {
	Format Format
	// Output describes the picture. Its Format is not used.
	Output decode.Output

	// Overlay draws Name, the time and the picture's age into the lower left corner of
	// a JPEG or PNG.
	Overlay bool
	Name    string

	// Tries is how many keyframes Take looks at, at most, to find one that is not
	// Blank. With 0 it takes the first keyframe as it is. Make ignores Tries.
	Tries int
	// FrameOnly makes Take return without a picture, for a caller that may not need
	// one. Taken.Data is then nil, unless the picture had to be made to judge whether
	// it is Blank. Make ignores FrameOnly.
	FrameOnly bool

	// Deterministic leaves out all times, so that the same keyframe gives the same
	// bytes.
	Deterministic bool
	// NoMetadata leaves out times, source and Software. A colour profile stays if one is
	// needed.
	NoMetadata bool
	// NoSource leaves out only the source, for viewers who must not know the stream's
	// address. Credentials and query values are never in it.
	NoSource bool
	// Software is the program that the metadata names as the picture's maker.
	Software string
}

// Validate returns an error if fields of o are out of bounds or contradict each other.
func (o *Options) Validate() error {
	if o.Format > MP4 {
		return fmt.Errorf("unknown format %d", o.Format)
	}
	if o.Overlay && o.Format != JPEG && o.Format != PNG {
		return fmt.Errorf("an overlay needs jpeg or png, not %v", o.Format)
	}
	if o.Tries < 0 || o.Tries > MaxTries {
		return fmt.Errorf("%d tries are out of bounds: want 1 to %d, or 0 to take the first keyframe", o.Tries, MaxTries)
	}

	output := o.Output
	output.Format = decode.JPEG
	return output.Validate()
}

// Decoded returns what Make asks the decoder for, if o.Format.Decoded. It differs from
// Output if there is a caption, which is drawn before the picture is coded.
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

// Make returns the file that o describes, made from s. The error is the decoder's, or
// that of fmp4.Mux. d may be nil if the format needs no decoding.
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
		if err := o.drawCaption(&picture, s); err != nil {
			return nil, err
		}
	}
	return o.Describe(picture.Bytes(), s, o.Output.Primaries(s.Frame.Info))
}

// Describe writes into data, a picture in o.Format, what o allows of the URL and the
// times of s, and a colour profile if primaries need one. primaries is a code point of
// ISO/IEC 23091-2 8.1, 0 for unknown. Formats without a place for them stay as they
// are. Make has already done all this.
func (o *Options) Describe(data []byte, s *kfgrab.Snapshot, primaries int) ([]byte, error) {
	f := metadata.Fields{
		Source: s.URL, Software: o.Software, Taken: s.Taken, MediaTime: s.MediaTime, Primaries: primaries,
	}
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
