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

// The environment variables that set the function up.
const (
	streamsVariable = "KFGRAB_STREAMS"       // the named streams: a JSON object of orders
	allowedVariable = "KFGRAB_ALLOWED_HOSTS" // as allow.Parse reads it
	maxAgeVariable  = "KFGRAB_MAX_AGE"       // in seconds
)

// defaultMaxAge is how long a client may show a picture without asking again.
const defaultMaxAge = 5 * time.Second

// settings are what the owner of the function decides.
type settings struct {
	streams map[string]json.RawMessage // named orders, each of them sound
	allowed *allow.List                // whom others may have connections made to
	maxAge  time.Duration
}

// streamName is what stands in the path of a URL as it is.
var streamName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$`)

func readSettings(getenv func(string) string) (*settings, error) {
	s := &settings{maxAge: defaultMaxAge}
	var err error
	if s.allowed, err = allow.Parse(getenv(allowedVariable)); err != nil {
		return nil, fmt.Errorf("%s: %w", allowedVariable, err)
	}
	if text := getenv(maxAgeVariable); text != "" {
		seconds, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is no number of seconds", maxAgeVariable, text)
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
		return fmt.Errorf(`%w: write {"lobby": {"url": "https://…"}}`, err)
	}
	for name := range s.streams {
		if !streamName.MatchString(name) {
			return fmt.Errorf("%q is no name: letters, digits, dots, dashes and underscores make one, 100 at most", name)
		}
		o, err := s.named(name)
		if err == nil && (o.URL == "" || o.Stream != name) {
			err = errors.New(`it has to have a "url", and no "stream"`)
		}
		if err == nil {
			err = s.try(o)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// try checks all of o that can be checked without the stream.
func (s *settings) try(o *order) error {
	j, err := o.job(s)
	if err != nil {
		return err
	}
	stream, err := kfgrab.Open(j.url, &j.stream)
	if err != nil {
		return err
	}
	return stream.Close()
}

// named returns the order of that name, for others to be put over it.
func (s *settings) named(name string) (*order, error) {
	stored, ok := s.streams[name]
	if !ok {
		return nil, fmt.Errorf("%w of the name %q", errNoStream, name)
	}
	o := &order{Stream: name}
	return o, decodeStrictly(stored, o)
}
