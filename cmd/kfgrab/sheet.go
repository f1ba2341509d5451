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
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/progress"
	"github.com/kfgrab/kfgrab/internal/sheet"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/picture"
)

const sheetHelp = `sheet puts many moments of a recording into one JPEG or PNG. It fetches only their keyframes, a
few at a time.

  kfgrab sheet https://example.com/film/master.m3u8 --count 12 --columns 4 -o film.jpg
  kfgrab sheet https://example.com/film.mp4 --every 10s -o film.jpg --vtt film.vtt

Recordings are HLS, MP4 over HTTP with byte ranges, and MP4 files. For live HLS, the recording
is what the playlist still lists. --at starts the sheet later, counted from the start of the
recording. Times with the same keyframe share a tile. Each tile carries its time, unless
--no-times is given.

If the keyframes would cost more than --max-bytes, the sheet has fewer tiles: the first
keyframe of each segment, or less. One line on standard error says so.

A keyframe that cannot be fetched leaves an empty tile. The picture is still written, one line
on standard error names what is missing, and the exit code is that of the first failure.`

func newSheetCommand(std *streams, source *sourceFlags) *cobra.Command {
	f := &sheetFlags{}
	source.timeout, source.maxBytes = sheetTimeout, sheet.DefaultMaxBytes
	source.refused = []string{"edge", "allow-tiles", "rtsp-transport", "keyframe-timeout", "no-keyframe-request"}
	cmd := &cobra.Command{
		Use:   "sheet URL [FILE|-]",
		Short: "Many moments of a recording in one picture, with a WebVTT track",
		Long:  sheetHelp,
		Args:  urlAndFile(&f.output),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := source.refuseFlags(cmd.Flags(), "is for one picture, not for a sheet"); err != nil {
				return err
			}
			if err := f.refuseZeros(cmd.Flags()); err != nil {
				return err
			}
			rawURL, err := source.resolveAddress(args[0])
			if err != nil {
				return err
			}
			return f.runSheet(cmd.Context(), std, rawURL, source)
		},
	}
	source.addAddressFlags(cmd.Flags())
	f.addSheetFlags(cmd.Flags())
	cmd.Flags().Func("at", "`time` in the recording at which the sheet begins, such as 90.5 or 00:10:30", parseInto(&source.at, units.ParseTime))
	return cmd
}

// sheetTimeout is how long sheet.DefaultMaxBytes take at 4.5 Mbit/s.
const sheetTimeout = 2 * time.Minute

// sheetFlags choose the moments and the size of a sheet.
type sheetFlags struct {
	rendition renditionFlags
	output    string
	vtt       string
	format    string
	count     int
	every     time.Duration
	pixels    pixelFlags
	metadata  metadataFlags
	columns   int
	width     int
	quality   int
	tries     int
	noTimes   bool
	parallel  int
	json      bool
}

func (f *sheetFlags) addSheetFlags(flags *pflag.FlagSet) {
	flags.StringVarP(&f.output, "output", "o", "", "`file` write to this file, or - for standard output (default as for a single picture)")
	flags.StringVar(&f.vtt, "vtt", "", "`file` also write a WebVTT track that maps times to tiles of the sheet, or - for standard output")
	f.rendition.addRenditionFlags(flags)
	flags.StringVar(&f.format, "format", "", "`name` file format: jpeg or png (default by the file's extension, else jpeg)")
	flags.IntVar(&f.count, "count", 0, fmt.Sprintf("`number` show this many moments, from the middles of as many equal parts, at most %d (default %d)", sheet.MaxCount, sheet.DefaultCount))
	addTimeFlag(flags, &f.every, "every", 0, "`time` show a moment this often, such as 10s, instead of --count")
	flags.IntVar(&f.columns, "columns", sheet.DefaultColumns, "`number` put this many moments into a row")
	flags.IntVar(&f.width, "width", sheet.DefaultWidth, "`pixels` width of each tile; it also chooses the rendition")
	flags.BoolVar(&f.noTimes, "no-times", false, "draw no times into the tiles")
	addSkipBlackFlag(flags, &f.tries)
	f.pixels.addPixelFlags(flags)
	f.metadata.addMetadataFlags(flags)
	flags.IntVar(&f.quality, "quality", 0, "`number` quality of jpeg, from 1 (smallest) to 100 (best) (default 90)")
	flags.IntVar(&f.parallel, "parallel", kfgrab.DefaultParallel, "`number` fetch this many keyframes at a time")
	flags.BoolVar(&f.json, "json", false, "report on standard error what was found and what it cost")
}

// refuseZeros returns an error if a flag whose default is 0 was set to 0.
func (f *sheetFlags) refuseZeros(flags *pflag.FlagSet) error {
	for name, zero := range map[string]bool{"count": f.count == 0, "every": f.every == 0, "quality": f.quality == 0} {
		if zero && flags.Changed(name) {
			return usageError(fmt.Errorf("--%s must be positive", name))
		}
	}
	return nil
}

