package main

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
)

// pictureFlags choose the picture to make of a stream.
type pictureFlags struct {
	rendition renditionFlags
	output    string
	format    string
	size      sizeFlags
	fit       decode.Fit
	quality   int
	pixels    pixelFlags
	metadata  metadataFlags
	overlay   bool
	tries     int
	json      bool
	show      bool

	given *pflag.FlagSet // that these flags were added to
}

func (f *pictureFlags) addPictureFlags(flags *pflag.FlagSet) {
	flags.StringVarP(&f.output, "output", "o", "", "`file` write to this file, or - for standard output (default standard output; on a terminal, a file named after the stream and the time)")
	f.rendition.addRenditionFlags(flags)
	flags.StringVar(&f.format, "format", "", "`name` file format: "+formatList+" (default by the file's extension, else jpeg)")
	f.size.addSizeFlags(flags)
	flags.TextVar(&f.fit, "fit", f.fit, "`how` fit a picture of another shape into --width by --height: fill (stretch), cover (crop the sides) or contain (add black bars)")
	flags.IntVar(&f.quality, "quality", 0, "`number` quality of jpeg and webp, from 1 (smallest) to 100 (best) (default 90)")
	f.pixels.addPixelFlags(flags)
	f.metadata.addMetadataFlags(flags)
	flags.BoolVar(&f.overlay, "overlay", false, "draw the stream's name, the time and the picture's age into the lower left corner")
	addSkipBlackFlag(flags, &f.tries)
	flags.BoolVar(&f.json, "json", false, "report on standard error what was found, what it cost and what was written")
	flags.BoolVar(&f.show, "show", false, "also draw the picture in the terminal")
	f.given = flags
}

// pictureOptions returns the options for package picture.
func (f *pictureFlags) pictureOptions(rawURL string, format picture.Format) *picture.Options {
	o := &picture.Options{
		Format: format, Output: decode.Output{Width: f.size.width, Height: f.size.height, Fit: f.fit, Quality: f.quality},
		Overlay: f.overlay, Name: picture.StreamName(rawURL), Tries: f.tries,
	}
	f.pixels.applyPixels(&o.Output)
	f.metadata.applyMetadata(o)
	return o
}

// checkPictureFlags returns an error for flags that contradict each other.
func (f *pictureFlags) checkPictureFlags(std *streams, rawURL string, format format) error {
	if f.show && !isTerminal(std.out) {
		return usageError(errors.New("--show needs standard output to be a terminal; write the picture with -o"))
	}
	if err := checkFormatFlags(f.given, format, f.show); err != nil {
		return err
	}
	return checkSizeFlags(f.given, format, f.show, rawURL)
}

// grabPicture takes one picture of a stream and writes it.
func grabPicture(ctx context.Context, std *streams, rawURL string, source *sourceFlags, flags *pictureFlags) error {
	opts, err := source.streamOptions(std)
	if err != nil {
		return err
	}
	format, err := chooseFormat(flags.format, flags.output)
	if err != nil {
		return err
	}
	if err := flags.checkPictureFlags(std, rawURL, format); err != nil {
		return err
	}

	ctx, cancel := source.withTimeout(ctx)
	defer cancel()
	m, err := newMaker(ctx, rawURL, flags, format)
	if err != nil {
		return err
	}
	defer m.cancelJob()
	m.logDecoder(opts.Logger)
	opts.Width, opts.Height = m.options.Output.Needed()
	opts.OnCodec = m.startDecoder
	flags.rendition.applyRendition(opts)
	if opts.Codec, err = flags.namedCodec(format); err != nil {
		return err
	}

	stdin, err := openStdin(rawURL, std.in)
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
		return flags.explainCodec(err)
	}

	if err := writePicture(out, format, taken); err != nil {
		return err
	}
	if err := out.commit(); err != nil {
		return err
	}

	return reportPicture(ctx, std, flags, m, out, taken)
}

func writePicture(out *output, format format, taken *picture.Taken) error {
	if format.json {
		return writeJSON(out, newTakenReport(taken), "")
	}
	_, err := out.Write(taken.Data)
	return err
}

// reportPicture prints the file's path, the report of --json and the picture of --show.
func reportPicture(ctx context.Context, std *streams, flags *pictureFlags, m *maker, out *output, taken *picture.Taken) error {
	out.printPath(std.out)

	if flags.json {
		r := newTakenReport(taken)
		r.Output = newOutputReport(m.format, m.options.Output, taken.Frame.Info, out)
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
		return showPicture(ctx, std.out, &m.decoder, taken.Frame, m.options.Output)
	}

	return nil
}

// maker is the decoder of one picture. It starts ffmpeg as soon as the codec is known,
// while the keyframe is still being fetched.
type maker struct {
	ctx     context.Context // of the one grab
	format  format
	options *picture.Options
	decoder decode.Decoder
	job     *decode.Job
}

// newMaker checks that ffmpeg can do what is needed before the stream is opened.
func newMaker(ctx context.Context, rawURL string, flags *pictureFlags, f format) (*maker, error) {
	m := &maker{
		ctx: ctx, format: f, options: flags.pictureOptions(rawURL, f.Format),
		decoder: decode.Decoder{Path: flags.pixels.ffmpeg},
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

// logDecoder explains which decoder is used, and what a cheaper one would save.
func (m *maker) logDecoder(log *slog.Logger) {
	path, err := m.decoder.Find()
	if log == nil || err != nil || !m.format.Decoded() {
		return
	}
	args := []any{"path", path}
	if !isSmallDecoder(path) {
		args = append(args, "hint", smallDecoderHint)
	}
	log.DebugContext(m.ctx, "decoder", args...)
}

// startDecoder is for Options.OnCodec. If ffmpeg does not start, Decode returns the
// error.
func (m *maker) startDecoder(c keyframe.Codec) {
	if m.format.Decoded() && m.job == nil {
		m.job, _ = m.decoder.Start(m.ctx, c, m.options.Decoded())
	}
}

// Decode uses the process that is already running if it was started for o.
func (m *maker) Decode(ctx context.Context, w io.Writer, f *keyframe.Frame, o decode.Output) error {
	if job := m.job; job != nil && o == m.options.Decoded() {
		m.job = nil
		return job.Decode(ctx, w, f)
	}
	return m.decoder.Decode(ctx, w, f, o)
}

func (m *maker) cancelJob() {
	if m.job != nil {
		m.job.Cancel()
	}
}
