package decode

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Capabilities is what an ffmpeg can do of what this package may ask of it. The names
// are ffmpeg's.
type Capabilities struct {
	Version  string // as it tells it: "5.1.9-0+deb12u1", "7.1"
	Decoders []string
	Encoders []string
	Filters  []string
	// Missing are names of all three kinds, and of the demuxer that a Pool needs.
	Missing []string
}

// needs are ffmpeg's lists and what is wanted of each.
var needs = []struct {
	list  string
	names []string
}{
	{"-decoders", []string{"h264", "hevc", "mjpeg"}},
	{"-encoders", []string{"mjpeg", "png", "libwebp", "rawvideo"}},
	{"-filters", []string{"crop", "format", "hflip", "pad", "scale", "select", "setparams", "setpts", "setsar", "settb", "tonemap", "transpose", "vflip", "yadif", "zscale"}},
	{"-demuxers", []string{"h264", "hevc", "ivf", "mjpeg"}},
}

// Capabilities asks the ffmpeg that Decode runs.
func (d *Decoder) Capabilities(ctx context.Context) (*Capabilities, error) {
	c := &Capabilities{}
	var err error
	if c.Version, err = d.Version(ctx); err != nil {
		return nil, err
	}
	found := make([][]string, len(needs))
	for k, need := range needs {
		has, err := d.list(ctx, need.list)
		if err != nil {
			return nil, err
		}
		for _, name := range need.names {
			if slices.Contains(has, name) {
				found[k] = append(found[k], name)
			} else if !slices.Contains(c.Missing, name) {
				c.Missing = append(c.Missing, name)
			}
		}
	}
	c.Decoders, c.Encoders, c.Filters = found[0], found[1], found[2]
	return c, nil
}

// Check says whether the ffmpeg that Decode runs can make pictures like o, before
// there is a frame. ffmpeg is there; only for WebP, which not every ffmpeg makes, it
// is run and asked. The error is an *Error.
func (d *Decoder) Check(ctx context.Context, o Output) error {
	if _, err := d.Find(); err != nil || o.Format != WebP {
		return err
	}
	encoders, err := d.list(ctx, "-encoders")
	if err != nil {
		return err
	}
	if !slices.Contains(encoders, "libwebp") {
		return &Error{Err: fmt.Errorf("this ffmpeg was built without %v", o.Format)}
	}
	return nil
}

// Version returns the version that ffmpeg gives itself: "5.1.9-0+deb12u1", "7.1".
func (d *Decoder) Version(ctx context.Context) (string, error) {
	out, err := d.ask(ctx, "-version")
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(out, "\n")
	fields := strings.Fields(clean(line))
	if len(fields) < 3 || fields[0] != "ffmpeg" || fields[1] != "version" {
		return "", &Error{Err: errors.New("what was run is not ffmpeg: it does not tell its version")}
	}
	return fields[2], nil
}

// list returns the names in one of ffmpeg's lists, whose lines are flags, a name and
// a description.
func (d *Decoder) list(ctx context.Context, which string) (names []string, err error) {
	out, err := d.ask(ctx, which)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(out) {
		if fields := strings.Fields(line); len(fields) > 1 {
			names = append(names, strings.Split(fields[1], ",")...)
		}
	}
	return names, nil
}

// ask returns what ffmpeg prints for an option.
func (d *Decoder) ask(ctx context.Context, option string) (string, error) {
	p, err := d.start(ctx, "", []string{"-hide_banner", option})
	if err != nil {
		return "", err
	}
	out, err := p.finish(ctx, d.timeout(0), nil)
	return string(out), err
}
