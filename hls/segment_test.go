package hls

import (
	"errors"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// media makes a playlist of 4 s segments from sequence number 100, one per
// letter: a gap for 'g', else a segment.
func media(kinds string) *Media {
	m := &Media{}
	for i, k := range kinds {
		m.Segments = append(m.Segments, Segment{
			Sequence: 100 + int64(i),
			Start:    time.Duration(i) * 4 * time.Second,
			Duration: 4 * time.Second,
			Gap:      k == 'g',
		})
	}
	return m
}

func TestSegmentChoice(t *testing.T) {
	newest := func(m *Media) (*Segment, error) { return m.Newest() }
	first := func(m *Media) (*Segment, error) { return m.First() }
	before := func(seq int64) func(*Media) (*Segment, error) {
		return func(m *Media) (*Segment, error) { return m.Before(seq) }
	}
	at := func(t time.Duration) func(*Media) (*Segment, error) {
		return func(m *Media) (*Segment, error) { return m.At(t) }
	}
	tests := []struct {
		name     string
		segments string
		choose   func(*Media) (*Segment, error)
		want     int64 // 0: ErrNotFound
	}{
		{"newest", "sss", newest, 102},
		{"newest before gaps", "ssgg", newest, 101},
		{"newest of gaps", "gg", newest, 0},
		{"newest of none", "", newest, 0},
		{"first", "sss", first, 100},
		{"first after a gap", "gss", first, 101},
		{"first of gaps", "g", first, 0},
		{"first of none", "", first, 0},
		{"before the newest", "sss", before(102), 101},
		{"before a gap's neighbour", "sgs", before(102), 100},
		{"before the oldest", "sss", before(100), 0},
		{"before what has left the playlist", "sss", before(50), 0},
		{"before what is not yet in the playlist", "sss", before(500), 102},
		{"at the beginning", "sss", at(0), 100},
		{"at the end of a segment", "sss", at(4*time.Second - 1), 100},
		{"at a boundary", "sss", at(4 * time.Second), 101},
		{"at a gap", "sgs", at(5 * time.Second), 100},
		{"at gaps up to there", "ggs", at(5 * time.Second), 102},
		{"at the end", "sss", at(12 * time.Second), 102},
		{"after the end", "sss", at(time.Hour), 102},
		{"before the beginning", "sss", at(-time.Second), 100},
		{"at no segment", "", at(0), 0},
		{"at gaps only", "gg", at(0), 0},
	}
	for _, tt := range tests {
		s, err := tt.choose(media(tt.segments))
		switch {
		case tt.want == 0 && !errors.Is(err, keyframe.ErrNotFound):
			t.Errorf("%s: got %v, %v, want ErrNotFound", tt.name, s, err)
		case tt.want != 0 && (err != nil || s.Sequence != tt.want):
			t.Errorf("%s: got %v, %v, want segment %d", tt.name, s, err, tt.want)
		}
	}
}
