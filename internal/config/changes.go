package config

import (
	"reflect"

	"github.com/kfgrab/kfgrab/serve"
)

// Diff is the difference between two lists of streams. Streams are the same if their names
// are.
type Diff struct {
	Added, Changed []Stream // as in the new list
	Removed        []string // names
}

// Empty reports whether there is no difference.
func (d *Diff) Empty() bool { return len(d.Added)+len(d.Changed)+len(d.Removed) == 0 }

// Changes returns what changed from one list of streams to another.
func Changes(from, to []Stream) Diff {
	var d Diff
	before := make(map[string]*Stream, len(from))

	for i := range from {
		before[from[i].Name] = &from[i]
	}

	for i := range to {
		was := before[to[i].Name]
		delete(before, to[i].Name)
		switch {
		case was == nil:
			d.Added = append(d.Added, to[i])
		case !was.Equal(&to[i]):
			d.Changed = append(d.Changed, to[i])
		}
	}

	for i := range from {
		if before[from[i].Name] != nil {
			d.Removed = append(d.Removed, from[i].Name)
		}
	}

	return d
}

// Equal reports whether two streams are the same in everything that a file can set, including
// secrets and certificate authorities.
func (s *Stream) Equal(o *Stream) bool {
	a, b := *s, *o
	a.Stream, b.Stream = serve.Stream{}, serve.Stream{}
	return s.Stream.Equal(&o.Stream) && reflect.DeepEqual(a, b)
}
