package hls

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

// checkPlaylist checks what holds for any playlist that was parsed.
func checkPlaylist(tb testing.TB, data []byte, p *Playlist) {
	tb.Helper()
	if (p.Master == nil) == (p.Media == nil) {
		tb.Fatal("not exactly one of master and media")
	}
	lines := bytes.Count(data, newline) + 1
	if p.Master != nil {
		checkMaster(tb, data, p.Master, lines)
		return
	}
	checkMedia(tb, data, p.Media, lines)
}

// checkURI checks that without variables, every reference was in the input.
func checkURI(tb testing.TB, data []byte, u URI) {
	tb.Helper()
	if !bytes.Contains(data, []byte("#EXT-X-DEFINE")) && !bytes.Contains(data, []byte(u.Text)) {
		tb.Errorf("URI %q was not in the playlist", u.Text)
	}
	abs, err := u.Resolve()
	if err == nil && abs.Scheme != "http" && abs.Scheme != "https" {
		tb.Errorf("URI %q resolved to %v", u.Text, abs)
	}
}

func checkMaster(tb testing.TB, data []byte, m *Master, lines int) {
	tb.Helper()
	if len(m.Variants)+len(m.IFrames)+len(m.Images)+len(m.Renditions) > lines {
		tb.Error("more variants than lines")
	}
	for _, v := range slices.Concat(m.Variants, m.IFrames, m.Images) {
		checkURI(tb, data, v.URI)
		if v.Bandwidth < 0 || v.Width < 0 || v.FrameRate != v.FrameRate {
			tb.Errorf("impossible variant %+v", v)
		}
	}
	for _, r := range m.Renditions {
		checkURI(tb, data, r.URI)
	}
	for _, o := range []PickOptions{
		{},
		{Width: 640},
		{Height: 240, MaxBandwidth: 1_000_000},
		{Rendition: selector("worst"), Codec: keyframe.H265},
		{Rendition: selector("720p")},
		{Rendition: selector("1")},
	} {
		c, err := m.Pick(o)
		if err == nil && (c.Variant == nil || c.Reason == "" || classifyCodecs(c.Variant.Codecs) == videoUnsupported) {
			tb.Errorf("%+v: impossible choice %+v", o, c)
		}
		if slices.Contains(c.Alternates, c.Variant) {
			tb.Errorf("%+v: the choice is its own alternate", o)
		}
		if c.Variant != nil && !o.Rendition.matchesVariant(c.Variant) {
			tb.Errorf("%+v: %s was chosen", o, c.Variant.String())
		}
		for i, v := range c.Alternates {
			if slices.Contains(c.Alternates[:i], v) || o.Rendition.namesSize() && (v.Width != c.Variant.Width || v.Height != c.Variant.Height) {
				tb.Errorf("%+v: impossible alternate %s", o, v.String())
			}
		}
	}
}

func checkMedia(tb testing.TB, data []byte, m *Media, lines int) {
	tb.Helper()
	if len(m.Segments) > lines {
		tb.Error("more segments than lines")
	}
	segments := m.Segments
	if m.Edge != nil {
		segments = append(slices.Clip(segments), *m.Edge)
	}
	for i, s := range segments {
		checkURI(tb, data, s.URI)
		if s.Map != nil {
			checkURI(tb, data, s.Map.URI)
		}
		for _, k := range s.Keys {
			checkURI(tb, data, k.URI)
			if len(k.IV) != 0 && len(k.IV) != 16 {
				tb.Errorf("IV of %d bytes", len(k.IV))
			}
		}
		for _, part := range s.Parts {
			checkURI(tb, data, part.URI)
		}
		if s.Tile < 0 || s.Tile > s.LastTile() {
			tb.Errorf("tile %d of %d", s.Tile, s.LastTile()+1)
		}
		if r := s.ByteRange; r != nil && (r.Offset < 0 || r.Length <= 0 || r.Offset+r.Length < 0) {
			tb.Errorf("impossible byte range %+v", r)
		}
		if s.Duration < 0 || s.Start < 0 || s.Sequence < 0 {
			tb.Errorf("impossible segment %+v", s)
		}
		if i > 0 && (s.Sequence != segments[i-1].Sequence+1 || s.Start != segments[i-1].Start+segments[i-1].Duration) {
			tb.Errorf("segment %d does not go on from the one before", i)
		}
	}
	checkChoice(tb, m)
}

