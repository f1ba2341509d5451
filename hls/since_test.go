package hls

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// outlined makes a playlist of a word for each segment from sequence number first
// on: "s" is one, "g" a gap, "d" behind a discontinuity; a number of parts follows,
// "e" is the segment in the making.
func outlined(first int64, words string) *Media {
	m := &Media{MediaSequence: first, Live: true}
	for i, w := range strings.Fields(words) {
		seg := Segment{Sequence: first + int64(i), Gap: w[0] == 'g', Discontinuity: w[0] == 'd'}
		if len(w) > 1 {
			seg.Parts = make([]Part, w[1]-'0')
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

// listed writes what is to be read: "7" a segment, "7.2" a part, "|" in front of
// what is after a gap.
func listed(list []unread) string {
	var words []string
	for _, u := range list {
		w := fmt.Sprint(u.Sequence)
		if u.isPart {
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
		at    place
		first int64
		words string
		parts bool
		want  string
		end   place
	}{
		{"nothing new", place{8, 0}, 5, "s s s", false, "", place{8, 0}},
		{"one more", place{7, 0}, 5, "s s s", false, "7", place{8, 0}},
		{"several", place{6, 0}, 5, "s s s", false, "6 7", place{8, 0}},
		{"lost", place{3, 0}, 5, "s s s", false, "|5 6 7", place{8, 0}},
		{"a gap", place{5, 0}, 5, "s g s", false, "5 |7", place{8, 0}},
		{"a gap at the end", place{7, 0}, 5, "s s g", false, "", place{7, 0}},
		{"a discontinuity", place{5, 0}, 5, "s d s", false, "5 |6 7", place{8, 0}},
		{"an older playlist", place{8, 0}, 4, "s s s", false, "", place{8, 0}},
		{"a new beginning", place{80, 0}, 0, "s s s", false, "|2", place{3, 0}},
		{"parts not wanted", place{7, 0}, 5, "s s2 e1", false, "", place{7, 0}},
		{"parts", place{7, 0}, 5, "s s2 e2", true, "7.0 7.1", place{7, 2}},
		{"another part", place{7, 1}, 5, "s s2 e2", true, "7.1", place{7, 2}},
		{"the segment's last part", place{7, 1}, 5, "s s2 s2", true, "7.1", place{8, 0}},
		{"all of it read by parts", place{7, 2}, 5, "s s2 s2 e1", true, "8.0", place{8, 1}},
		{"its parts gone", place{7, 1}, 5, "s s s s2", true, "|8", place{9, 0}},
		{"late, segments are there", place{6, 0}, 5, "s s2 s2 e1", true, "6 7 8.0", place{8, 1}},
		{"the edge far ahead", place{5, 0}, 7, "e1", true, "|7.0", place{7, 1}},
		{"empty", place{5, 0}, 5, "", true, "", place{5, 0}},
	} {
		list, end := outlined(c.first, c.words).since(c.at, c.parts)
		if got := listed(list); got != c.want || end != c.end {
			t.Errorf("%s: %q up to %v, want %q up to %v", c.name, got, end, c.want, c.end)
		}
	}
}

// However a stream grows and whichever of its playlists are seen, nothing is read
// twice or out of order, and what is left out leaves a gap.
func TestSinceInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const size = 3 // parts of a segment
		window := rapid.IntRange(1, 4).Draw(t, "window")
		now, at := 0, place{} // now counts parts that were made
		next := 0             // the part that would go on
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
			list, at = outlined(int64(first), words).since(at, true)
			for _, u := range list {
				from, to := int(u.Sequence)*size, int(u.Sequence+1)*size
				if u.isPart {
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
