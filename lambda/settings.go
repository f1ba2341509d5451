package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/allow"
)

// The environment variables with the settings.
const (
	streamsVariable = "KFGRAB_STREAMS"       // the named streams: a JSON object of orders
	allowedVariable = "KFGRAB_ALLOWED_HOSTS" // as allow.Parse reads it
	maxAgeVariable  = "KFGRAB_MAX_AGE"       // in seconds
)

// defaultMaxAge is how long clients may cache a picture.
const defaultMaxAge = 5 * time.Second

// settings are the owner's decisions.
type settings struct {
	streams map[string]json.RawMessage // orders by name, all valid
	allowed *allow.List                // hosts that others may have the function connect to
	maxAge  time.Duration
}

// namePattern matches names that need no escaping in the path of a URL.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$`)

func readSettings(getenv func(string) string) (*settings, error) {
	s := &settings{maxAge: defaultMaxAge}
	var err error
	if s.allowed, err = allow.Parse(getenv(allowedVariable)); err != nil {
		return nil, fmt.Errorf("%s: %w", allowedVariable, err)
	}

	if text := getenv(maxAgeVariable); text != "" {
		seconds, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("%s: want a number of seconds, not %q", maxAgeVariable, text)
		}
		s.maxAge = time.Duration(seconds) * time.Second
	}

	if err := s.readStreams(getenv(streamsVariable)); err != nil {
		return nil, fmt.Errorf("%s: %w", streamsVariable, err)
	}
	return s, nil
}

func (s *settings) readStreams(text string) error {
	if text == "" {
		return nil
	}

	if err := decodeStrictly([]byte(text), &s.streams); err != nil {
		return fmt.Errorf(`%w: want {"lobby": {"url": "https://…"}}`, err)
	}

	for name := range s.streams {
		if !namePattern.MatchString(name) {
			return fmt.Errorf("invalid name %q: use at most 100 letters, digits, dots, dashes and underscores", name)
		}

		o, err := s.namedOrder(name)
		if err == nil && (o.URL == "" || o.Stream != name) {
			err = errors.New(`want a "url", and no "stream"`)
		}
		if err == nil {
			err = s.checkOrder(o)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// checkOrder checks everything that needs no stream.
func (s *settings) checkOrder(o *order) error {
	j, err := o.newJob(s)
	if err != nil {
		return err
	}
	stream, err := kfgrab.Open(j.url, &j.stream)
	if err != nil {
		return err
	}
	return stream.Close()
}

// namedOrder returns a copy of the order with this name, for callers to override.
func (s *settings) namedOrder(name string) (*order, error) {
	stored, ok := s.streams[name]
	if !ok {
		return nil, fmt.Errorf("%w has the name %q", errNoStream, name)
	}
	o := &order{Stream: name}
	return o, decodeStrictly(stored, o)
}