// sheetOptions returns the options for sheet.Make.
func (f *sheetFlags) sheetOptions(std *streams, source *sourceFlags) (*sheet.Options, error) {
	stream, err := source.streamOptions(std)
	if err != nil {
		return nil, err
	}
	f.rendition.applyRendition(stream)

	switch {
	case f.count < 0, f.every < 0, f.columns < 1, f.width < 1, f.parallel < 1:
		return nil, usageError(errors.New("--count, --every, --columns, --width and --parallel must be positive"))
	case f.quality < 0 || f.quality > 100:
		return nil, usageError(errors.New("--quality must be from 1 to 100"))
	}

	o := &sheet.Options{
		Count: f.count, Every: f.every, From: source.at, Columns: f.columns, Width: f.width,
		Tries: f.tries, Times: !f.noTimes, Parallel: f.parallel, Decoder: decode.Decoder{Path: f.pixels.ffmpeg},
	}
	stream.At = 0
	o.Stream = *stream
	f.pixels.applyPixels(&o.Output)
	return o, nil
}

func (f *sheetFlags) runSheet(ctx context.Context, std *streams, rawURL string, source *sourceFlags) error {
	o, err := f.sheetOptions(std, source)
	if err != nil {
		return err
	}
	format, err := chooseFormat(f.format, f.output)
	if err != nil {
		return err
	}
	if format.json || (format.Format != picture.JPEG && format.Format != picture.PNG) {
		return usageError(fmt.Errorf("a sheet is jpeg or png, not %v", format))
	}

	ctx, cancel := source.withTimeout(ctx)
	defer cancel()
	out, err := openOutput(std, f.output, rawURL, format)
	if err != nil {
		return err
	}
	defer out.discard()
	track, err := f.openTrack(std, out)
	if err != nil {
		return err
	}
	defer track.discard()

	s, err := f.makeSheet(ctx, std, rawURL, o, source.verbose || source.quiet)
	if err != nil {
		return err
	}
	if err := errors.Join(f.writeSheet(out, s, format.Format), track.writeTrack(s)); err != nil {
		return err
	}
	if err := errors.Join(out.commit(), track.commit()); err != nil {
		return err
	}

	return f.reportSheet(std, s, out)
}

// writeSheet encodes the sheet and adds its metadata.
func (f *sheetFlags) writeSheet(out *output, s *sheet.Sheet, format picture.Format) error {
	var data bytes.Buffer
	if err := s.Encode(&data, decode.Format(format), f.quality); err != nil {
		return err
	}
	o := &picture.Options{Format: format}
	f.metadata.applyMetadata(o)
	described, err := o.Describe(data.Bytes(), &kfgrab.Snapshot{URL: s.URL, Taken: time.Now()}, s.Primaries)
	if err != nil {
		return err
	}
	_, err = out.Write(described)
	return err
}

// makeSheet shows its progress on a terminal.
func (f *sheetFlags) makeSheet(ctx context.Context, std *streams, rawURL string, o *sheet.Options, silent bool) (*sheet.Sheet, error) {
	if !silent && isTerminal(std.err) {
		bar := progress.New(std.err)
		defer bar.Close()
		o.Progress = func(done, total int) { bar.Update(done, total, "keyframes") }
	}
	return sheet.Make(ctx, rawURL, o)
}

// track is the WebVTT file of a sheet; nil if there is none.
type track struct {
	*output
	image string // path of the sheet, relative to the track
}

// openTrack creates the file before the network is used.
func (f *sheetFlags) openTrack(std *streams, out *output) (*track, error) {
	if f.vtt == "" {
		return nil, nil
	}
	if out.path == "" {
		return nil, usageError(errors.New("--vtt refers to the sheet's file: name it with -o"))
	}
	image, err := filepath.Abs(out.path)
	if err != nil {
		return nil, err
	}
	folder := filepath.Dir(f.vtt)
	if f.vtt == "-" {
		folder, out.named = ".", false // the track names the sheet
	}
	beside, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	if image, err = filepath.Rel(beside, image); err != nil {
		return nil, usageError(fmt.Errorf("--vtt: %w", err))
	}
	file, err := openOutput(std, f.vtt, "", format{})
	if err != nil {
		return nil, err
	}

	return &track{file, image}, nil
}

func (t *track) writeTrack(s *sheet.Sheet) error {
	if t == nil {
		return nil
	}
	return s.WriteVTT(t, t.image)
}

func (t *track) commit() error {
	if t == nil {
		return nil
	}
	return t.output.commit()
}

func (t *track) discard() {
	if t != nil {
		t.output.discard()
	}
}

// reportSheet prints the file's path and the report, and returns what is missing.
func (f *sheetFlags) reportSheet(std *streams, s *sheet.Sheet, out *output) error {
	out.printPath(std.out)
	if s.Thinned && !f.json {
		fmt.Fprintf(std.err, "kfgrab: %d tiles are what the byte budget allows (--max-bytes raises it)\n", len(s.Tiles))
	}
	if f.json {
		if err := writeJSON(std.err, newSheetReport(s, out.path, f.vtt), ""); err != nil {
			return err
		}
	}
	return s.Missing()
}

// sheetReport is what --json prints. Times are in seconds from the start of the recording
// or the live window.
type sheetReport struct {
	URL      string       `json:"url"`
	Duration float64      `json:"duration"`
	Live     bool         `json:"live"`
	Width    int          `json:"width"`
	Height   int          `json:"height"`
	Tiles    []tileReport `json:"tiles"`
	Missing  int          `json:"missing"`
	Thinned  bool         `json:"thinned"`
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
		File: file, VTT: vtt, Thinned: s.Thinned,
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
