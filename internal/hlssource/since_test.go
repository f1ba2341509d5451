package hlssource

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/hls"
	"pgregory.net/rapid"
)

// outlined makes a playlist of a word for each segment from sequence number
// first on: "s" is a segment, "g" a gap, "d" a segment after a discontinuity. A
// number of parts follows. "e" is the segment in the making.
func outlined(first int64, words string) *hls.Media {
	m := &hls.Media{MediaSequence: first, Live: true}
	for i, w := range strings.Fields(words) {
		seg := hls.Segment{Sequence: first + int64(i), Gap: w[0] == 'g', Discontinuity: w[0] == 'd'}
		if len(w) > 1 {
			seg.Parts = make([]hls.Part, w[1]-'0')
			for j := range seg.Parts {
				seg.Parts[j].URI.Text = fmt.Sprint(j)
			}
		}
		if w[0] == 'e' {
			m.Edge = &seg
		} else {
			seg.URI.Text = "whole"
			m.Segments = append(m.Segments, seg)
		}
	}
	return m
}

// listed writes what is to be read: "7" is a segment, "7.2" a part, and "|"
// precedes what comes after a gap.
func listed(list []unread) string {
	var words []string
	for _, u := range list {
		w := fmt.Sprint(u.Sequence)
		if u.IsPart {
			w += "." + u.URI.Text
		}
		if u.afterGap {
			w = "|" + w
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

func TestSince(t *testing.T) {
	for _, c := range []struct {
		name  string
		at    hls.Place
		first int64
		words string
		parts bool
		want  string
		end   hls.Place
	}{
		{"nothing new", hls.Place{Sequence: 8, Part: 0}, 5, "s s s", false, "", hls.Place{Sequence: 8, Part: 0}},
		{"one more", hls.Place{Sequence: 7, Part: 0}, 5, "s s s", false, "7", hls.Place{Sequence: 8, Part: 0}},
		{"several", hls.Place{Sequence: 6, Part: 0}, 5, "s s s", false, "6 7", hls.Place{Sequence: 8, Part: 0}},
		{"lost", hls.Place{Sequence: 3, Part: 0}, 5, "s s s", false, "|5 6 7", hls.Place{Sequence: 8, Part: 0}},
		{"a gap", hls.Place{Sequence: 5, Part: 0}, 5, "s g s", false, "5 |7", hls.Place{Sequence: 8, Part: 0}},
		{"a gap at the end", hls.Place{Sequence: 7, Part: 0}, 5, "s s g", false, "", hls.Place{Sequence: 7, Part: 0}},
		{"a discontinuity", hls.Place{Sequence: 5, Part: 0}, 5, "s d s", false, "5 |6 7", hls.Place{Sequence: 8, Part: 0}},
		{"an older playlist", hls.Place{Sequence: 8, Part: 0}, 4, "s s s", false, "", hls.Place{Sequence: 8, Part: 0}},
		{"a new beginning", hls.Place{Sequence: 80, Part: 0}, 0, "s s s", false, "|2", hls.Place{Sequence: 3, Part: 0}},
		{"parts not wanted", hls.Place{Sequence: 7, Part: 0}, 5, "s s2 e1", false, "", hls.Place{Sequence: 7, Part: 0}},
		{"parts", hls.Place{Sequence: 7, Part: 0}, 5, "s s2 e2", true, "7.0 7.1", hls.Place{Sequence: 7, Part: 2}},
		{"another part", hls.Place{Sequence: 7, Part: 1}, 5, "s s2 e2", true, "7.1", hls.Place{Sequence: 7, Part: 2}},
		{"the segment's last part", hls.Place{Sequence: 7, Part: 1}, 5, "s s2 s2", true, "7.1", hls.Place{Sequence: 8, Part: 0}},
		{"all of it read by parts", hls.Place{Sequence: 7, Part: 2}, 5, "s s2 s2 e1", true, "8.0", hls.Place{Sequence: 8, Part: 1}},
		{"its parts gone", hls.Place{Sequence: 7, Part: 1}, 5, "s s s s2", true, "|8", hls.Place{Sequence: 9, Part: 0}},
		{"late, segments are there", hls.Place{Sequence: 6, Part: 0}, 5, "s s2 s2 e1", true, "6 7 8.0", hls.Place{Sequence: 8, Part: 1}},
		{"the edge far ahead", hls.Place{Sequence: 5, Part: 0}, 7, "e1", true, "|7.0", hls.Place{Sequence: 7, Part: 1}},
		{"empty", hls.Place{Sequence: 5, Part: 0}, 5, "", true, "", hls.Place{Sequence: 5, Part: 0}},
	} {
		list, end := unreadSince(outlined(c.first, c.words), c.at, c.parts)
		if got := listed(list); got != c.want || end != c.end {
			t.Errorf("%s: %q up to %v, want %q up to %v", c.name, got, end, c.want, c.end)
		}
	}
}

// TestSinceInOrder: however a stream grows and whichever of its playlists are
// seen, nothing is read twice or out of order, and what is left out leaves a
// gap.
func TestSinceInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const size = 3 // parts per segment
		window := rapid.IntRange(1, 4).Draw(t, "window")
		now, at := 0, hls.Place{} // now counts finished parts
		next := 0                 // the part that would continue
		for range rapid.IntRange(1, 12).Draw(t, "reloads") {
			now += rapid.IntRange(0, 8).Draw(t, "made")
			first := max(0, now/size-window)
			words := ""
			for seg := first; seg < now/size; seg++ {
				if seg >= now/size-1 {
					words += "s3 "
				} else {
					words += "s "
				}
			}
			if now%size > 0 {
				words += fmt.Sprint("e", now%size)
			}
			var list []unread
			list, at = unreadSince(outlined(int64(first), words), at, true)
			for _, u := range list {
				from, to := int(u.Sequence)*size, int(u.Sequence+1)*size
				if u.IsPart {
					from += int(u.URI.Text[0] - '0')
					to = from + 1
				}
				if from < next || from > next && !u.afterGap {
					t.Fatalf("%s after part %d", listed(list), next)
				}
				next = to
			}
		}
	})
}
