package main

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/kfgrab/kfgrab"
)

// maxStreams bounds those that are kept from one invocation to the next. One holds its
// connections and a playlist, some 100 kB.
const maxStreams = 64

// streams keeps, of streams that nobody uses, what makes their next grab cheaper.
type streams struct {
	mu   sync.Mutex
	idle *simplelru.LRU[string, *kfgrab.Stream]
}

func newStreams() *streams {
	idle, _ := simplelru.NewLRU[string, *kfgrab.Stream](maxStreams, nil) // fails for no size alone
	return &streams{idle: idle}
}

// key tells apart what one Stream cannot serve.
func (j *job) key() string {
	key, _ := json.Marshal([]any{ // fails never
		j.url, j.stream.DialContext != nil, j.stream.Header, j.stream.Edge, time.Duration(j.stream.At), j.stream.Width, j.stream.Height,
	})
	return string(key)
}

// take returns a stream for j, which nobody else uses until it is given back; kept says
// whether it was used before.
func (s *streams) take(j *job) (stream *kfgrab.Stream, kept bool, err error) {
	key := j.key()
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

// giveBack keeps stream for the next one who asks for the same.
func (s *streams) giveBack(j *job, stream *kfgrab.Stream) {
	if spare := s.keep(j.key(), stream); spare != nil {
		spare.Close()
	}
}

// keep returns what there is no room for.
func (s *streams) keep(key string, stream *kfgrab.Stream) (spare *kfgrab.Stream) {
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
