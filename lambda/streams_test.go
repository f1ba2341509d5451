package main

import (
	"fmt"
	"sync"
	"testing"
)

// TestStreams: a stream is one caller's at a time, and no more are kept than there is
// room for.
func TestStreams(t *testing.T) {
	s := newStreams()
	defer s.close()
	of := func(k int) *job { return &job{url: fmt.Sprintf("http://127.0.0.1:1/%d", k)} }
	var all sync.WaitGroup
	for k := range 4 * maxStreams {
		for range 2 {
			all.Go(func() {
				j := of(k)
				stream, _, err := s.take(j)
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
	first, kept, _ := s.take(j)
	second, again, _ := s.take(j)
	if kept || again || first == second {
		t.Error("two have the same stream")
	}
	s.giveBack(j, first)
	s.giveBack(j, second)
	if got, kept, _ := s.take(j); !kept || got != second {
		t.Error("the stream that was given back is not kept")
	}
	// What is checked by an allow list is never mixed with what is not.
	s.giveBack(j, second)
	list := environment{allowedVariable: "127.0.0.1"}
	f, _ := list.open(t)
	j = of(-1)
	j.stream.DialContext = f.settings.allowed.DialContext
	if _, kept, _ := s.take(j); kept {
		t.Error("a stream without checks is given to who wants it with")
	}
}
