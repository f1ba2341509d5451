package main

import (
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/tlspin"
	"github.com/kfgrab/kfgrab/internal/units"
)

// mediaTime is a flag's time in a recording.
type mediaTime time.Duration

func (t *mediaTime) Type() string { return "time" }

func (t *mediaTime) String() string {
	if *t == 0 {
		return ""
	}
	return time.Duration(*t).String()
}

func (t *mediaTime) Set(text string) error {
	v, err := units.ParseTime(text)
	*t = mediaTime(v)
	return err
}

// edge is a flag's choice of a live keyframe.
type edge kfgrab.Edge

func (e *edge) Type() string { return "edge" }

func (e *edge) String() string { return kfgrab.Edge(*e).String() }

func (e *edge) Set(text string) error {
	v, err := hls.ParseEdge(text)
	*e = edge(v)
	return err
}

// fingerprint is a flag's TLS certificate.
type fingerprint []byte

func (f *fingerprint) Type() string { return "fingerprint" }

func (f *fingerprint) String() string { return tlspin.Format(*f) }

func (f *fingerprint) Set(text string) (err error) {
	*f, err = tlspin.Parse(text)
	return err
}

// size is a flag's number of bytes.
type size int64

func (s *size) Type() string { return "bytes" }

func (s *size) String() string { return units.FormatBytes(int64(*s)) }

func (s *size) Set(text string) error {
	v, err := units.ParseBytes(text)
	*s = size(v)
	return err
}