// checkChoice checks that all ways to choose agree on whether there is a
// segment, and that going back from the newest ends.
func checkChoice(tb testing.TB, m *Media) {
	tb.Helper()
	first, firstErr := m.First()
	s, err := m.Newest()
	at, atErr := m.At(0)
	if (err == nil) != (firstErr == nil) || (err == nil) != (atErr == nil) {
		tb.Fatalf("first %v, newest %v, at %v", firstErr, err, atErr)
	}
	if err != nil {
		return
	}
	if at.Gap || first.Sequence > at.Sequence || at.Sequence > s.Sequence {
		tb.Errorf("first %d, at 0 %d, newest %d", first.Sequence, at.Sequence, s.Sequence)
	}
	seen := 0
	for ; err == nil && seen <= 100; s, err = m.Before(s.Sequence) {
		if s.Gap {
			tb.Errorf("segment %d is a gap", s.Sequence)
		}
		seen++
	}
	if seen <= 100 && seen > len(m.Segments) {
		tb.Error("going backwards came by a segment twice")
	}
}

func FuzzParse(f *testing.F) {
	for _, tt := range traps {
		f.Add([]byte(tt.playlist))
	}
	for _, tt := range faulty {
		f.Add([]byte(tt.playlist))
	}
	for _, data := range corpusFiles(f) {
		f.Add(data)
	}
	base := parseURL(f, "https://host/live/index.m3u8?token=s%20e")
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		p, err := Parse(data, base, nil)
		if !bytes.Equal(data, before) {
			t.Fatal("Parse changed its input")
		}
		if err != nil {
			if msg := err.Error(); p != nil || strings.Contains(msg, "\n") || len(msg) > 1000 {
				t.Errorf("bad error %q", msg)
			}
			return
		}
		checkPlaylist(t, data, p)
		// Memory grows linearly with the input, whatever that contains.
		// Variables grow lines, up to the caps in TestParseRefuses.
		if raceDetector || bytes.Contains(data, []byte("{$")) {
			return
		}
		double := slices.Concat(data, newline, data)
		once := allocated(1<<62, func() { Parse(data, base, nil) })
		limit := once*5/2 + 256<<10
		if twice := allocated(limit, func() { Parse(double, base, nil) }); twice > limit {
			t.Errorf("%d bytes took %d bytes of memory, twice as many %d", len(data), once, twice)
		}
	})
}

// FuzzScan checks the text that the library gets, on which its safety rests: no
// blank line, no final line end, and every URI directly after a tag that opens
// it.
func FuzzScan(f *testing.F) {
	for _, tt := range traps {
		f.Add([]byte(tt.playlist))
	}
	for _, data := range corpusFiles(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := scanLines(data, newVariables(nil, nil))
		if err != nil || len(s.pairs) == 0 {
			return
		}
		opener := tagInf + ":"
		if s.master {
			opener = tagStreamInf + ":"
		}
		opened, uris := false, 0
		for line := range strings.SplitSeq(string(s.pairs), "\n") {
			switch {
			case strings.TrimSpace(line) != line, line == "":
				t.Fatalf("blank in line %q", line)
			case line[0] == '#' && !strings.HasPrefix(line, opener):
				t.Fatalf("the library sees %q", line)
			case strings.HasPrefix(line, "#") == opened:
				t.Fatalf("line %q after an opener: %v", line, opened)
			case !strings.HasPrefix(line, "#"):
				uris++
			}
			opened = strings.HasPrefix(line, opener)
		}
		if opened || uris != s.uris {
			t.Fatalf("ends opened %v, %d URIs counted as %d", opened, uris, s.uris)
		}
	})
}
