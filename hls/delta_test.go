package hls

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestDeltaEqualsWhole: a delta update that skips any prefix, once merged,
// equals the whole playlist. An update that does not join up is an error.
func TestDeltaEqualsWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawChannel(t)
		a, b, from, to := c.windows(t)
		kept := parseMedia(t, c.playlist(a, b, 0), nil)
		whole := parseMedia(t, c.playlist(from, to, 0), nil)
		if n := min(b, to-withParts) - from; n > 0 {
			delta := parseMedia(t, c.playlist(from, to, rapid.IntRange(1, n).Draw(t, "skip")), kept)
			if !reflect.DeepEqual(delta, whole) || !delta.joinsUp(kept) {
				t.Fatalf("other segments: kept\n%snow\n%s", c.playlist(a, b, 0), c.playlist(from, to, 0))
			}
		}
		if to > b+1 { // skips one segment more than is known
			p, err := parsePlaylist([]byte(c.playlist(from, to, b+1-from)), testBase, nil, kept)
			if err == nil && (p.Media.Skipped == 0 || p.Media.joinsUp(kept)) {
				t.Fatal("a hole was bridged")
			}
		}
	})
}

// TestUpdatesEqualWhole: after any series of whole playlists and delta updates, each
// merged into what came of those before, the result is the whole playlist.
func TestUpdatesEqualWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawChannel(t)
		n := len(c.segments)
		least := min(1+c.loop, n)
		from, to := 0, least
		kept := parseMedia(t, c.playlist(from, to, 0), nil)
		for range rapid.IntRange(1, 8).Draw(t, "answers") {
			before := to
			to = rapid.IntRange(to, n).Draw(t, "to")
			from = rapid.IntRange(from, max(from, before-least)).Draw(t, "from")
			whole := parseMedia(t, c.playlist(from, to, 0), nil)
			text := c.playlist(from, to, 0)
			switch most := min(before, to-withParts) - from; rapid.IntRange(0, 2).Draw(t, "kind") {
			case 1:
				text = c.bare(from, to)
			case 2:
				text = c.list(from, to, max(most, 0), fmt.Sprintf("#EXT-X-SKIP:SKIPPED-SEGMENTS=%d\n", max(most, 0)))
			}
			p, err := kept.ParseUpdate([]byte(text), testBase, nil)
			if err != nil {
				t.Fatal(err, text)
			}
			if !reflect.DeepEqual(p.Media, whole) {
				t.Fatalf("other segments after\n%sthe whole is\n%s", text, c.playlist(from, to, 0))
			}
			kept = p.Media
		}
	})
}

// TestDeltaMediaMTX: MediaMTX 1.21 answers a request for a delta update with no
// segment skipped and without EXT-X-MAP, which the segments keep.
func TestDeltaMediaMTX(t *testing.T) {
	const cases = "../../shared/cases/streams/mediamtx-ll-"
	var texts []string
	for _, name := range []string{"full", "delta-skip0-no-map"} {
		data, err := os.ReadFile(cases + name + ".m3u8")
		if err != nil {
			t.Skip("needs the cases beside the repository:", err)
		}
		texts = append(texts, string(data))
	}
	whole := parseMedia(t, texts[0], nil)
	p, err := whole.ParseUpdate([]byte(texts[1]), testBase, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(p.Media, whole) || p.Media.Edge.Map == nil {
		t.Error("the update differs from the whole")
	}
}

// TestDeltaUnstated: what an update leaves out, its segments have from the kept
// playlist, unless the update states it.
func TestDeltaUnstated(t *testing.T) {
	kept := parseMedia(t, "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-MAP:URI=\"i\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:2,\na\n"+
		"#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"j\"\n#EXTINF:2,\n#EXT-X-BYTERANGE:5@3\nb\n", nil)
	tests := []struct{ name, rest, want string }{
		{"all", "#EXTINF:2,\na\n#EXTINF:2,\n#EXT-X-BYTERANGE:5@3\nb\n#EXTINF:2,\nc\n", "a i k,b j k!,c j k"},
		{"moved on", "8\n#EXTINF:2,\n#EXT-X-BYTERANGE:5@3\nb\n#EXTINF:2,\nc\n", "b j k!,c j k"},
		{"moved past all", "9\n#EXTINF:2,\n#EXT-X-BYTERANGE:6\nb\n", "b j k 8"},
		{"another map", "#EXTINF:2,\na\n#EXTINF:2,\n#EXT-X-BYTERANGE:5@3\nb\n#EXT-X-MAP:URI=\"m\"\n#EXTINF:2,\nc\n", "a i k,b j k!,c m k"},
		{"no more keys", "#EXTINF:2,\na\n#EXTINF:2,\n#EXT-X-BYTERANGE:5@3\nb\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:2,\nc\n", "a i k,b j k!,c j "},
		{"a gap between", "12\n#EXTINF:2,\nx\n", "x - "},
	}
	for _, tt := range tests {
		sequence, rest, _ := strings.Cut(tt.rest, "\n")
		if strings.HasPrefix(sequence, "#") {
			sequence, rest = "7", tt.rest
		}
		p, err := kept.ParseUpdate([]byte("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:"+sequence+"\n#EXT-X-SKIP:SKIPPED-SEGMENTS=0\n"+rest), testBase, nil)
		if err != nil {
			t.Fatal(tt.name, err)
		}
		var got []string
		for _, s := range p.Media.Segments {
			line := s.URI.Text + " - "
			if s.Map != nil {
				line = s.URI.Text + " " + s.Map.URI.Text + " "
			}
			for _, k := range s.Keys {
				line += k.URI.Text
			}
			if s.Discontinuity {
				line += "!"
			}
			if s.ByteRange != nil && s.ByteRange.Offset > 3 {
				line += fmt.Sprint(" ", s.ByteRange.Offset)
			}
			got = append(got, line)
		}
		if s := strings.Join(got, ","); s != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, s, tt.want)
		}
	}
}

