package hls

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// newestOf returns the last n segments without what changes with the front of
// the playlist: Start, and parts.
func newestOf(m *Media, n int) []Segment {
	var list []Segment
	for _, s := range m.Segments[max(0, len(m.Segments)-n):] {
		s.Start = 0
		s.Parts = nil
		list = append(list, s)
	}
	return list
}

// TestEndEqualsWhole: any end of a playlist, joined to the kept one, has the
// segments and the edge of the whole, or is reported not to join up.
func TestEndEqualsWhole(t *testing.T) {
	joined := 0
	rapid.Check(t, func(t *rapid.T) {
		c := drawChannel(t)
		a, b, from, to := c.windows(t)
		text := c.playlist(a, b, 0)
		kept := parseMedia(t, text, nil)
		e := &Ending{text: lastLines([]byte(text)), total: int64(len(text)), segments: b - a}
		for range 2 { // the ending that makeDelta returns works as well
			now := c.playlist(from, to, 0)
			whole := parseMedia(t, now, nil)
			tail := now[rapid.IntRange(0, len(now)-1).Draw(t, "cut"):]
			update, next := e.makeDelta(kept, []byte(tail))
			if next == nil {
				return
			}
			p, err := parseUpdate(update, testBase, nil, kept)
			if err != nil {
				return // the byte range of a part continues one before the seam
			}
			joined++
			m := p.Media
			if m.Skipped != 0 {
				t.Fatal("not merged")
			}
			if !reflect.DeepEqual(newestOf(m, to-from), newestOf(whole, to-from)) {
				t.Fatalf("other segments: kept\n%snow\n%stail\n%s", text, now, tail)
			}
			if (m.Edge == nil) != (whole.Edge == nil) || m.Edge != nil && !reflect.DeepEqual(m.Edge.Parts, whole.Edge.Parts) {
				t.Fatalf("edge %+v, want %+v", m.Edge, whole.Edge)
			}
			if m.TargetDuration != whole.TargetDuration || m.ServerControl != whole.ServerControl || m.Live != whole.Live {
				t.Fatalf("header %+v, want %+v", m, whole)
			}
			kept, e, text = m, next, string(next.text)
			from = rapid.IntRange(from, to-1).Draw(t, "from again")
			to = rapid.IntRange(to, len(c.segments)).Draw(t, "to again")
		}
	})
	if joined < 20 {
		t.Errorf("only %d ends joined up", joined)
	}
}

// long is a playlist of n segments from sequence number first on.
func long(first, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:%d\n", first)
	for i := range n {
		fmt.Fprintf(&b, "#EXTINF:4.000000,\n2024/live/1080p/segment-%09d.ts\n", first+i)
	}
	return b.String()
}

