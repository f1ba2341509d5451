package decode

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/kfgrab/kfgrab/keyframe"
)

// maxShown bounds the pictures of one Sequence, which are arguments of ffmpeg: a minute
// at 50 pictures per second.
const maxShown = 3000

// Sequence is a row of pictures that decode one after the other, and a choice of them.
type Sequence struct {
	Codec keyframe.Codec
	Info  keyframe.Info // of all of them

	// Data holds one access unit per picture, Annex B, in decoding order, starting with
	// one that a decoder can start from: the output of keyframe.Assembler.EveryPicture
	// without leading pictures, which depend on earlier ones.
	Data [][]byte

	// Show lists the pictures to show, by their places in the order of presentation,
	// from 0 and ascending. A place may be repeated.
	Show []int
}

// DecodeSequence writes the pictures of s that are to be shown to w, one after the
// other: rows of RGB24 or BGR24, according to o.Format, all of the size o.Size(s.Info).
// One process decodes them all. Nothing is written unless it found as many pictures as
// there are in s. Errors are those of Decode.
func (d *Decoder) DecodeSequence(ctx context.Context, w io.Writer, s *Sequence, o Output) error {
	size, err := s.check(o)
	if err != nil {
		return err
	}

	shown := slices.Compact(slices.Clone(s.Show))
	pictures, err := s.decode(ctx, d, shapeOfInfo(s.Codec, s.Info), shown, s.countWritten(shown)*size, o)
	if err != nil {
		return err
	}

	for _, n := range s.Show {
		at := size * slices.Index(shown, n)
		if _, err := w.Write(pictures[at : at+size]); err != nil {
			return err
		}
	}
	return nil
}

// decode returns the pictures, which have size bytes together.
func (s *Sequence) decode(ctx context.Context, d *Decoder, form shape, shown []int, size int, o Output) ([]byte, error) {
	r, err := d.startRun(ctx, s.Codec.String(), s.arguments(form, shown, o), maxPicture)
	if err != nil {
		return nil, err
	}

	data := make([][]byte, len(s.Data))
	for n, unit := range s.Data {
		data[n] = withColours(s.Codec, s.Info, unit)
	}

	pictures, err := r.finish(ctx, d.timeout(len(data)*countPixels(s.Info, o)), data...)
	if r.log.noToneMapping {
		if needsFilters(s.Info) {
			return nil, noFiltersError(s.Info)
		}
		form.colour = conversion{}
		return s.decode(ctx, d, form, shown, size, o)
	}
	return pictures, s.judge(r, len(pictures), size, err)
}

// check returns the size of a picture in bytes.
func (s *Sequence) check(o Output) (size int, err error) {
	if s.Codec != keyframe.H264 && s.Codec != keyframe.H265 {
		return 0, fmt.Errorf("%w: codec %v", keyframe.ErrUnsupported, s.Codec)
	}
	if o.Format != RGB24 && o.Format != BGR24 {
		return 0, fmt.Errorf("%w: a sequence as %v: want rgb24 or bgr24", keyframe.ErrUnsupported, o.Format)
	}
	if err := checkFrame(&keyframe.Frame{Codec: s.Codec, Info: s.Info}, o); err != nil {
		return 0, err
	}
	if n := len(s.Show); n == 0 || n > maxShown || !slices.IsSorted(s.Show) || s.Show[0] < 0 || s.Show[n-1] >= len(s.Data) {
		return 0, fmt.Errorf("%w: pictures %v of a sequence of %d", keyframe.ErrCorrupt, s.Show, len(s.Data))
	}

	w, h := o.Size(s.Info)
	if size = 3 * w * h; size == 0 || size*(len(s.Show)+1) > maxPicture {
		return 0, fmt.Errorf("%w: %d pictures of %dx%d at once", keyframe.ErrUnsupported, len(s.Show), w, h)
	}
	return size, nil
}

// countWritten returns how many pictures ffmpeg has to write: those to be shown, and the
// last one of s, which proves that none is missing.
func (s *Sequence) countWritten(shown []int) int {
	if shown[len(shown)-1] == len(s.Data)-1 {
		return len(shown)
	}
	return len(shown) + 1
}

// arguments makes ffmpeg count pictures as they leave the decoder. Times are of no use:
// a byte stream has none, and ffmpeg makes some up.
func (s *Sequence) arguments(form shape, shown []int, o Output) []string {
	last := len(s.Data) - 1
	// gte: pictures beyond the expected ones are written, too, and noticed.
	choice := []string{fmt.Sprintf("gte(n,%d)", last)}
	for _, n := range shown {
		if n < last {
			choice = append(choice, fmt.Sprintf("eq(n,%d)", n))
		}
	}

	// -strict 1: if an H.264 stream does not signal how far pictures are reordered,
	// ffmpeg would otherwise show each as soon as possible and drop those that are late.
	args := append([]string{"-strict", "1"}, streamArguments(s.Codec)...)
	args = append(args, "-r", "25") // any rate works if settb repeats it

	filters := o.deinterlaceFilter(form) + "select='" + sumExpression(choice) + "',settb=1/25,setpts=N," + o.filters(form)
	return append(args, o.outputArguments(filters)...)
}

// sumExpression adds up terms in ffmpeg's language, which does not take a hundred terms
// in a row.
func sumExpression(terms []string) string {
	if len(terms) == 1 {
		return terms[0]
	}
	half := len(terms) / 2
	return "(" + sumExpression(terms[:half]) + "+" + sumExpression(terms[half:]) + ")"
}

// judge returns nil if the process, which ended with err, made good pictures.
func (s *Sequence) judge(r *run, got, want int, err error) error {
	log := &r.log
	switch {
	case r.killed:
		return err
	case log.damaged, log.complained && s.Codec != keyframe.H264, got == 0 && (log.complained || log.noPicture):
		return &Error{Err: fmt.Errorf("%w: a picture is damaged", keyframe.ErrCorrupt), Stderr: log.text()}
	case err != nil:
		return err
	case got != want:
		return &Error{Err: fmt.Errorf("%w: ffmpeg did not find %d pictures", keyframe.ErrCorrupt, len(s.Data)), Stderr: log.text()}
	}
	return nil
}
