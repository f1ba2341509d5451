package main

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/kfgrab/kfgrab/internal/sink"
)

// maxSinks limits how many buckets keep their connections.
const maxSinks = 16

// sinks keeps connections to buckets open.
type sinks struct {
	mu   sync.Mutex
	open *simplelru.LRU[string, *sink.S3]
}

func newSinks() *sinks {
	// Close ends only idle connections: a Put under way goes on.
	open, _ := simplelru.NewLRU(maxSinks, func(_ string, old *sink.S3) { old.Close() }) // fails only without a size
	return &sinks{open: open}
}

// target is where pictures go in a bucket.
type target struct {
	location *sink.S3Location
	options  sink.S3Options
}

// parseSink reads one of three forms, with the parameters of sink.ParseS3:
//
//	s3://bucket/prefix              pictures below it by sink.DefaultTemplate, and the newest
//	s3://bucket/key.jpg             one object, which the next picture replaces
//	s3://bucket/{name}-{unix}.jpg   a template
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

// putPicture stores p and returns its location.
func (s *sinks) putPicture(ctx context.Context, to string, p *sink.Picture) (location string, err error) {
	store, err := s.openSink(to)
	if err != nil {
		return "", err
	}
	return store.Put(ctx, p)
}

func (s *sinks) openSink(text string) (*sink.S3, error) {
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
