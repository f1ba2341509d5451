package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kfgrab/kfgrab/internal/sink"
	"github.com/kfgrab/kfgrab/internal/units"
)

// Plan describes to people what kfgrab watch does with the file: a line for each stream, and below it, indented, what
// happens with it. It contains no secrets.
func (f *File) Plan() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s, at once at most %d, and %d of one host\n", len(f.Streams), pluralize(len(f.Streams), "stream"), f.Limits.Total, f.Limits.PerHost)
	for i := range f.Streams {
		b.WriteString(f.Streams[i].Plan())
	}
	return b.String()
}

// Plan returns the part of File.Plan about one stream.
func (s *Stream) Plan() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", s.Name, s.RedactedURL)

	for _, line := range []string{s.planTimes(), s.planSource(), s.planPicture()} {
		if line != "" {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}

	for i := range s.Sinks {
		fmt.Fprintf(&b, "  to %s\n", s.Sinks[i].plan(s.Retention))
	}
	return b.String()
}

func (s *Stream) planTimes() string {
	line := "never by itself"
	if !s.Rule().Never() {
		line = s.Rule().String()
	}
	if s.Repeats {
		line += ", the same keyframe again, too"
	}
	if s.OnChange.Enabled {
		line += fmt.Sprintf(", kept if %d of 64 bits differ", s.OnChange.Distance)
	}
	return line
}

// planSource lists what differs from the defaults. Of headers, it lists only the names.
func (s *Stream) planSource() string {
	o := &s.Options
	var l list
	l.addIf(s.Timeout > 0, "within %s", units.FormatDuration(s.Timeout))
	l.addIf(o.MaxBytes > 0, "at most %s", units.FormatBytes(o.MaxBytes))
	l.addIf(o.At > 0, "at %v", o.At)
	l.addIf(o.Edge != 0, "edge %v", o.Edge)
	l.addIf(o.Rendition.String() != "", "rendition %v", o.Rendition)
	l.addIf(o.MaxBandwidth > 0, "up to %sbit/s", units.FormatDecimal(o.MaxBandwidth))
	l.addIf(o.Codec != 0, "%v only", o.Codec)
	l.addIf(o.AllowTiles, "tiles allowed")
	l.addIf(o.Program > 0, "program %d", o.Program)
	l.addIf(o.RTSP.Transport != 0, "over %v", o.RTSP.Transport)
	l.addIf(o.RTSP.KeyframeTimeout > 0, "a keyframe within %v", o.RTSP.KeyframeTimeout)
	l.addIf(o.RTSP.NoKeyframeRequest, "no keyframe request")
	l.addIf(o.RTSP.KeepSession, "session kept")
	l.addIf(o.InsecureTLS, "any TLS certificate")
	l.addIf(o.RootCAs != nil, "own authorities")
	l.addIf(len(o.TLSFingerprint) > 0, "one TLS certificate")
	l.addIf(o.UserAgent != "", "own user agent")
	names := make([]string, 0, len(o.Header))

	for name := range o.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	l.addIf(len(names) > 0, "headers %s", strings.Join(names, " "))
	l.addIf(o.HeadersEverywhere, "to every server")
	return l.String()
}

func (s *Stream) planPicture() string {
	o := &s.Picture.Output
	l := list{s.Picture.Format.String()}
	l.addIf(o.Width > 0 && o.Height > 0, "%dx%d %v", o.Width, o.Height, o.Fit)
	l.addIf(o.Width > 0 && o.Height == 0, "%d wide", o.Width)
	l.addIf(o.Width == 0 && o.Height > 0, "%d high", o.Height)
	l.addIf(o.Crop.String() != "", "of %v", o.Crop)
	l.addIf(o.Quality > 0, "quality %d", o.Quality)
	l.addIf(o.KeepInterlaced, "fields left")
	l.addIf(o.MaxPixels > 0, "at most %s pixels", units.FormatDecimal(o.MaxPixels))
	l.addIf(s.Picture.Tries > 0, "black ones skipped, %d at most", s.Picture.Tries)
	l.addIf(s.Picture.Overlay, "overlay")
	l.addIf(s.Picture.Deterministic, "deterministic")
	l.addIf(s.Picture.NoMetadata, "no metadata")
	return l.String()
}

func (s *Sink) plan(r sink.Retention) string {
	var l list
	switch {
	case s.Webhook != nil:
		l = list{"webhook " + s.Redacted()}
		l.addIf(s.Webhook.Secret != "", "signed")
	case s.Exec != "":
		l = list{"exec " + s.Redacted()}
	default:
		pictures, latest, _ := s.Templates()
		l = list{s.Redacted(), pictures.String()}
		l.addIf(!s.NoLatest, "%v", latest)
		l.addIf(s.Zone != "", "times of %s", s.Zone)
	}
	l.addIf(s.Timeout > 0, "within %s", units.FormatDuration(s.Timeout))
	if s.To.Dir != "" && r != (sink.Retention{}) {
		l.addIf(true, "kept%s", retentionText(r))
	}

	return l.String()
}

func retentionText(r sink.Retention) (text string) {
	if r.Age > 0 {
		text += " " + units.FormatDuration(r.Age)
	}
	if r.Count > 0 {
		text += fmt.Sprintf(" %d pictures", r.Count)
	}
	if r.Bytes > 0 {
		text += " " + units.FormatBytes(r.Bytes)
	}
	return text
}

// list is joined with commas.
type list []string

func (l *list) addIf(holds bool, format string, args ...any) {
	if holds {
		*l = append(*l, fmt.Sprintf(format, args...))
	}
}

func (l list) String() string { return strings.Join(l, ", ") }

func pluralize(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
