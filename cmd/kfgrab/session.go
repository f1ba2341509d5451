package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/picture"
	"github.com/kfgrab/kfgrab/session"
)

const sessionHelp = `session holds an RTSP or live HLS stream open and keeps its last pictures encoded. Once there
are enough, it decodes them and writes raw video: rows of RGB24 or BGR24, one picture after the
other, without headers.

  kfgrab session rtsp://camera/stream --frames 5 --rate 5 --size 480x360 --pix-fmt bgr24 |
    ffmpeg -f rawvideo -pix_fmt bgr24 -s 480x360 -r 5 -i - clip.mp4

With --every, it writes again and again until SIGTERM or SIGINT. Standard output gets one clip
after the other; a file is replaced. A lost stream is reopened. Until it is back, each turn
prints a line on standard error instead.`

func newSessionCommand(std *streams, source *sourceFlags) *cobra.Command {
	f := &sessionFlags{format: decode.RGB24}
	source.maxBytes = session.DefaultMaxSegment
	source.refused = []string{"at", "edge", "allow-tiles", "keyframe-timeout"}
	cmd := &cobra.Command{
		Use:   "session URL [FILE|-]",
		Short: "Hold a live stream open and write its last pictures, raw",
		Long:  sessionHelp,
		Args:  urlAndFile(&f.output),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := source.refuseFlags(cmd.Flags(), "is for one keyframe; a session has the newest pictures"); err != nil {
				return err
			}
			if err := f.followEnding(cmd.Flags().Changed("pix-fmt")); err != nil {
				return err
			}
			if !cmd.Flags().Changed("timeout") {
				source.timeout += f.clipLength()
			}
			rawURL, err := source.resolveAddress(args[0])
			if err != nil {
				return err
			}
			return f.runSession(cmd.Context(), std, rawURL, source)
		},
	}
	source.addAddressFlags(cmd.Flags())
	f.addSessionFlags(cmd.Flags())
	return cmd
}

// sessionFlags choose the pictures of a stream that is held open.
type sessionFlags struct {
	rendition renditionFlags
	output    string
	frames    int
	rate      float64
	size      sizeFlags
	fit       decode.Fit
	format    decode.Format
	every     time.Duration
	keep      time.Duration
	keepBytes units.Bytes
	pixels    pixelFlags
	json      bool
}

func (f *sessionFlags) addSessionFlags(flags *pflag.FlagSet) {
	flags.StringVarP(&f.output, "output", "o", "", "`file` write to this file, or - for standard output (default as for a single picture)")
	f.rendition.addRenditionFlags(flags)
	flags.IntVar(&f.frames, "frames", 1, "`number` write this many pictures")
	flags.Float64Var(&f.rate, "rate", 0, "`number` write this many pictures per second, up to the newest (default all pictures)")
	f.size.addSizeFlags(flags)
	flags.TextVar(&f.fit, "fit", f.fit, "`how` fit pictures of another shape into --width by --height: fill (stretch), cover (crop the sides) or contain (add black bars)")
	flags.Func("pix-fmt", "`name` order of bytes, rgb24 or bgr24 (default rgb24)", parseInto(&f.format, parseRawFormat))
	addTimeFlag(flags, &f.every, "every", 0, "`time` write again after this long, such as 5s (default once)")
	addTimeFlag(flags, &f.keep, "keep", 0, "`time` keep pictures for this long, encoded (default 10s, or what --frames and --rate need)")
	f.keepBytes = session.DefaultMaxBytes
	flags.TextVar(&f.keepBytes, "keep-bytes", f.keepBytes, "`size` keep at most this much")
	f.pixels.addPixelFlags(flags)
	flags.BoolVar(&f.json, "json", false, "report the state of the session on standard error, each time")
}

