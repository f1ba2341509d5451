package decode

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/kfgrab/kfgrab/keyframe"
)

// maxShown bounds the pictures of one Sequence, which are arguments of ffmpeg's: a
// minute of 50 pictures a second.
const maxShown = 3000

// Sequence is a row of pictures that decode one behind the other, and a choice of
// them.
type Sequence struct {
	Codec keyframe.Codec
	Info  keyframe.Info // of all of them

	// Data is an access unit each, Annex B, in decoding order from one that a decoder
	// can start from: what keyframe.Assembler.EveryPicture gives. Leading pictures,
	// which depend on what was before, are not in it.
	Data [][]byte

	// Show tells which are wanted, by their places in the order of presentation,
	// from 0 and ascending. A place may be there again.
	Show []int
}

// DecodeSequence writes the pictures of s that are to be shown to w, one behind the
// other: rows of RGB24 or BGR24, o.Format, all of the size o.Size(s.Info). One
// process decodes them all; nothing is written unless it has found as many pictures
// as there are in s. Errors are those of Decode.
func (d *Decoder) DecodeSequence(ctx context.Context, w io.Writer, s *Sequence, o Output) error {
	size, err := s.check(o)
	if err != nil {
		return err
	}
	shown := slices.Compact(slices.Clone(s.Show))
	pictures, err := s.decode(ctx, d, shapeOfInfo(s.Codec, s.Info), shown, s.wanted(shown)*size, o)
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

// decode returns the pictures, size bytes.
func (s *Sequence) decode(ctx context.Context, d *Decoder, form shape, shown []int, size int, o Output) ([]byte, error) {
	p, err := d.start(ctx, s.Codec.String(), s.arguments(form, shown, o))
	if err != nil {
		return nil, err
	}
	data := make([][]byte, len(s.Data))
	for n, unit := range s.Data {
		data[n] = coloured(s.Codec, s.Info, unit)
	}
	pictures, err := p.finish(ctx, d.timeout(len(data)*pixelsOf(s.Info, o)), data...)
	if p.log.noToneMapping {
		form.sdr = fits
		return s.decode(ctx, d, form, shown, size, o)
	}
	return pictures, s.judge(p, len(pictures), size, err)
}

// check returns how many bytes a picture has.
func (s *Sequence) check(o Output) (size int, err error) {
	if s.Codec != keyframe.H264 && s.Codec != keyframe.H265 {
		return 0, fmt.Errorf("%w: codec %v", keyframe.ErrUnsupported, s.Codec)
	}
	if o.Format != RGB24 && o.Format != BGR24 {
		return 0, fmt.Errorf("%w: several pictures as %v: want rgb24 or bgr24", keyframe.ErrUnsupported, o.Format)
	}
	if err := check(&keyframe.Frame{Codec: s.Codec, Info: s.Info}, o); err != nil {
		return 0, err
	}
	if n := len(s.Show); n == 0 || n > maxShown || !slices.IsSorted(s.Show) || s.Show[0] < 0 || s.Show[n-1] >= len(s.Data) {
		return 0, fmt.Errorf("%w: pictures %v of %d", keyframe.ErrCorrupt, s.Show, len(s.Data))
	}
	w, h := o.Size(s.Info)
	if size = 3 * w * h; size == 0 || size*(len(s.Show)+1) > maxPicture {
		return 0, fmt.Errorf("%w: %d pictures of %dx%d at once", keyframe.ErrUnsupported, len(s.Show), w, h)
	}
	return size, nil
}

// wanted is how many pictures ffmpeg is to write: those to be shown, and the last of
// all, which tells that none was left out.
func (s *Sequence) wanted(shown []int) int {
	if shown[len(shown)-1] == len(s.Data)-1 {
		return len(shown)
	}
	return len(shown) + 1
}

// arguments has ffmpeg count pictures as they leave the decoder. Times are of no
// use: a byte stream has none, and ffmpeg makes some up.
func (s *Sequence) arguments(form shape, shown []int, o Output) []string {
	last := len(s.Data) - 1
	// More than there should be would be written, too.
	choice := []string{fmt.Sprintf("gte(n,%d)", last)}
	for _, n := range shown {
		if n < last {
			choice = append(choice, fmt.Sprintf("eq(n,%d)", n))
		}
	}
	// -strict 1: without a word in the stream of how far pictures are out of order,
	// H.264 is shown as soon as may be, and what turns out to be late is dropped.
	args := append([]string{"-strict", "1"}, decoder(s.Codec)...)
	args = append(args, "-r", "25") // any will do, it is that of settb
	return append(args, o.ending(o.deinterlace(form)+"select='"+sum(choice)+"',settb=1/25,setpts=N,"+o.filters(form))...)
}

// sum adds terms up in ffmpeg's language, in which a hundred cannot stand in a row.
func sum(terms []string) string {
	if len(terms) == 1 {
		return terms[0]
	}
	half := len(terms) / 2
	return "(" + sum(terms[:half]) + "+" + sum(terms[half:]) + ")"
}

// judge says whether the process, which ended with err, made good pictures.
func (s *Sequence) judge(p *process, got, want int, err error) error {
	log := &p.log
	switch {
	case p.killed:
		return err
	case log.damaged, log.complained && s.Codec != keyframe.H264, got == 0 && (log.complained || log.nothing):
		return &Error{Err: fmt.Errorf("%w: a picture is damaged", keyframe.ErrCorrupt), Stderr: log.text()}
	case err != nil:
		return err
	case got != want:
		return &Error{Err: fmt.Errorf("%w: ffmpeg found other than %d pictures", keyframe.ErrCorrupt, len(s.Data)), Stderr: log.text()}
	}
	return nil
}
