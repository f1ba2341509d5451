package hls

import (
	"fmt"
	"strings"
)

// outline writes a playlist as in the tables of tests: one line for each
// segment or variant.
func outline(p *Playlist) string {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if m := p.Master; m != nil {
		add("master")
		for _, v := range m.Variants {
			add("%s", outlineVariant(v))
		}
		for _, v := range m.IFrames {
			add("i-frames %s", outlineVariant(v))
		}
		for _, v := range m.Images {
			add("images %s", outlineVariant(v))
		}
		for _, r := range m.Renditions {
			add("rendition %s %s %s %s %v %s", r.Type, r.GroupID, r.Name, r.Language, r.Default, r.URI.Text)
		}
		if m.Pathway != "" {
			add("steered to %s", m.Pathway)
		}
		if m.IndependentSegments {
			add("independent")
		}
		return strings.Join(lines, "\n")
	}
	if !p.Media.Live {
		add("vod")
	}
	for _, s := range p.Media.Segments {
		add("%s", outlineSegment(s))
	}
	if s := p.Media.Edge; s != nil {
		add("edge %s", outlineSegment(*s))
	}
	return strings.Join(lines, "\n")
}

func outlineVariant(v Variant) string {
	out := fmt.Sprintf("%s %d", v.URI.Text, v.Bandwidth)
	if v.AverageBandwidth > 0 {
		out += fmt.Sprintf(" %d", v.AverageBandwidth)
	}
	if v.Width > 0 {
		out += fmt.Sprintf(" %dx%d", v.Width, v.Height)
	}
	if v.FrameRate > 0 {
		out += fmt.Sprintf(" %g", v.FrameRate)
	}
	for _, s := range []string{v.Codecs, v.VideoRange, v.PathwayID, v.Video, v.Audio, v.Name} {
		if s != "" {
			out += " " + s
		}
	}
	return out
}

func outlineSegment(s Segment) string {
	out := fmt.Sprintf("%d %s %v+%v", s.Sequence, s.URI.Text, s.Start, s.Duration)
	if r := s.ByteRange; r != nil {
		out += fmt.Sprintf(" bytes(%d+%d)", r.Offset, r.Length)
	}
	if m := s.Map; m != nil {
		out += " map(" + m.URI.Text + outlineRange(m.ByteRange)
		for _, k := range m.Keys {
			out += " " + k.Method
		}
		out += ")"
	}
	for _, k := range s.Keys {
		out += " key(" + k.Method + " " + k.URI.Text
		if k.IV != nil {
			out += fmt.Sprintf(" %x", k.IV)
		}
		if k.KeyFormat != "identity" {
			out += " " + k.KeyFormat
		}
		out += ")"
	}
	if s.Gap {
		out += " gap"
	}
	if s.Discontinuity {
		out += " discontinuity"
	}
	if !s.ProgramDateTime.IsZero() {
		out += " at " + s.ProgramDateTime.Format("15:04:05.999")
	}
	if s.IsImage {
		out += fmt.Sprintf(" image %d", s.Tile)
	}
	if t := s.Tiles; t != nil {
		out += fmt.Sprintf(" tiles(%dx%d %dx%d %v)", t.Columns, t.Rows, t.Width, t.Height, t.Duration)
	}
	for _, p := range s.Parts {
		out += fmt.Sprintf(" part(%s %v%s", p.URI.Text, p.Duration, outlineRange(p.ByteRange))
		if p.Independent {
			out += " independent"
		}
		if p.Gap {
			out += " gap"
		}
		out += ")"
	}
	return out
}

func outlineRange(r *ByteRange) string {
	if r == nil {
		return ""
	}
	return fmt.Sprintf(" %d+%d", r.Offset, r.Length)
}