// sessionOptions returns the options for session.Open.
func (f *sessionFlags) sessionOptions(std *streams, source *sourceFlags) (*session.Options, error) {
	stream, err := source.streamOptions(std)
	if err != nil {
		return nil, err
	}
	f.rendition.applyRendition(stream)
	output := f.decodedOutput()
	if err := output.Validate(); err != nil {
		return nil, usageError(err)
	}
	stream.Width, stream.Height = output.Needed()

	switch {
	case f.frames < 1:
		return nil, usageError(errors.New("--frames must be positive"))
	case !(f.rate >= 0) || math.IsInf(f.rate, 0):
		return nil, usageError(fmt.Errorf("--rate %v is not a number of pictures per second", f.rate))
	case f.every < 0 || f.keep < 0:
		return nil, usageError(errors.New("--every and --keep must be positive, such as 5s"))
	}

	o := &session.Options{Stream: *stream, Keep: f.keep, MaxBytes: int64(f.keepBytes), Decoder: decode.Decoder{Path: f.pixels.ffmpeg}}
	if f.keep == 0 && f.rate > 0 {
		o.Keep = max(session.DefaultKeep, f.clipLength()+time.Second)
	}
	_, err = o.Decoder.Find()
	return o, err
}

// clipLength returns how far the pictures reach back, as far as --rate says.
func (f *sessionFlags) clipLength() time.Duration {
	if f.frames < 1 || !(f.rate > 0) {
		return 0
	}
	back := float64(f.frames-1) / f.rate * float64(time.Second)
	return time.Duration(min(back, math.MaxInt64/2))
}

func (f *sessionFlags) decodedOutput() decode.Output {
	o := decode.Output{Format: f.format, Width: f.size.width, Height: f.size.height, Fit: f.fit}
	f.pixels.applyPixels(&o)
	return o
}

func (f *sessionFlags) runSession(ctx context.Context, std *streams, rawURL string, source *sourceFlags) error {
	o, err := f.sessionOptions(std, source)
	if err != nil {
		return err
	}
	o.FailAtOnce = f.every == 0
	s, err := session.Open(rawURL, o)
	if err != nil {
		return err
	}
	defer s.Close()
	s.Start(ctx)

	if f.every == 0 {
		return f.writeClip(ctx, std, rawURL, s, source)
	}

	turn := time.NewTicker(f.every)
	defer turn.Stop()

	for {
		err := lostError(s.State())
		if err == nil {
			err = f.writeClip(ctx, std, rawURL, s, source)
		}
		switch {
		case ctx.Err() != nil:
			return nil // stopped by a signal
		case err != nil && isFatal(s, err):
			return err
		case err != nil && f.json:
			if err := writeFailure(std.err, err, describeError(err)); err != nil {
				return err
			}
		case err != nil:
			fmt.Fprintln(std.err, "kfgrab:", describeError(err))
		}
		select {
		case <-turn.C:
		case <-ctx.Done():
		}
	}
}

// lostError returns why there are no new pictures, or nil.
func lostError(st session.State) error {
	if st.Connections == 0 || st.Connected {
		return nil
	}
	return fmt.Errorf("no picture since %s: %w", units.FormatTimestamp(st.Since), st.Err)
}

// isFatal reports whether the next turn would fail in the same way.
func isFatal(s *session.Session, err error) bool {
	switch kfgrab.ClassOf(err) {
	case kfgrab.Usage, kfgrab.Decoder, kfgrab.Other:
		return true
	}
	return s.State().Ended
}

// writeClip decodes the last pictures and writes them.
func (f *sessionFlags) writeClip(ctx context.Context, std *streams, rawURL string, s *session.Session, source *sourceFlags) error {
	ctx, cancel := source.withTimeout(ctx)
	defer cancel()
	out, err := openOutput(std, f.output, rawURL, format{Format: picture.Format(f.format)})
	if err != nil {
		return err
	}
	defer out.discard()

	o := f.decodedOutput()
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
	out.printPath(std.out)
	if !f.json {
		return nil
	}

	newest, err := s.Latest()
	if err != nil {
		return err
	}
	r := newSessionReport(clip, newest, s.State())
	r.Output = &outputReport{
		Format: o.Format.String(), Width: clip.Width, Height: clip.Height, Frames: clip.Count, Bytes: out.bytes, File: out.path,
	}
	return writeJSON(std.err, r, "")
}

// parseRawFormat parses the name of a format without headers.
func parseRawFormat(text string) (decode.Format, error) {
	for _, f := range []decode.Format{decode.RGB24, decode.BGR24} {
		if f.String() == text {
			return f, nil
		}
	}
	return 0, fmt.Errorf("%q is neither rgb24 nor bgr24", text)
}
