package main

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/keyframe"
)

// pictureFlags say what to make of the keyframe.
type pictureFlags struct {
	choice        choiceFlags
	output        string
	format        string
	width, height int
	quality       int
	pixels        pixelFlags
	metadata      metadataFlags
	overlay       bool
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
	flags.IntVar(&f.quality, "quality", 0, "`number` from 1, smallest, to 100, best, for jpeg and webp (default 90)")
	f.pixels.register(flags)
	f.metadata.register(flags)
	flags.BoolVar(&f.overlay, "overlay", false, "write the stream's name, the time and the picture's age into its lower left corner")
	flags.StringVar(&f.ffmpeg, "ffmpeg", "", ffmpegHelp)
	flags.BoolVar(&f.json, "json", false, "report on standard error what was found and what it cost")
	flags.BoolVar(&f.show, "show", false, "draw the picture in the terminal as well")
}

// grab takes the picture and writes it.
func grab(ctx context.Context, std *streams, rawURL string, source *sourceFlags, picture *pictureFlags) error {
	opts, err := source.options(std)
	if err != nil {
		return err
	}
	format, err := chooseFormat(picture.format, picture.output)
	if err != nil {
		return err
	}
	if picture.choice.allowTiles && format.accessUnit() {
		return usageError(fmt.Errorf("--format %s holds a keyframe, which a tile is not: leave out --allow-tiles or choose another format", format.name))
	}
	if picture.show && !isTerminal(std.out) {
		return usageError(fmt.Errorf("--show needs standard output to be a terminal; write the picture with -o"))
	}
	ctx, cancel := source.context(ctx)
	defer cancel()
	dec, err := newDecoding(ctx, rawURL, picture, format)
	if err != nil {
		return err
	}
	defer dec.close()
	opts.Width, opts.Height, opts.OnCodec = picture.width, picture.height, dec.begin
	picture.choice.apply(opts)

	stdin, err := readableStdin(rawURL, std.in)
	if err != nil {
		return err
	}
	defer stdin.Close()
	opts.Stdin = stdin

	out, err := openOutput(std, picture.output, rawURL, format)
	if err != nil {
		return err
	}
	defer out.discard()
	snap, err := kfgrab.Grab(ctx, rawURL, opts)
	if err != nil {
		return err
	}
	if err := dec.write(ctx, out, snap); err != nil {
		if out.err != nil {
			return out.err // not the stream's fault
		}
		return fmt.Errorf("%s: %w", snap.URL, err)
	}
	if err := out.commit(); err != nil {
		return err
	}
	return tell(ctx, std, picture, dec, out, snap)
}

// tell prints the file's path, the report and the picture, as far as asked for.
func tell(ctx context.Context, std *streams, picture *pictureFlags, dec *decoding, out *output, snap *kfgrab.Snapshot) error {
	out.tell(std.out)
	if picture.json {
		r := newReport(snap)
		r.Format, r.File = dec.format.name, out.path
		if dec.format.decoded && snap.Frame.Info.HDR() {
			mapped, err := dec.decoder.ToneMaps(ctx)
			if err != nil {
				return err
			}
			r.ToneMapped = &mapped
		}
		if err := writeJSON(std.err, r, ""); err != nil {
			return err
		}
	}
	if picture.show {
		return show(ctx, std.out, &dec.decoder, snap.Frame)
	}
	return nil
}

// decoding makes the output of a frame, with a decoder that is started as soon as
// the codec is known.
type decoding struct {
	ctx      context.Context // of the one grab that this serves
	format   format
	decoder  decode.Decoder
	output   decode.Output
	metadata metadataFlags
	overlay  *caption // nil: none
	job      *decode.Job
}

// newDecoding checks that what is needed is there, before the stream is touched.
func newDecoding(ctx context.Context, rawURL string, p *pictureFlags, f format) (*decoding, error) {
	output := decode.Output{Format: f.picture, Width: p.width, Height: p.height, Quality: p.quality}
	p.pixels.apply(&output)
	if err := output.Validate(); err != nil {
		return nil, usageError(err)
	}
	d := &decoding{ctx: ctx, format: f, decoder: decode.Decoder{Path: p.ffmpeg}, output: output, metadata: p.metadata}
	if p.overlay {
		if !f.decoded || f.picture != decode.JPEG && f.picture != decode.PNG {
			return nil, usageError(fmt.Errorf("--overlay is for jpeg and png, not for %s", f.name))
		}
		d.overlay = &caption{name: streamName(rawURL), format: f.picture, timeless: p.metadata.deterministic, quality: p.quality}
		d.output.Format = decode.RGB24
	}
	if f.decoded || p.show {
		if err := d.decoder.Check(ctx, d.output); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// begin starts the decoder while the keyframe is still on its way. Where it fails
// to start, write tells.
func (d *decoding) begin(c keyframe.Codec) {
	if d.format.decoded && d.job == nil {
		d.job, _ = d.decoder.Start(d.ctx, c, d.output)
	}
}

func (d *decoding) write(ctx context.Context, out *output, snap *kfgrab.Snapshot) error {
	switch {
	case d.format.decoded:
		return d.writePicture(ctx, out, snap)
	case d.format == formatMP4:
		data, err := fmp4.Mux(snap.Frame)
		if err == nil {
			_, err = out.Write(data)
		}
		return err
	case d.format == formatJSON:
		return writeJSON(out, newReport(snap), "")
	}
	_, err := out.Write(snap.Frame.Data)
	return err
}

func (d *decoding) close() {
	if d.job != nil {
		d.job.Cancel()
	}
}
