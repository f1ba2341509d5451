package main

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/kfgrab/kfgrab"
)

// maxStreams limits how many streams stay open between invocations. One holds its
// connections and a playlist, about 100 kB.
const maxStreams = 64

// streams holds idle streams, so that their next grab costs less.
type streams struct {
	mu   sync.Mutex
	idle *simplelru.LRU[string, *kfgrab.Stream]
}

func newStreams() *streams {
	idle, _ := simplelru.NewLRU[string, *kfgrab.Stream](maxStreams, nil) // fails only without a size
	return &streams{idle: idle}
}

// streamKey returns equal keys for jobs that can share a Stream.
func (j *job) streamKey() string {
	key, _ := json.Marshal([]any{ // cannot fail
		j.url, j.stream.DialContext != nil, j.stream.Header, j.stream.Edge, time.Duration(j.stream.At), j.stream.Width, j.stream.Height,
	})
	return string(key)
}

// takeStream returns a stream for j, to be given back. kept reports whether it was used
// before.
func (s *streams) takeStream(j *job) (stream *kfgrab.Stream, kept bool, err error) {
	key := j.streamKey()
	s.mu.Lock()
	if stream, kept = s.idle.Peek(key); kept {
		s.idle.Remove(key)
	}
	s.mu.Unlock()
	if !kept {
		stream, err = kfgrab.Open(j.url, &j.stream)
	}
	return stream, kept, err
}

// giveBack keeps stream for the next job with the same key.
func (s *streams) giveBack(j *job, stream *kfgrab.Stream) {
	if spare := s.keepStream(j.streamKey(), stream); spare != nil {
		spare.Close()
	}
}

// keepStream returns a stream to close if there is no room for both.
func (s *streams) keepStream(key string, stream *kfgrab.Stream) (spare *kfgrab.Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch other, same := s.idle.Peek(key); {
	case same:
		spare = other
	case s.idle.Len() == maxStreams:
		_, spare, _ = s.idle.RemoveOldest()
	}
	s.idle.Add(key, stream)
	return spare
}

// close ends all connections.
func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.idle.Len() > 0 {
		_, stream, _ := s.idle.RemoveOldest()
		stream.Close()
	}
}
