package hls

import "testing"

func TestParseEdge(t *testing.T) {
	for _, e := range []Edge{EdgeFirst, EdgeLast, EdgeNext} {
		if got, err := ParseEdge(e.String()); err != nil || got != e {
			t.Errorf("%v: %v, %v", e, got, err)
		}
	}
	if _, err := ParseEdge("newest"); err == nil {
		t.Error("an edge called newest")
	}
}
