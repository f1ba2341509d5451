package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/picture"
	"github.com/kfgrab/kfgrab/session"
)

const sessionHelp = `session holds an RTSP or live HLS stream open, decodes nothing of it until there is
enough, and then writes the last pictures as raw video: rows of RGB24 or BGR24, a
picture behind the other, without headers.

  kfgrab session rtsp://camera/stream --frames 5 --rate 5 --size 480x360 --pix-fmt bgr24 |
    ffmpeg -f rawvideo -pix_fmt bgr24 -s 480x360 -r 5 -i - clip.mp4

With --every it does so again and again, until it is told to stop (SIGTERM, SIGINT):
to standard output one behind the other, to a file in place of what it held. A stream
that is lost is opened again; until it is back, a line on standard error stands for
what is missing.`

func newSessionCommand(std *streams, source *sourceFlags) *cobra.Command {
	f := &sessionFlags{pixFmt: pixFmt(decode.RGB24)}
	source.maxBytes = session.DefaultMaxSegment
	source.useless = []string{"at", "edge", "allow-tiles", "keyframe-timeout"}
	cmd := &cobra.Command{
		Use:   "session URL [-o FILE|-]",
		Short: "Hold a live stream open and write its last pictures, raw",
		Long:  sessionHelp,
		Args:  oneURL,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := source.refuse(cmd.Flags(), "is for one keyframe; a session has the newest pictures"); err != nil {
				return err
			}
			return f.run(cmd.Context(), std, args[0], source)
		},
	}
	f.register(cmd.Flags())
	return cmd
}

// sessionFlags say what to take of a stream that is held open.
type sessionFlags struct {
	choice    choiceFlags
	output    string
	frames    int
	rate      float64
	size      pictureSize
	fit       fit
	pixFmt    pixFmt
	every     time.Duration
	keep      time.Duration
	keepBytes size
	pixels    pixelFlags
	ffmpeg    string
	json      bool
}

func (f *sessionFlags) register(flags *pflag.FlagSet) {
	flags.StringVarP(&f.output, "output", "o", "", "`file` to write, - for standard output (default as for a single picture)")
	f.choice.register(flags)
	flags.IntVar(&f.frames, "frames", 1, "`number` of pictures")
	flags.Float64Var(&f.rate, "rate", 0, "`number` of pictures a second, the newest being the last (default every picture there is)")
	flags.Var(&f.size, "size", "`WxH` in pixels (default the stream's, with square pixels)")
	flags.Var(&f.fit, "fit", "`how` pictures of another shape become --size: fill (stretched), cover (cut at the sides) or contain (between black bars)")
	flags.Var(&f.pixFmt, "pix-fmt", "`name` of the order of bytes, rgb24 or bgr24")
	flags.DurationVar(&f.every, "every", 0, "`time` after which to write again, such as 5s (default once)")
	flags.DurationVar(&f.keep, "keep", 0, "`time` for which pictures are kept, encoded (default 10s, or what --frames and --rate take)")
	f.keepBytes = session.DefaultMaxBytes
	flags.Var(&f.keepBytes, "keep-bytes", "`size` of what is kept at most")
	f.pixels.register(flags)
	flags.StringVar(&f.ffmpeg, "ffmpeg", "", ffmpegHelp)
	flags.BoolVar(&f.json, "json", false, "report on standard error how the session goes, each time")
}

// options turns the flags into the library's.
func (f *sessionFlags) options(std *streams, source *sourceFlags) (*session.Options, error) {
	stream, err := source.options(std)
	if err != nil {
		return nil, err
	}
	f.choice.apply(stream)
	output := f.decoded()
	if err := output.Validate(); err != nil {
		return nil, usageError(err)
	}
	stream.Width, stream.Height = output.Needed()
	switch {
	case f.frames < 1:
		return nil, usageError(fmt.Errorf("--frames %d is none at all", f.frames))
	case !(f.rate >= 0) || math.IsInf(f.rate, 0):
		return nil, usageError(fmt.Errorf("--rate %v is no number of pictures a second", f.rate))
	case f.every < 0 || f.keep < 0:
		return nil, usageError(errors.New("--every and --keep want a time such as 5s"))
	}
	o := &session.Options{Stream: *stream, Keep: f.keep, MaxBytes: int64(f.keepBytes), Decoder: decode.Decoder{Path: f.ffmpeg}}
	if f.keep == 0 && f.rate > 0 {
		back := float64(f.frames-1) / f.rate * float64(time.Second)
		o.Keep = max(session.DefaultKeep, time.Duration(min(back, math.MaxInt64/2))+time.Second)
	}
	_, err = o.Decoder.Find()
	return o, err
}

// decoded is what pictures are to be like.
func (f *sessionFlags) decoded() decode.Output {
	o := decode.Output{Format: decode.Format(f.pixFmt), Width: f.size.width, Height: f.size.height, Fit: decode.Fit(f.fit)}
	f.pixels.apply(&o)
	return o
}

