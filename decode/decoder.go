package decode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Decoder runs ffmpeg. Its zero value is ready to use, and calls may run at the same
// time.
type Decoder struct {
	// Path is the ffmpeg to run, a path or a name in PATH. If it is empty, Decoder uses
	// the first of: the file kfgrab-ffmpeg next to the program, the one that the
	// environment variable KFGRAB_FFMPEG names, the ffmpeg inside the program (build tag
	// embedffmpeg), "ffmpeg" in PATH.
	Path string

	// Timeout bounds the time that a process may take once it has its input. 0 means ten
	// seconds, and more for large pictures and for many: far more than usual, for
	// machines that are slow or busy.
	Timeout time.Duration
}

// ErrNoFFmpeg is wrapped if there is no ffmpeg to run.
var ErrNoFFmpeg = errors.New("no ffmpeg: install it (apt install ffmpeg) or set KFGRAB_FFMPEG to its path")

// Error is a failure of the ffmpeg process, or of its input. It wraps
// keyframe.ErrCorrupt if ffmpeg found the picture damaged, ErrNoFFmpeg if ffmpeg could
// not be run, and the context's cause if that ended the process.
type Error struct {
	// Stderr is what ffmpeg reported, or "": at most a few lines, without control
	// characters, memory addresses and repetitions.
	Stderr string
	Err    error
}

