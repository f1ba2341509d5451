package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/allow"
	"github.com/kfgrab/kfgrab/picture"
)

// httpRequest is a request to a function URL or, in the same format 2.0, an HTTP API.
type httpRequest struct {
	Path    string            `json:"rawPath"`
	Query   string            `json:"rawQueryString"`
	Headers map[string]string `json:"headers"` // names in lower case
	Context struct {
		Stage string `json:"stage"`
		HTTP  struct {
			Method string `json:"method"`
		} `json:"http"`
	} `json:"requestContext"`
}

// parseHTTP returns nil if payload is not an HTTP request.
func parseHTTP(payload []byte) *httpRequest {
	var r httpRequest
	if err := json.Unmarshal(payload, &r); err != nil || r.Context.HTTP.Method == "" {
		return nil
	}
	return &r
}

var (
	errMethod = errors.New("only GET and HEAD are allowed")
	// errClosed keeps a public function from fetching arbitrary URLs for strangers.
	errClosed = fmt.Errorf("%w: this function serves only named streams; %s would allow others", allow.ErrRefused, allowedVariable)
)

// parseOrder reads /NAME, /NAME.png or /?url=….
func (r *httpRequest) parseOrder(s *settings) (*order, error) {
	query, err := url.ParseQuery(r.Query)
	if err != nil {
		return nil, fmt.Errorf("%w: invalid query", kfgrab.ErrUsage)
	}
	o := &order{}
	if name := r.streamName(); name != "" {
		if o, err = s.orderByPath(name); err != nil {
			return nil, err
		}
	}

	o.Sink = "" // only the owner's events store pictures
	for name, values := range query {
		if err := o.setParameter(name, values[0]); err != nil {
			return nil, fmt.Errorf("%w: %w", kfgrab.ErrUsage, err)
		}
	}

	switch {
	case o.URL == "":
		return nil, errNoURL
	case o.Stream != "" && query.Has("url"):
		return nil, fmt.Errorf("%w: the path names a stream, and the query has a url: use one of them", kfgrab.ErrUsage)
	case o.Stream == "" && s.allowed.Empty():
		return nil, errClosed
	}
	return o, nil
}

// streamName returns the path without the stage that an HTTP API may put in front.
func (r *httpRequest) streamName() string {
	p := r.Path
	if after, found := strings.CutPrefix(p, "/"+r.Context.Stage+"/"); found && r.Context.Stage != "" {
		p = after
	}
	return strings.Trim(p, "/")
}

// orderByPath finds a stream by its name, which may end with a format's extension.
func (s *settings) orderByPath(name string) (*order, error) {
	o, err := s.namedOrder(name)
	if err == nil {
		return o, nil
	}
	ext := path.Ext(name)
	format, known := picture.ByExtension(ext)
	if !known {
		return nil, err
	}

	if o, err = s.namedOrder(strings.TrimSuffix(name, ext)); err == nil {
		o.Format = format.String()
	}
	return o, err
}

// setParameter sets the field for a parameter of a query.
func (o *order) setParameter(name, value string) (err error) {
	switch name {
	case "url":
		o.URL = value
	case "format":
		o.Format = value
	case "edge":
		o.Edge = value
	case "fit":
		o.Fit = value
	case "crop":
		o.Crop = value
	case "skip_black":
		o.SkipBlack, err = strconv.Atoi(value)
	case "width":
		o.Width, err = strconv.Atoi(value)
	case "height":
		o.Height, err = strconv.Atoi(value)
	case "quality":
		o.Quality, err = strconv.Atoi(value)
	case "overlay":
		o.Overlay, err = strconv.ParseBool(value)
	case "at":
		return o.At.parseText(value)
	default:
		return fmt.Errorf("unknown parameter %q; known are url, at, edge, skip_black, format, width, height, fit, crop, quality and overlay", name)
	}

	if err != nil {
		return fmt.Errorf("invalid value %s=%q", name, value)
	}
	return nil
}