func (f *sessionFlags) run(ctx context.Context, std *streams, rawURL string, source *sourceFlags) error {
	o, err := f.options(std, source)
	if err != nil {
		return err
	}
	s, err := session.Open(rawURL, o)
	if err != nil {
		return err
	}
	defer s.Close()
	s.Start(ctx)
	if f.every == 0 {
		return f.write(ctx, std, rawURL, s, source)
	}
	turn := time.NewTicker(f.every)
	defer turn.Stop()
	for {
		err := lost(s.State())
		if err == nil {
			err = f.write(ctx, std, rawURL, s, source)
		}
		switch {
		case ctx.Err() != nil:
			return nil // told to stop
		case err != nil && fatal(s, err):
			return err
		case err != nil:
			fmt.Fprintln(std.err, "kfgrab:", describeError(err))
		}
		select {
		case <-turn.C:
		case <-ctx.Done():
		}
	}
}

// lost says why the last pictures are old, if they are.
func lost(st session.State) error {
	if st.Connections == 0 || st.Connected {
		return nil
	}
	return fmt.Errorf("no picture since %s: %w", units.FormatTimestamp(st.Since), st.Err)
}

// fatal says whether the next turn would fare no better.
func fatal(s *session.Session, err error) bool {
	switch kfgrab.ClassOf(err) {
	case kfgrab.Usage, kfgrab.Decoder, kfgrab.Other:
		return true
	}
	return s.State().Ended
}

// write takes the pictures and writes them.
func (f *sessionFlags) write(ctx context.Context, std *streams, rawURL string, s *session.Session, source *sourceFlags) error {
	ctx, cancel := source.context(ctx)
	defer cancel()
	out, err := openOutput(std, f.output, rawURL, format{Format: picture.Format(f.pixFmt)})
	if err != nil {
		return err
	}
	defer out.discard()
	o := f.decoded()
	clip, err := s.Frames(ctx, f.frames, f.rate, o)
	if err != nil {
		return err
	}
	if _, err := out.Write(clip.Data); err != nil {
		return err
	}
	if err := out.commit(); err != nil {
		return err
	}
	out.tell(std.out)
	if !f.json {
		return nil
	}
	return writeJSON(std.err, newSessionReport(clip, o.Format, s.State()), "")
}

// sessionReport is what --json prints.
type sessionReport struct {
	Frames      int       `json:"frames"`
	Width       int       `json:"width"`
	Height      int       `json:"height"`
	PixFmt      string    `json:"pix_fmt"`
	Times       []float64 `json:"pts_time"`
	KeyframeAge float64   `json:"keyframe_age"`
	Connected   string    `json:"connected_since,omitempty"`
	Connections int       `json:"connections"`
	Pictures    int64     `json:"pictures"`
	Keyframes   int64     `json:"keyframes"`
	Dropped     int64     `json:"dropped"`
	Gaps        int64     `json:"gaps"`
	Down        int64     `json:"bytes_down"`
	Kept        int       `json:"kept"`
	KeptBytes   int64     `json:"kept_bytes"`
	KeptFor     float64   `json:"kept_for"`
}

func newSessionReport(c *session.Clip, f decode.Format, st session.State) *sessionReport {
	r := &sessionReport{
		Frames: c.Count, Width: c.Width, Height: c.Height, PixFmt: f.String(), KeyframeAge: seconds(c.KeyframeAge),
		Connections: st.Connections, Pictures: st.Pictures, Keyframes: st.Keyframes, Dropped: st.Dropped, Gaps: st.Gaps,
		Down: st.Down, Kept: st.Kept, KeptBytes: st.KeptBytes, KeptFor: seconds(st.KeptFor),
	}
	if st.Connected {
		r.Connected = units.FormatTimestamp(st.Since)
	}
	for _, t := range c.Times {
		r.Times = append(r.Times, seconds(t))
	}
	return r
}

// pictureSize is a flag's width and height; 0, 0 is the stream's own.
type pictureSize struct{ width, height int }

func (s *pictureSize) Type() string { return "size" }

func (s *pictureSize) String() string {
	if *s == (pictureSize{}) {
		return ""
	}
	return fmt.Sprintf("%dx%d", s.width, s.height)
}

func (s *pictureSize) Set(text string) error {
	w, h, found := strings.Cut(text, "x")
	width, err := strconv.Atoi(w)
	height, err2 := strconv.Atoi(h)
	if !found || err != nil || err2 != nil || width < 1 || height < 1 {
		return fmt.Errorf("%q is no size such as 480x360", text)
	}
	*s = pictureSize{width, height}
	return nil
}

// pixFmt is a flag's choice among the formats that are raw.
type pixFmt decode.Format

func (p *pixFmt) Type() string { return "format" }

func (p *pixFmt) String() string { return decode.Format(*p).String() }

func (p *pixFmt) Set(text string) error {
	for _, f := range []decode.Format{decode.RGB24, decode.BGR24} {
		if f.String() == text {
			*p = pixFmt(f)
			return nil
		}
	}
	return fmt.Errorf("%q is neither rgb24 nor bgr24", text)
}
