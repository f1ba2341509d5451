package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/address"
	"github.com/kfgrab/kfgrab/internal/allow"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/picture"
)

// order is the request in an event.
type order struct {
	Stream  string            `json:"stream"` // a name from the settings, instead of URL
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"` // for the stream's own server
	Edge    string            `json:"edge"`    // first, last or next
	At      timeInMedia       `json:"at"`

	// SkipBlack is the number of keyframes to try for one that is not blank; 0 takes
	// the first one.
	SkipBlack int `json:"skip_black"`

	Format  string `json:"format"`
	Width   int    `json:"width"`
	Height  int    `json:"height"`
	Fit     string `json:"fit"`  // fill, cover or contain
	Crop    string `json:"crop"` // see decode.ParseCrop
	Quality int    `json:"quality"`
	Overlay bool   `json:"overlay"`
	Name    string `json:"name"` // for the overlay and the sink; empty means the stream's

	Sink string `json:"sink"` // see parseSink; "" returns the picture
}

// timeInMedia is a time in a recording: seconds, or text such as "00:10:30".
type timeInMedia time.Duration

func (t *timeInMedia) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		return nil
	}
	return t.parseText(strings.Trim(string(data), `"`))
}

func (t *timeInMedia) parseText(text string) error {
	d, err := units.ParseTime(text)
	*t = timeInMedia(d)
	return err
}

var (
	errNoStream = errors.New("no stream")
	errNoURL    = fmt.Errorf(`%w: the stream is missing: give its "url", or its name as "stream"`, kfgrab.ErrUsage)
)

// decodeStrictly decodes one JSON value and refuses fields that v does not have.
func decodeStrictly(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %s", kfgrab.ErrUsage, strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: there is more after the JSON value", kfgrab.ErrUsage)
	}
	return nil
}

// parseOrder reads an event. Its fields override those of the named stream.
func parseOrder(event []byte, s *settings) (*order, error) {
	var first order
	if err := decodeStrictly(event, &first); err != nil || first.Stream == "" {
		return &first, err
	}
	if first.URL != "" {
		return nil, fmt.Errorf(`%w: "stream" and "url" exclude each other`, kfgrab.ErrUsage)
	}
	o, err := s.namedOrder(first.Stream)
	if err != nil {
		return nil, err
	}
	return o, decodeStrictly(event, o)
}

// job is a valid order.
type job struct {
	name    string // of the stream
	url     string
	named   bool // from the settings: only the owner knows the address
	stream  kfgrab.Options
	picture picture.Options
	sink    string
}

// newJob checks all of o before anything is fetched. If the owner of the function has
// a list of hosts, it applies to every address that is not from the settings.
func (o *order) newJob(s *settings) (*job, error) {
	j := &job{name: o.Name, url: o.URL, named: o.Stream != "", sink: o.Sink}
	if j.url == "" {
		return nil, errNoURL
	}
	if !j.named && !s.allowed.Empty() {
		if err := checkAllowed(s.allowed, j.url); err != nil {
			return nil, err
		}
		j.stream.DialContext = s.allowed.DialContext
	}

	switch {
	case j.name != "":
	case j.named:
		j.name = o.Stream
	default:
		j.name = picture.StreamName(j.url)
	}

	if err := o.parseOptions(j); err != nil {
		return nil, fmt.Errorf("%w: %w", kfgrab.ErrUsage, err)
	}
	if o.Sink != "" {
		if _, err := parseSink(o.Sink); err != nil {
			return nil, fmt.Errorf("%w: %w", kfgrab.ErrUsage, err)
		}
	}
	return j, nil
}

func checkAllowed(l *allow.List, rawURL string) error {
	u, err := address.Parse(rawURL)
	if err != nil {
		return fmt.Errorf("%w: %w", kfgrab.ErrUsage, err)
	}
	return l.CheckURL(u)
}

func (o *order) parseOptions(j *job) (err error) {
	j.stream.At = time.Duration(o.At)
	j.stream.Header = http.Header{}
	for name, value := range o.Headers {
		j.stream.Header.Set(name, value)
	}

	if o.Edge != "" {
		if j.stream.Edge, err = hls.ParseEdge(o.Edge); err != nil {
			return err
		}
	}

	if o.Format != "" {
		if j.picture.Format, err = picture.ParseFormat(o.Format); err != nil {
			return err
		}
	}

	output := decode.Output{Width: o.Width, Height: o.Height, Quality: o.Quality}
	if o.Fit != "" {
		if output.Fit, err = decode.ParseFit(o.Fit); err != nil {
			return err
		}
	}

	if o.Crop != "" {
		if output.Crop, err = decode.ParseCrop(o.Crop); err != nil {
			return err
		}
	}

	j.picture.Output, j.picture.Tries = output, o.SkipBlack
	j.picture.Overlay, j.picture.Name, j.picture.Software = o.Overlay, j.name, "kfgrab"
	j.stream.Width, j.stream.Height = output.Needed()
	return j.picture.Validate()
}
