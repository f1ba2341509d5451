package decode

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Capabilities lists the parts of an ffmpeg that this package uses, by ffmpeg's names.
type Capabilities struct {
	Version  string // "5.1.9-0+deb12u1", "7.1"
	Decoders []string
	Encoders []string
	Filters  []string
	// Missing holds names of all three kinds, and of demuxers.
	Missing []string
}

// needs are ffmpeg's lists, and the names in each that this package uses.
var needs = []struct {
	list  string
	names []string
}{
	{"-decoders", []string{"h264", "hevc", "mjpeg"}},
	{"-encoders", []string{"mjpeg", "png", "libwebp", "rawvideo"}},
	{"-filters", []string{"crop", "format", "hflip", "pad", "scale", "select", "setparams", "setpts", "setsar", "settb", "tonemap", "transpose", "vflip", "yadif", "zscale"}},
	{"-demuxers", []string{"h264", "hevc", "ivf", "mjpeg"}},
}

// Capabilities runs the ffmpeg that Decode runs, and reads its lists.
func (d *Decoder) Capabilities(ctx context.Context) (*Capabilities, error) {
	c := &Capabilities{}
	var err error
	if c.Version, err = d.Version(ctx); err != nil {
		return nil, err
	}

	found := make([][]string, len(needs))
	for k, need := range needs {
		has, err := d.listNames(ctx, need.list)
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

// Check returns an error if the ffmpeg that Decode runs cannot make pictures like o. It
// needs no frame. It only looks for ffmpeg, except for WebP, which not every ffmpeg can
// write: then it runs ffmpeg. The error is an *Error.
func (d *Decoder) Check(ctx context.Context, o Output) error {
	if _, err := d.Find(); err != nil || o.Format != WebP {
		return err
	}

	encoders, err := d.listNames(ctx, "-encoders")
	if err != nil {
		return err
	}
	if !slices.Contains(encoders, "libwebp") {
		return &Error{Err: fmt.Errorf("this ffmpeg was built without %v", o.Format)}
	}
	return nil
}

// Version returns the version that ffmpeg reports, such as "5.1.9-0+deb12u1" or "7.1".
func (d *Decoder) Version(ctx context.Context) (string, error) {
	out, err := d.askOption(ctx, "-version")
	if err != nil {
		return "", err
	}

	line, _, _ := strings.Cut(out, "\n")
	fields := strings.Fields(printable(line))
	if len(fields) < 3 || fields[0] != "ffmpeg" || fields[1] != "version" {
		return "", &Error{Err: errors.New("this program is not ffmpeg: it does not print a version")}
	}
	return fields[2], nil
}

// ToneMaps reports whether the ffmpeg that Decode runs has the filters that convert HDR
// and wide colours to SDR. Without them, Decode leaves such pictures as they are, which
// looks pale. The error is an *Error.
func (d *Decoder) ToneMaps(ctx context.Context) (bool, error) {
	filters, err := d.listNames(ctx, "-filters")
	return slices.Contains(filters, "zscale") && slices.Contains(filters, "tonemap"), err
}

// listNames returns the names in one of ffmpeg's lists. A line has flags, a name and a
// description.
func (d *Decoder) listNames(ctx context.Context, which string) (names []string, err error) {
	out, err := d.askOption(ctx, which)
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

// askOption returns what ffmpeg prints for an option.
func (d *Decoder) askOption(ctx context.Context, option string) (string, error) {
	r, err := d.startRun(ctx, "", []string{"-hide_banner", option}, maxPicture)
	if err != nil {
		return "", err
	}

	out, err := r.finish(ctx, d.timeout(0), nil)
	return string(out), err
}
