package main

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/kfgrab/kfgrab/internal/sink"
)

// maxSinks bounds those whose connections are kept.
const maxSinks = 16

// sinks keeps connections to buckets.
type sinks struct {
	mu   sync.Mutex
	open *simplelru.LRU[string, *sink.S3]
}

func newSinks() *sinks {
	// Of one that is closed connections end that are idle: a Put that is under way goes on.
	open, _ := simplelru.NewLRU(maxSinks, func(_ string, old *sink.S3) { old.Close() }) // fails for no size alone
	return &sinks{open: open}
}

// target is where in a bucket pictures go.
type target struct {
	location *sink.S3Location
	options  sink.S3Options
}

// parseSink reads s3://bucket/prefix, below which the pictures of streams go as package
// sink's default has it, with a copy of the newest; s3://bucket/key.jpg, which the next
// picture replaces; or s3://bucket/{name}-{unix}.jpg, a template. The parameters are
// those of sink.ParseS3.
func parseSink(text string) (*target, error) {
	l, err := sink.ParseS3(text)
	if err != nil {
		return nil, err
	}
	t := &target{location: l}
	last := l.Prefix[strings.LastIndexByte(l.Prefix, '/')+1:]
	if !strings.ContainsAny(l.Prefix, "{}") && !strings.Contains(last, ".") {
		return t, nil
	}
	t.options.NoLatest = true
	if t.options.Template, err = sink.ParseKey(l.Prefix); err != nil {
		return nil, fmt.Errorf("s3://%s: %w", l.Bucket, err)
	}
	l.Prefix = ""
	return t, nil
}

// put stores p and returns where it is.
func (s *sinks) put(ctx context.Context, to string, p *sink.Picture) (location string, err error) {
	store, err := s.get(to)
	if err != nil {
		return "", err
	}
	return store.Put(ctx, p)
}

func (s *sinks) get(text string) (*sink.S3, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if store, ok := s.open.Get(text); ok {
		return store, nil
	}
	t, err := parseSink(text)
	if err != nil {
		return nil, err
	}
	store, err := sink.OpenS3(t.location, &t.options)
	if err != nil {
		return nil, err
	}
	s.open.Add(text, store)
	return store, nil
}

func (s *sinks) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open.Purge()
}
