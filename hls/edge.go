package hls

import (
	"fmt"
)

// Edge selects a keyframe of a live stream.
type Edge uint8

const (
	// EdgeFirst is the first keyframe of the newest segment, or of the newest
	// partial segment that has one: the cheapest.
	EdgeFirst Edge = iota
	// EdgeLast is the newest keyframe that is listed. In a transport stream without an
	// I-frame playlist, the rest of its segment is fetched as well.
	EdgeLast
	// EdgeNext waits for a keyframe that was taken after the grab began: by the
	// playlist's clock or, if it has none, the first one listed since then.
	EdgeNext
)

var edgeNames = [...]string{"first", "last", "next"}

// String returns the name that ParseEdge takes.
func (e Edge) String() string {
	if int(e) >= len(edgeNames) {
		return fmt.Sprintf("Edge(%d)", uint8(e))
	}
	return edgeNames[e]
}

// ParseEdge returns the edge of that name: "first", "last" or "next".
func ParseEdge(name string) (Edge, error) {
	for i, n := range edgeNames {
		if n == name {
			return Edge(i), nil
		}
	}
	return 0, fmt.Errorf("unknown edge %q: want first, last or next", name)
}

// MarshalText returns what String does. It implements encoding.TextMarshaler.
func (e Edge) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads what ParseEdge does. It implements encoding.TextUnmarshaler.
func (e *Edge) UnmarshalText(text []byte) (err error) {
	*e, err = ParseEdge(string(text))
	return err
}