// TestDelta: a delta update is merged if it joins up with the kept playlist.
func TestDelta(t *testing.T) {
	const kept = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-MAP:URI=\"i\"\n" +
		"#EXTINF:2,\na\n#EXTINF:2,\nb\n#EXT-X-PART:URI=\"c.0\"\n#EXTINF:2,\nc\n#EXT-X-PART:URI=\"d.0\"\n"
	delta := func(sequence, skip, rest string) string {
		return "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:" + sequence + "\n#EXT-X-SKIP:SKIPPED-SEGMENTS=" + skip + "\n" + rest
	}
	tests := []struct {
		name, delta string
		uris        string // "" if it does not join up
	}{
		{"nothing new", delta("7", "2", "#EXTINF:2,\nc\n"), "a b c"},
		{"all skipped", delta("7", "3", ""), "a b c"},
		{"one gone, one new", delta("8", "1", "#EXTINF:2,\nc\n#EXTINF:2,\nd\n"), "b c d"},
		{"begins behind what is kept", delta("7", "3", "#EXTINF:2,\nd\n"), "a b c d"},
		{"skips what is not kept", delta("7", "4", "#EXTINF:2,\ne\n"), ""},
		{"begins before what is kept", delta("6", "2", "#EXTINF:2,\nb\n"), ""},
		{"far ahead", delta("4611686018427387903", "33554432", "#EXTINF:2,\nb\n"), ""},
		{"another stream by the same numbers", delta("7", "2", "#EXTINF:2,\nx\n"), ""},
		{"whole after all", "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:8\n#EXTINF:2,\nb\n#EXTINF:2,\nc\n", "b c"},
		{"skips nothing", delta("8", "0", "#EXTINF:2,\nb\n"), "b"},
		{"begun anew", "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:2,\nb\n#EXTINF:2,\nc\n", "b c"},
	}
	before := parseMedia(t, kept, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := parseMedia(t, tt.delta, before)
			var uris []string
			for _, s := range m.Segments {
				uris = append(uris, s.URI.Text)
			}
			switch joined := m.joinsUp(before); {
			case joined != (tt.uris != ""):
				t.Errorf("joins up: %v", joined)
			case joined && strings.Join(uris, " ") != tt.uris:
				t.Errorf("segments %q, want %q", uris, tt.uris)
			}
		})
	}
	m := parseMedia(t, tests[2].delta, before)
	d := m.Segments[2]
	if d.Sequence != 10 || d.Start != 4*time.Second || len(d.Keys) != 1 || d.Map == nil || m.Segments[1].Parts != nil || m.Skipped != 0 {
		t.Errorf("%+v", d)
	}
	if _, err := Parse([]byte(tests[0].delta), nil, nil); err != nil {
		t.Error(err)
	}
}

// TestDeltaBounded: a series of playlists cannot pile up segments.
func TestDeltaBounded(t *testing.T) {
	kept := &Media{Segments: make([]Segment, maxMerged+1)}
	m := parseMedia(t, "#EXTM3U\n#EXT-X-SKIP:SKIPPED-SEGMENTS=65537\n#EXTINF:2,\na\n", kept)
	if m.Skipped != maxMerged+1 || len(m.Segments) != 1 {
		t.Errorf("%d skipped, %d segments", m.Skipped, len(m.Segments))
	}
}
