package decode

import (
	"context"
	"fmt"
	"image"
	"io"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Decode writes the picture of f to w. Nothing is written unless the picture is
// whole. The error is an *Error, but for those of w, of an Output out of bounds
// (ErrCrop where the picture is what bounds it), and of frames too large, which wrap
// keyframe.ErrUnsupported.
func (d *Decoder) Decode(ctx context.Context, w io.Writer, f *keyframe.Frame, o Output) error {
	if err := check(f, o); err != nil {
		return err
	}
	if asWanted(f, o) {
		_, err := w.Write(f.Data)
		return err
	}
	j, err := d.startJob(ctx, shapeOf(f), o)
	if err != nil {
		return err
	}
	return j.Decode(ctx, w, f)
}

// Start starts the process for a frame that is still to come. The caller must
// call Decode or Cancel; the end of ctx kills the process in any case.
func (d *Decoder) Start(ctx context.Context, c keyframe.Codec, o Output) (*Job, error) {
	return d.startJob(ctx, shapeOfInfo(c, keyframe.Info{}), o)
}

// shape is what the arguments depend on beside the output.
type shape struct {
	codec    keyframe.Codec
	pictures int
	doubted  bool // H.265 whose end is open is decoded twice
	weaved   bool // H.265 frames of two fields, of which ffmpeg does not tell
	field    bool // pictures are single fields
	rotation int  // as in keyframe.Info
	mirrored bool
	sdr      toSDR
	crop     image.Rectangle // of JPEG
}

func shapeOf(f *keyframe.Frame) shape {
	s := shapeOfInfo(f.Codec, f.Info)
	s.pictures, s.doubted = max(f.Pictures, 1), f.OpenEnd && f.Codec == keyframe.H265
	if f.Codec == keyframe.JPEG {
		s.crop = f.Crop
	}
	return s
}

func shapeOfInfo(c keyframe.Codec, i keyframe.Info) shape {
	return shape{
		codec: c, pictures: 1, field: i.FieldSeq, rotation: i.Rotation, mirrored: i.Mirrored, sdr: toSDROf(i),
		weaved: c == keyframe.H265 && i.Interlaced && !i.FieldSeq,
	}
}

func (d *Decoder) startJob(ctx context.Context, s shape, o Output) (*Job, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if s.codec != keyframe.H264 && s.codec != keyframe.H265 && s.codec != keyframe.JPEG {
		return nil, fmt.Errorf("%w: codec %v", keyframe.ErrUnsupported, s.codec)
	}
	p, err := d.start(ctx, s.codec.String(), arguments(s, o))
	if err != nil {
		return nil, err
	}
	return &Job{decoder: *d, shape: s, output: o, process: p}, nil
}

// Job is an ffmpeg that waits for its frame. It decodes one.
type Job struct {
	decoder Decoder
	shape   shape
	output  Output
	process *process
}

// Decode is as that of the Decoder. A frame of another codec than was told to
// Start, of several coded pictures, of H.265 with an open end or of fields, one that is
// to be turned or made SDR, or a part of a JPEG, is given to a new process instead.
func (j *Job) Decode(ctx context.Context, w io.Writer, f *keyframe.Frame) error {
	if err := check(f, j.output); err != nil {
		j.Cancel()
		return err
	}
	if shapeOf(f) != j.shape {
		j.Cancel()
		return j.decoder.Decode(ctx, w, f, j.output)
	}
	return j.decode(ctx, w, f)
}

func (j *Job) decode(ctx context.Context, w io.Writer, f *keyframe.Frame) error {
	data, same := coloured(f.Codec, f.Info, f.Data), true
	if j.shape.doubted {
		data = twice(data)
	}
	pixels := (f.Pictures + 1) * pixelsOf(f.Info, j.output) // one may be decoded twice
	picture, err := j.process.finish(ctx, j.decoder.timeout(pixels), data)
	if j.process.log.noToneMapping {
		as := j.shape
		as.sdr = fits
		if j, err = j.decoder.startJob(ctx, as, j.output); err != nil {
			return err
		}
		return j.decode(ctx, w, f)
	}
	if j.shape.doubted {
		picture, same = once(picture)
	}
	if err = j.judge(picture, same, f, err); err != nil {
		return err
	}
	_, err = w.Write(picture)
	return err
}

// Cancel ends the process. It is a no-op after Decode.
func (j *Job) Cancel() {
	j.process.cancel(context.Canceled)
	<-j.process.done
}

// check refuses before any process what would take too much memory.
func check(f *keyframe.Frame, o Output) error {
	if err := o.Validate(); err != nil {
		return err
	}
	i := f.Info
	w, h := o.Size(i)
	shown := w * h
	if o.Crop != (Crop{}) {
		wholeW, wholeH := Output{}.Size(i)
		if err := o.Crop.check(wholeW, wholeH); err != nil {
			return err
		}
		shown = max(shown, wholeW*wholeH)
	}
	if most := o.maxPixels(); i.CodedWidth*i.CodedHeight > most || shown > most || w > maxSide || h > maxSide {
		return fmt.Errorf("%w: a picture of %dx%d, to be shown as %dx%d, is too large: %d pixels are let in, and sides of %d", keyframe.ErrUnsupported, i.Width, i.Height, w, h, most, maxSide)
	}
	return nil
}

// judge says whether the process, which ended with err, made a good picture of f;
// same is false where two decodings differ.
func (j *Job) judge(picture []byte, same bool, f *keyframe.Frame, err error) error {
	log := &j.process.log
	fail := func(format string, args ...any) error {
		return &Error{Err: fmt.Errorf(format, args...), Stderr: log.text()}
	}
	switch {
	case j.process.killed:
		return err
	case log.damaged, log.complained && j.shape.codec == keyframe.H265:
		return fail("%w: the picture is damaged", keyframe.ErrCorrupt)
	case len(picture) == 0 && (log.complained || log.nothing):
		return fail("%w: no %v picture in %d bytes", keyframe.ErrCorrupt, f.Codec, len(f.Data))
	case log.noEncoder:
		return fail("this ffmpeg was built without %v", j.output.Format)
	case err != nil:
		return err
	case len(picture) == 0:
		return fail("ffmpeg wrote no picture")
	case !same:
		return fail("%w: a slice of the picture is cut short", keyframe.ErrCorrupt)
	case !j.output.whole(picture, f.Info):
		return fail("ffmpeg wrote %d bytes that are not one whole %v picture", len(picture), j.output.Format)
	}
	return nil
}