// TestEndSeams: an end is joined only if it overlaps the kept playlist safely.
func TestEndSeams(t *testing.T) {
	const kept = "#EXTINF:2,\na\n#EXTINF:2,\nb\n#EXT-X-PART:URI=\"c.0\"\n#EXTINF:2,\nc\n#EXT-X-PART:URI=\"d.0\"\n"
	tests := []struct {
		name, kept, tail string
		newest           string // "" if it does not join up
	}{
		{"nothing new", kept, "b\n#EXTINF:2,\nc\n", "c"},
		{"one new", kept, "x\n#EXTINF:2,\nb\n#EXTINF:2,\nc\n#EXTINF:2,\nd\n", "d"}, // x is a cut line
		{"another before", kept, "\n#EXTINF:2,\nx\n#EXTINF:2,\nb\n#EXTINF:2,\nc\n#EXTINF:2,\nd\n", ""},
		{"in the middle of a line", kept, "TINF:2,\nb\n#EXTINF:2,\nc\n#EXTINF:2,\nd\n", "d"},
		{"the seam is cut off", kept, "c\n#EXTINF:2,\nd\n", ""},
		{"too far ahead", kept, ",\nd\n#EXTINF:2,\ne\n", ""},
		{"another duration", kept, "\n#EXTINF:3,\nc\n#EXTINF:2,\nd\n", ""},
		{"a gap now", kept, "\n#EXT-X-GAP\n#EXTINF:2,\nc\n#EXTINF:2,\nd\n", ""},
		{"newest twice in the tail", kept, "\n#EXTINF:2,\nc\n#EXTINF:2,\nd\n#EXTINF:2,\nc\n", ""},
		{"newest twice in the kept", "#EXTINF:2,\nc\n" + kept, "\n#EXTINF:2,\nc\n#EXTINF:2,\nd\n", ""},
		{"longer than the kept", "#EXTINF:2,\nc\n", "\n#EXTINF:2,\nb\n#EXTINF:2,\nc\n", ""},
		{
			"one file", "#EXTINF:2,\n#EXT-X-BYTERANGE:9@0\nf\n#EXTINF:2,\n#EXT-X-BYTERANGE:9\nf\n#EXTINF:2,\n#EXT-X-BYTERANGE:9@18\nf\n",
			"\n#EXT-X-BYTERANGE:9@18\nf\n#EXTINF:2,\n#EXT-X-BYTERANGE:9\nf\n", "f",
		},
		{
			"one file, no offsets", "#EXTINF:2,\n#EXT-X-BYTERANGE:9@0\nf\n#EXTINF:2,\n#EXT-X-BYTERANGE:9\nf\n",
			"\n#EXT-X-BYTERANGE:9\nf\n#EXTINF:2,\n#EXT-X-BYTERANGE:9\nf\n", "",
		},
		{"no line", kept, "EXTI", ""},
		{"no playlist", kept, "<html>\n<body>\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := "#EXTM3U\n" + tt.kept
			media := parseMedia(t, text, nil)
			e := &Ending{text: []byte(text), total: int64(len(text)), segments: len(media.Segments)}
			update, next := e.makeDelta(media, []byte(tt.tail))
			if (next != nil) != (tt.newest != "") {
				t.Fatalf("joins up: %v", next != nil)
			}
			if next == nil {
				return
			}
			p, err := parseUpdate(update, nil, nil, media)
			if err != nil {
				t.Fatal(err)
			}
			if s, err := p.Media.Newest(); err != nil || s.URI.Text != tt.newest {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
}

// TestEndingOf: only long playlists without variables are read by their end.
func TestEndingOf(t *testing.T) {
	text := long(0, 5400)
	media := parseMedia(t, text, nil)
	if e := media.Ending([]byte(text)); e == nil || len(e.text) > keptEnd || !strings.HasPrefix(string(e.text), "#EXTINF") && !strings.HasPrefix(string(e.text), "2024") {
		t.Error("a long playlist is not")
	}
	if media.Ending([]byte(long(0, 500))) != nil {
		t.Error("a short one is")
	}
	if media.Ending([]byte(text+"#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n")) != nil {
		t.Error("one with variables is")
	}
}

// TestEndNeed: the older the kept playlist, the more of the end is requested.
func TestEndNeed(t *testing.T) {
	text := long(0, 5400)
	media := parseMedia(t, text, nil)
	e := media.Ending([]byte(text))
	each := int64(len(text)/5400) + 1
	for _, tt := range []struct {
		age  time.Duration
		want int64
	}{
		{0, minEnd},
		{time.Minute, minEnd},
		{5 * time.Minute, 2 * 76 * each},
		{time.Hour, 0},
		{1 << 62, 0},
		{-1, 0},
	} {
		if got := e.Need(media, tt.age); got != tt.want {
			t.Errorf("%v: %d, want %d", tt.age, got, tt.want)
		}
	}
	grown := *media
	grown.Segments = append(grown.Segments, make([]Segment, 1351)...)
	if e.Need(&grown, 0) != 0 || (*Ending)(nil).Need(media, 0) != 0 || e.Need(&Media{}, 0) != 0 {
		t.Error("read by the end for ever")
	}
	parts := *e
	parts.text = append(append([]byte{}, e.text[:1000]...), "#EXT-X-PART:URI=a\n"...)
	if got := parts.Need(media, 0); got != minEnd+18 {
		t.Errorf("with parts: %d", got)
	}
}

// TestEndOfIFrames: a playlist read by its end is still an I-frame playlist.
func TestEndOfIFrames(t *testing.T) {
	text := "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-I-FRAMES-ONLY\n"
	for n := range 2000 {
		text += fmt.Sprintf("#EXTINF:2,\n#EXT-X-BYTERANGE:900@188\nseg%d.ts\n", n)
	}
	p, err := Parse([]byte(text), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := text + "#EXTINF:2,\n#EXT-X-BYTERANGE:900@188\nseg2000.ts\n"
	delta, next := p.Media.Ending([]byte(text)).makeDelta(p.Media, []byte(now[len(now)-4000:]))
	if next == nil {
		t.Fatal("no seam")
	}
	p, err = parseUpdate(delta, nil, nil, p.Media)
	if err != nil {
		t.Fatal(err)
	}
	m := p.Media
	if n := len(m.Segments); n != 2001 || !m.IFramesOnly || !m.Segments[0].IsIFrame || !m.Segments[n-1].IsIFrame {
		t.Errorf("%d segments, I-frames %v", n, m.IFramesOnly)
	}
}
