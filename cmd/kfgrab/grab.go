package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
)

// pictureFlags say what to make of the keyframe.
type pictureFlags struct {
	choice        choiceFlags
	output        string
	format        string
	width, height int
	fit           fit
	quality       int
	pixels        pixelFlags
	metadata      metadataFlags
	overlay       bool
	tries         tries
	ffmpeg        string
	json          bool
	show          bool
}

const ffmpegHelp = "`path` of the ffmpeg to decode with (default kfgrab-ffmpeg beside kfgrab, else $KFGRAB_FFMPEG, else the one in PATH)"

func (f *pictureFlags) register(flags *pflag.FlagSet) {
	flags.StringVarP(&f.output, "output", "o", "", "`file` to write, - for standard output (default standard output, or where that is a terminal a file named after the stream and the time)")
	f.choice.register(flags)
	flags.StringVar(&f.format, "format", "", "`name` of the format: "+formatList+" (default by the file's ending, else jpeg)")
	flags.IntVar(&f.width, "width", 0, "width of the picture in `pixels`; without --height it keeps its shape")
	flags.IntVar(&f.height, "height", 0, "height of the picture in `pixels`; without --width it keeps its shape")
	flags.Var(&f.fit, "fit", "`how` a picture of another shape becomes --width by --height: fill (stretched), cover (cut at the sides) or contain (between black bars)")
	flags.IntVar(&f.quality, "quality", 0, "`number` from 1, smallest, to 100, best, for jpeg and webp (default 90)")
	f.pixels.register(flags)
	f.metadata.register(flags)
	flags.BoolVar(&f.overlay, "overlay", false, "write the stream's name, the time and the picture's age into its lower left corner")
	f.tries.register(flags)
	flags.StringVar(&f.ffmpeg, "ffmpeg", "", ffmpegHelp)
	flags.BoolVar(&f.json, "json", false, "report on standard error what was found and what it cost")
	flags.BoolVar(&f.show, "show", false, "draw the picture in the terminal as well")
}

// options turns the flags into those of package picture.
func (f *pictureFlags) options(rawURL string, format picture.Format) *picture.Options {
	o := &picture.Options{
		Format: format, Output: decode.Output{Width: f.width, Height: f.height, Fit: decode.Fit(f.fit), Quality: f.quality},
		Overlay: f.overlay, Name: picture.StreamName(rawURL), Tries: int(f.tries),
	}
	f.pixels.apply(&o.Output)
	f.metadata.apply(o)
	return o
}

// check says what of the flags does not go together.
func (f *pictureFlags) check(std *streams, format format) error {
	switch {
	case f.choice.allowTiles && format.accessUnit():
		return usageError(fmt.Errorf("--format %v holds a keyframe, which a tile is not: leave out --allow-tiles or choose another format", format))
	case f.overlay && format.json:
		return usageError(fmt.Errorf("an overlay is for jpeg and png, not for json"))
	case f.show && !isTerminal(std.out):
		return usageError(fmt.Errorf("--show needs standard output to be a terminal; write the picture with -o"))
	}
	return nil
}

// grab takes the picture and writes it.
func grab(ctx context.Context, std *streams, rawURL string, source *sourceFlags, flags *pictureFlags) error {
	opts, err := source.options(std)
	if err != nil {
		return err
	}
	format, err := chooseFormat(flags.format, flags.output)
	if err != nil {
		return err
	}
	if err := flags.check(std, format); err != nil {
		return err
	}
	ctx, cancel := source.context(ctx)
	defer cancel()
	m, err := newMaker(ctx, rawURL, flags, format)
	if err != nil {
		return err
	}
	defer m.close()
	opts.Width, opts.Height = m.options.Output.Needed()
	opts.OnCodec = m.begin
	flags.choice.apply(opts)

	stdin, err := readableStdin(rawURL, std.in)
	if err != nil {
		return err
	}
	defer stdin.Close()
	opts.Stdin = stdin

	out, err := openOutput(std, flags.output, rawURL, format)
	if err != nil {
		return err
	}
	defer out.discard()
	stream, err := kfgrab.Open(rawURL, opts)
	if err != nil {
		return err
	}
	defer stream.Close()
	taken, err := picture.Take(ctx, m, stream, m.options)
	if err != nil {
		return err
	}
	if err := write(out, format, taken); err != nil {
		return err
	}
	if err := out.commit(); err != nil {
		return err
	}
	return tell(ctx, std, flags, m, out, taken)
}

func write(out *output, format format, taken *picture.Taken) error {
	if format.json {
		return writeJSON(out, newTakenReport(taken), "")
	}
	_, err := out.Write(taken.Data)
	return err
}

// tell prints the file's path, the report and the picture, as far as asked for.
func tell(ctx context.Context, std *streams, flags *pictureFlags, m *maker, out *output, taken *picture.Taken) error {
	out.tell(std.out)
	if flags.json {
		r := newTakenReport(taken)
		r.Format, r.File = m.format.String(), out.path
		if m.format.Decoded() && taken.Frame.Info.HDR() {
			mapped, err := m.decoder.ToneMaps(ctx)
			if err != nil {
				return err
			}
			r.ToneMapped = &mapped
		}
		if err := writeJSON(std.err, r, ""); err != nil {
			return err
		}
	}
	if flags.show {
		return show(ctx, std.out, &m.decoder, taken.Frame, m.options.Output)
	}
	return nil
}

// maker makes what is written of a snapshot, with a decoder that is started as soon as
// the codec is known.
type maker struct {
	ctx     context.Context // of the one grab that this serves
	format  format
	options *picture.Options
	decoder decode.Decoder
	job     *decode.Job
}

// newMaker checks that what is needed is there, before the stream is touched.
func newMaker(ctx context.Context, rawURL string, flags *pictureFlags, f format) (*maker, error) {
	m := &maker{
		ctx: ctx, format: f, options: flags.options(rawURL, f.Format),
		decoder: decode.Decoder{Path: flags.ffmpeg},
	}
	if err := m.options.Validate(); err != nil {
		return nil, usageError(err)
	}
	switch {
	case f.Decoded():
		return m, m.decoder.Check(ctx, m.options.Decoded())
	case flags.show:
		return m, m.decoder.Check(ctx, decode.Output{Format: shown})
	case flags.tries > 0:
		return m, m.decoder.Check(ctx, decode.Output{Format: decode.RGB24})
	}
	return m, nil
}

// begin starts the decoder while the keyframe is still on its way. Where it fails
// to start, write tells.
func (m *maker) begin(c keyframe.Codec) {
	if m.format.Decoded() && m.job == nil {
		m.job, _ = m.decoder.Start(m.ctx, c, m.options.Decoded())
	}
}

// Decode takes the decoder that was started, where there is one for o.
func (m *maker) Decode(ctx context.Context, w io.Writer, f *keyframe.Frame, o decode.Output) error {
	if job := m.job; job != nil && o == m.options.Decoded() {
		m.job = nil
		return job.Decode(ctx, w, f)
	}
	return m.decoder.Decode(ctx, w, f, o)
}

func (m *maker) close() {
	if m.job != nil {
		m.job.Cancel()
	}
}