// Error returns one line.
func (e *Error) Error() string {
	s := "decode: " + e.Err.Error()
	if e.Stderr != "" {
		s += ": " + strings.ReplaceAll(e.Stderr, "\n", "; ")
	}
	return s
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// Decode writes the picture of f to w. It writes nothing unless the picture is whole.
// The error is an *Error, except for errors of w, for an invalid Output (ErrCrop if it
// is invalid for this picture), and for frames that are too large, which wrap
// keyframe.ErrUnsupported.
func (d *Decoder) Decode(ctx context.Context, w io.Writer, f *keyframe.Frame, o Output) error {
	if err := checkFrame(f, o); err != nil {
		return err
	}
	if isAsRequested(f, o) {
		_, err := w.Write(f.Data)
		return err
	}

	j, err := d.startJob(ctx, shapeOf(f), o)
	if err != nil {
		return err
	}
	return j.Decode(ctx, w, f)
}

// isAsRequested reports whether f already is a whole JPEG like those that ffmpeg
// writes. Coding it again would only lose quality. A damaged one goes to ffmpeg, which
// reports the damage.
func isAsRequested(f *keyframe.Frame, o Output) bool {
	i := f.Info
	width, height := o.Size(i)
	if f.Codec != keyframe.JPEG || !f.Crop.Empty() || i.Profile != "Baseline" || i.ChromaFormat != 1 {
		return false
	}
	if o.Format != JPEG || o.Quality != 0 || o.Crop != (Crop{}) || width != i.Width || height != i.Height {
		return false
	}
	_, err := jpeg.Decode(bytes.NewReader(f.Data))
	return err == nil
}

// checkFrame refuses frames that would take too much memory, before any process runs.
func checkFrame(f *keyframe.Frame, o Output) error {
	if err := o.Validate(); err != nil {
		return err
	}

	i := f.Info
	if err := checkColours(i); err != nil {
		return err
	}
	width, height := o.Size(i)
	shown := width * height
	if o.Crop != (Crop{}) {
		wholeWidth, wholeHeight := Output{}.Size(i)
		if err := o.Crop.checkWithin(wholeWidth, wholeHeight); err != nil {
			return err
		}
		shown = max(shown, wholeWidth*wholeHeight)
	}

	limit := o.maxPixels()
	if i.CodedWidth*i.CodedHeight > limit || shown > limit || width > maxSide || height > maxSide {
		return fmt.Errorf("%w: a picture of %dx%d, to be shown as %dx%d, is too large: the limits are %d pixels and %d per side",
			keyframe.ErrUnsupported, i.Width, i.Height, width, height, limit, maxSide)
	}
	return nil
}

// shape is what the arguments of ffmpeg depend on besides the Output.
type shape struct {
	codec    keyframe.Codec
	pictures int
	openEnd  bool // H.265 that may be truncated and is decoded twice
	woven    bool // H.265 frames of two fields, which ffmpeg does not report
	field    bool // pictures are single fields
	rotation int  // as in keyframe.Info
	mirrored bool
	colour   conversion
	crop     image.Rectangle // of a JPEG
}

func shapeOf(f *keyframe.Frame) shape {
	s := shapeOfInfo(f.Codec, f.Info)
	s.pictures = max(f.Pictures, 1)
	s.openEnd = f.OpenEnd && f.Codec == keyframe.H265
	if f.Codec == keyframe.JPEG {
		s.crop = f.Crop
	}
	return s
}

func shapeOfInfo(c keyframe.Codec, i keyframe.Info) shape {
	return shape{
		codec: c, pictures: 1,
		woven: c == keyframe.H265 && i.Interlaced && !i.FieldSeq, field: i.FieldSeq,
		rotation: i.Rotation, mirrored: i.Mirrored, colour: conversionFor(i),
	}
}

// Job is an ffmpeg that waits for its frame. It decodes one.
type Job struct {
	decoder Decoder
	shape   shape
	output  Output
	run     *run
}

// Start starts the process for a frame that is still to come. The caller must call
// Decode or Cancel; the end of ctx kills the process as well.
func (d *Decoder) Start(ctx context.Context, c keyframe.Codec, o Output) (*Job, error) {
	return d.startJob(ctx, shapeOfInfo(c, keyframe.Info{}), o)
}

func (d *Decoder) startJob(ctx context.Context, s shape, o Output) (*Job, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if s.codec != keyframe.H264 && s.codec != keyframe.H265 && s.codec != keyframe.JPEG {
		return nil, fmt.Errorf("%w: codec %v", keyframe.ErrUnsupported, s.codec)
	}

	r, err := d.startRun(ctx, s.codec.String(), frameArguments(s, o), maxOutput(o.maxPixels()))
	if err != nil {
		return nil, err
	}

	return &Job{decoder: *d, shape: s, output: o, run: r}, nil
}

// Decode works like Decoder.Decode. Start assumes the most common kind of frame; if f
// has another codec, several coded pictures, an open end or fields in H.265, is
// rotated or not SDR, or is a part of a JPEG, a new process decodes it.
func (j *Job) Decode(ctx context.Context, w io.Writer, f *keyframe.Frame) error {
	if err := checkFrame(f, j.output); err != nil {
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
	data := withColours(f.Codec, f.Info, f.Data)
	if j.shape.openEnd {
		data = repeatPadded(data)
	}

	pixels := (f.Pictures + 1) * countPixels(f.Info, j.output) // one may be decoded twice
	picture, err := j.run.finish(ctx, j.decoder.timeout(pixels), data)

	if j.run.log.noToneMapping {
		if needsFilters(f.Info) {
			return noFiltersError(f.Info)
		}
		s := j.shape
		s.colour = conversion{}
		if j, err = j.decoder.startJob(ctx, s, j.output); err != nil {
			return err
		}
		return j.decode(ctx, w, f)
	}

	same := true
	if j.shape.openEnd {
		picture, same = firstOfTwo(picture)
	}
	if err = j.judge(picture, same, f, err); err != nil {
		return err
	}
	_, err = w.Write(picture)
	return err
}

// Cancel ends the process. It does nothing after Decode.
func (j *Job) Cancel() {
	j.run.kill(context.Canceled)
	<-j.run.Done()
}

// judge returns nil if the process, which ended with err, made a good picture of f.
// same is false if two decodings of it differ.
func (j *Job) judge(picture []byte, same bool, f *keyframe.Frame, err error) error {
	log := &j.run.log
	fail := func(format string, args ...any) error {
		return &Error{Err: fmt.Errorf(format, args...), Stderr: log.text()}
	}
	o := j.output
	o.Width, o.Height = o.Size(f.Info)

	switch {
	case j.run.killed:
		return err
	case log.damaged, log.complained && j.shape.codec == keyframe.H265:
		return fail("%w: the picture is damaged", keyframe.ErrCorrupt)
	case len(picture) == 0 && (log.complained || log.noPicture):
		return fail("%w: no %v picture in %d bytes", keyframe.ErrCorrupt, f.Codec, len(f.Data))
	case log.noEncoder:
		return fail("this ffmpeg was built without %v", o.Format)
	case err != nil:
		return err
	case len(picture) == 0:
		return fail("ffmpeg wrote no picture")
	case !same:
		return fail("%w: a slice of the picture is truncated", keyframe.ErrCorrupt)
	}

	if whole, _ := o.isWhole(picture); !whole {
		return fail("ffmpeg wrote %d bytes that are not one whole %v picture", len(picture), o.Format)
	}
	return nil
}

// timeout returns how long a process may take to decode and encode that many pixels.
func (d *Decoder) timeout(pixels int) time.Duration {
	if d.Timeout > 0 {
		return d.Timeout
	}
	return 10*time.Second + time.Duration(pixels)*2500*time.Nanosecond
}

// patience returns how long a process of a Pool may take: longer than usual on a busy
// machine, but only a tenth of the time of the process that then decodes the frame alone.
func (d *Decoder) patience(pixels int) time.Duration { return d.timeout(pixels) / 10 }

// countPixels returns how many pixels there are to decode and to encode.
func countPixels(i keyframe.Info, o Output) int {
	width, height := o.Size(i)
	return i.CodedWidth*i.CodedHeight + width*height
}

// padding follows slices that may be truncated. A decoder reads nothing after a whole
// slice. If it runs over the end of a truncated one, it finds the padding the second
// time and nothing the first time, and the pixels differ. The bytes contain no start
// code and no emulation prevention.
var padding = bytes.Repeat([]byte{0xa5, 0x5a, 0x96, 0x69, 0xc3, 0x3c, 0xd2, 0x2d}, 8)

// endOfSequence makes the next picture the first of a sequence (ISO/IEC 23008-2
// 7.3.2.6).
var endOfSequence = []byte{36 << 1, 1}

// repeatPadded returns an H.265 access unit twice, the second time with padded slices.
func repeatPadded(data []byte) []byte {
	return append(keyframe.AppendNALU(bytes.Clone(data), endOfSequence), padSlices(data)...)
}

// padSlices returns an H.265 access unit with padding after its slices.
func padSlices(data []byte) []byte {
	out := make([]byte, 0, len(data)+1<<10)
	for nalu := range keyframe.AnnexB(data) {
		out = keyframe.AppendNALU(out, nalu)
		if keyframe.H265.IsSlice(nalu) {
			out = append(out, padding...)
		}
	}
	return out
}

// firstOfTwo returns the first of the two pictures that repeatPadded leads to, and
// whether they are the same.
func firstOfTwo(pictures []byte) ([]byte, bool) {
	half := len(pictures) / 2
	return pictures[:half], len(pictures)%2 == 0 && bytes.Equal(pictures[:half], pictures[half:])
}
