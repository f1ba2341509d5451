package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/atomicfile"
	"github.com/kfgrab/kfgrab/internal/metadata"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/progress"
	"github.com/kfgrab/kfgrab/internal/sheet"
	"github.com/kfgrab/kfgrab/picture"
)

const sheetHelp = `sheet puts many moments of a recording into one picture, JPEG or PNG, and fetches
their keyframes and nothing else of the video, a few at a time.

  kfgrab sheet https://example.com/film/master.m3u8 --count 12 --columns 4 -o film.jpg
  kfgrab sheet https://example.com/film.mp4 --every 10s -o film.jpg --vtt film.vtt

Recordings: HLS, MP4 over HTTP by ranges, and MP4 files. Of live HLS it is what the
playlist lists of the past. --at begins the sheet later, counted from the start of the
recording, or of what the live playlist lists. Times that have the same keyframe share
a tile.

A keyframe that cannot be had leaves an empty tile: the picture is written, one line
on standard error says so, and the exit code is that of the first of them.`

func newSheetCommand(std *streams, source *sourceFlags) *cobra.Command {
	f := &sheetFlags{}
	source.timeout, source.maxBytes = sheetTimeout, sheet.DefaultMaxBytes
	source.useless = []string{"edge", "allow-tiles", "rtsp-transport", "keyframe-timeout", "no-keyframe-request"}
	cmd := &cobra.Command{
		Use:   "sheet URL [-o FILE|-]",
		Short: "Many moments of a recording in one picture, with a WebVTT track",
		Long:  sheetHelp,
		Args:  oneURL,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := source.refuse(cmd.Flags(), "is for one picture, not for a sheet"); err != nil {
				return err
			}
			return f.run(cmd.Context(), std, args[0], source)
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().Var(&source.at, "at", "`time` in the recording at which the sheet begins, such as 90.5 or 00:10:30")
	return cmd
}

// sheetTimeout is what sheet.DefaultMaxBytes take at 4.5 Mbit/s.
const sheetTimeout = 2 * time.Minute

// sheetFlags say what is to be on the sheet.
type sheetFlags struct {
	choice   choiceFlags
	output   string
	vtt      string
	format   string
	count    int
	every    time.Duration
	pixels   pixelFlags
	metadata metadataFlags
	columns  int
	width    int
	quality  int
	parallel int
	ffmpeg   string
	json     bool
}

func (f *sheetFlags) register(flags *pflag.FlagSet) {
	flags.StringVarP(&f.output, "output", "o", "", "`file` to write, - for standard output (default as for a single picture)")
	flags.StringVar(&f.vtt, "vtt", "", "`file` for a WebVTT track, which says for every part of the recording where on the sheet it is")
	f.choice.register(flags)
	flags.StringVar(&f.format, "format", "", "`name` of the format: jpeg or png (default by the file's ending, else jpeg)")
	flags.IntVar(&f.count, "count", 0, fmt.Sprintf("`number` of moments, each from the middle of as many equal parts, at most %d (default %d)", sheet.MaxCount, sheet.DefaultCount))
	flags.DurationVar(&f.every, "every", 0, "`time` from one moment to the next, such as 10s, in place of --count")
	flags.IntVar(&f.columns, "columns", sheet.DefaultColumns, "`number` of moments in a row")
	flags.IntVar(&f.width, "width", sheet.DefaultWidth, "width of each moment's picture in `pixels`; it also chooses the rendition")
	f.pixels.register(flags)
	f.metadata.register(flags)
	flags.IntVar(&f.quality, "quality", 0, "`number` from 1, smallest, to 100, best, for jpeg (default 90)")
	flags.IntVar(&f.parallel, "parallel", kfgrab.DefaultParallel, "`number` of keyframes to fetch at a time")
	flags.StringVar(&f.ffmpeg, "ffmpeg", "", ffmpegHelp)
	flags.BoolVar(&f.json, "json", false, "report on standard error what was found and what it cost")
}

// options turns the flags into the library's.
func (f *sheetFlags) options(std *streams, source *sourceFlags) (*sheet.Options, error) {
	stream, err := source.options(std)
	if err != nil {
		return nil, err
	}
	f.choice.apply(stream)
	switch {
	case f.count < 0, f.every < 0, f.columns < 1, f.width < 1, f.parallel < 1:
		return nil, usageError(errors.New("--count, --every, --columns, --width and --parallel want more than 0"))
	case f.quality < 0 || f.quality > 100:
		return nil, usageError(fmt.Errorf("--quality %d is out of bounds: want 1 to 100", f.quality))
	}
	o := &sheet.Options{
		Count: f.count, Every: f.every, From: time.Duration(source.at), Columns: f.columns, Width: f.width,
		Parallel: f.parallel, Decoder: decode.Decoder{Path: f.ffmpeg},
	}
	stream.At = 0
	o.Stream = *stream
	f.pixels.apply(&o.Output)
	return o, nil
}

func (f *sheetFlags) run(ctx context.Context, std *streams, rawURL string, source *sourceFlags) error {
	o, err := f.options(std, source)
	if err != nil {
		return err
	}
	format, err := chooseFormat(f.format, f.output)
	if err != nil {
		return err
	}
	if format.json || format.Format != picture.JPEG && format.Format != picture.PNG {
		return usageError(fmt.Errorf("a sheet is jpeg or png, not %v", format))
	}
	ctx, cancel := source.context(ctx)
	defer cancel()
	out, err := openOutput(std, f.output, rawURL, format)
	if err != nil {
		return err
	}
	defer out.discard()
	track, err := f.openTrack(out)
	if err != nil {
		return err
	}
	defer track.discard()
	s, err := f.make(ctx, std, rawURL, o, source.verbose)
	if err != nil {
		return err
	}
	if err := errors.Join(f.write(out, s, format.Format), track.write(s)); err != nil {
		return err
	}
	if err := errors.Join(out.commit(), track.commit()); err != nil {
		return err
	}
	return f.tell(std, s, out)
}

// write makes the file of the sheet, which tells where it is from.
func (f *sheetFlags) write(out *output, s *sheet.Sheet, format picture.Format) error {
	var data bytes.Buffer
	if err := s.Encode(&data, decode.Format(format), f.quality); err != nil {
		return err
	}
	o := &picture.Options{Format: format}
	f.metadata.apply(o)
	described, err := o.Describe(data.Bytes(), metadata.Fields{Source: s.URL, Taken: time.Now(), Primaries: s.Primaries})
	if err != nil {
		return err
	}
	_, err = out.Write(described)
	return err
}

// make shows on a terminal how far it is.
func (f *sheetFlags) make(ctx context.Context, std *streams, rawURL string, o *sheet.Options, verbose bool) (*sheet.Sheet, error) {
	if !verbose && isTerminal(std.err) {
		bar := progress.New(std.err)
		defer bar.Close()
		o.Progress = func(done, total int) { bar.Tell(done, total, "keyframes") }
	}
	return sheet.Make(ctx, rawURL, o)
}

// track is the WebVTT file beside a sheet; nil is none.
type track struct {
	*atomicfile.File
	image string // path of the sheet as seen from the file
}

// openTrack begins the file before the network is touched.
func (f *sheetFlags) openTrack(out *output) (*track, error) {
	if f.vtt == "" {
		return nil, nil
	}
	if out.path == "" {
		return nil, usageError(errors.New("--vtt names the sheet's file: say which with -o"))
	}
	image, err := filepath.Abs(out.path)
	if err != nil {
		return nil, err
	}
	beside, err := filepath.Abs(filepath.Dir(f.vtt))
	if err != nil {
		return nil, err
	}
	if image, err = filepath.Rel(beside, image); err != nil {
		return nil, usageError(fmt.Errorf("--vtt: %w", err))
	}
	file, err := atomicfile.Create(f.vtt)
	if err != nil {
		return nil, err
	}
	return &track{file, image}, nil
}

func (t *track) write(s *sheet.Sheet) error {
	if t == nil {
		return nil
	}
	return s.WriteVTT(t, t.image)
}

func (t *track) commit() error {
	if t == nil {
		return nil
	}
	return t.Commit()
}

func (t *track) discard() {
	if t != nil {
		t.Discard()
	}
}

// tell prints the file's path and the report, and returns what is missing.
func (f *sheetFlags) tell(std *streams, s *sheet.Sheet, out *output) error {
	out.tell(std.out)
	if f.json {
		if err := writeJSON(std.err, newSheetReport(s, out.path, f.vtt), ""); err != nil {
			return err
		}
	}
	return s.Missing()
}

// sheetReport is what --json prints. Times are in seconds from the start of the
// recording or the live window.
type sheetReport struct {
	URL      string       `json:"url"`
	Duration float64      `json:"duration"`
	Live     bool         `json:"live"`
	Width    int          `json:"width"`
	Height   int          `json:"height"`
	Tiles    []tileReport `json:"tiles"`
	Missing  int          `json:"missing"`
	Down     int64        `json:"bytes_down"`
	Up       int64        `json:"bytes_up"`
	Requests int          `json:"requests"`
	Elapsed  float64      `json:"elapsed"`
	File     string       `json:"file,omitempty"`
	VTT      string       `json:"vtt,omitempty"`
}

type tileReport struct {
	From  float64  `json:"from"`
	To    float64  `json:"to"`
	At    *float64 `json:"keyframe_time,omitempty"`
	X     int      `json:"x"`
	Y     int      `json:"y"`
	Error string   `json:"error,omitempty"`
}

func newSheetReport(s *sheet.Sheet, file, vtt string) *sheetReport {
	size := s.Image.Bounds().Size()
	r := &sheetReport{
		URL: s.URL, Duration: seconds(s.Duration), Live: s.Live, Width: size.X, Height: size.Y,
		Down: s.Cost.Down, Up: s.Cost.Up, Requests: s.Cost.Requests, Elapsed: seconds(s.Cost.Elapsed),
		File: file, VTT: vtt,
	}
	for _, t := range s.Tiles {
		tile := tileReport{From: seconds(t.From), To: seconds(t.To), X: t.Rect.Min.X, Y: t.Rect.Min.Y}
		if t.Err != nil {
			tile.Error = neterror.OneLine(t.Err.Error())
			r.Missing++
		} else {
			tile.At = new(seconds(t.At))
		}
		r.Tiles = append(r.Tiles, tile)
	}
	return r
}
