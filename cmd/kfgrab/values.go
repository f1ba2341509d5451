package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/tlspin"
)

// mediaTime is a flag's time in a recording: seconds, or [hours:]minutes:seconds,
// with fractions.
type mediaTime time.Duration

func (t *mediaTime) Type() string { return "time" }

func (t *mediaTime) String() string {
	if *t == 0 {
		return ""
	}
	return time.Duration(*t).String()
}

func (t *mediaTime) Set(text string) error {
	parts := strings.Split(text, ":")
	if len(parts) > 3 {
		return fmt.Errorf("%q has more than hours, minutes and seconds", text)
	}
	var seconds float64
	for i, part := range parts {
		v, err := strconv.ParseFloat(part, 64)
		switch {
		case err != nil || v < 0 || math.IsInf(v, 0) || math.IsNaN(v):
			return fmt.Errorf("%q is no time; write 90.5 or 00:10:30", text)
		case i < len(parts)-1 && v != math.Trunc(v):
			return fmt.Errorf("%q has a fraction before its seconds", text)
		case i > 0 && v >= 60:
			return fmt.Errorf("%q has more than 59 minutes or seconds after a colon", text)
		}
		seconds = seconds*60 + v
	}
	if seconds >= math.MaxInt64/float64(time.Second) {
		return fmt.Errorf("%q is too long", text)
	}
	*t = mediaTime(math.Round(seconds * float64(time.Second)))
	return nil
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

// size is a flag's number of bytes, with k, M or G for powers of 1024.
type size int64

func (s *size) Type() string { return "bytes" }

func (s *size) String() string {
	switch v := int64(*s); {
	case v > 0 && v%(1<<30) == 0:
		return fmt.Sprintf("%dG", v>>30)
	case v > 0 && v%(1<<20) == 0:
		return fmt.Sprintf("%dM", v>>20)
	case v > 0 && v%(1<<10) == 0:
		return fmt.Sprintf("%dk", v>>10)
	default:
		return strconv.FormatInt(v, 10)
	}
}

func (s *size) Set(text string) error {
	number := strings.TrimSuffix(strings.TrimSuffix(text, "B"), "i")
	shift := 0
	switch {
	case strings.HasSuffix(number, "k") || strings.HasSuffix(number, "K"):
		shift = 10
	case strings.HasSuffix(number, "M"):
		shift = 20
	case strings.HasSuffix(number, "G"):
		shift = 30
	}
	if shift > 0 {
		number = number[:len(number)-1]
	}
	v, err := strconv.ParseInt(number, 10, 64)
	if err != nil || v <= 0 || v > math.MaxInt64>>shift {
		return fmt.Errorf("%q is no number of bytes; write 500k or 32M", text)
	}
	*s = size(v << shift)
	return nil
}
