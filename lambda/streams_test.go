package main

import (
	"fmt"
	"sync"
	"testing"
)

// TestStreams: only one caller at a time has a stream, and at most maxStreams
// are kept.
func TestStreams(t *testing.T) {
	s := newStreams()
	defer s.close()
	of := func(k int) *job { return &job{url: fmt.Sprintf("http://127.0.0.1:1/%d", k)} }
	var all sync.WaitGroup
	for k := range 4 * maxStreams {
		for range 2 {
			all.Go(func() {
				j := of(k)
				stream, _, err := s.takeStream(j)
				if err != nil {
					t.Error(err)
					return
				}
				s.giveBack(j, stream)
			})
		}
	}
	all.Wait()
	if n := s.idle.Len(); n != maxStreams {
		t.Errorf("%d are kept, want %d", n, maxStreams)
	}
	j := of(-1)
	first, kept, _ := s.takeStream(j)
	second, again, _ := s.takeStream(j)
	if kept || again || first == second {
		t.Error("two callers have the same stream")
	}
	s.giveBack(j, first)
	s.giveBack(j, second)
	if got, kept, _ := s.takeStream(j); !kept || got != second {
		t.Error("the stream that was given back is not kept")
	}
	// Streams with and without checked connections are never mixed.
	s.giveBack(j, second)
	list := environment{allowedVariable: "127.0.0.1"}
	f, _ := list.open(t)
	j = of(-1)
	j.stream.DialContext = f.settings.allowed.DialContext
	if _, kept, _ := s.takeStream(j); kept {
		t.Error("a caller that wants checks got a stream without")
	}
}
