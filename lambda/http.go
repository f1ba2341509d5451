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

// httpRequest is of a function URL or an HTTP API, whose format 2.0 is the same.
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

// parseHTTP returns nil for what is no HTTP request.
func parseHTTP(payload []byte) *httpRequest {
	var r httpRequest
	if err := json.Unmarshal(payload, &r); err != nil || r.Context.HTTP.Method == "" {
		return nil
	}
	return &r
}

var (
	errMethod = errors.New("this is for GET and HEAD")
	// errClosed keeps a function that the world can call from fetching for it.
	errClosed = fmt.Errorf("%w: this function serves no streams but those that it knows by name (%s would list hosts)", allow.ErrRefused, allowedVariable)
)

// order reads /NAME, /NAME.png or /?url=….
func (r *httpRequest) order(s *settings) (*order, error) {
	query, err := url.ParseQuery(r.Query)
	if err != nil {
		return nil, fmt.Errorf("%w: the query does not parse", kfgrab.ErrUsage)
	}
	o := &order{}
	if name := r.name(); name != "" {
		if o, err = s.byPath(name); err != nil {
			return nil, err
		}
	}
	o.Sink = "" // what is stored is the owner's business
	for name, values := range query {
		if err := o.set(name, values[0]); err != nil {
			return nil, fmt.Errorf("%w: %w", kfgrab.ErrUsage, err)
		}
	}
	switch {
	case o.URL == "":
		return nil, errNoURL
	case o.Stream != "" && query.Has("url"):
		return nil, fmt.Errorf("%w: there are both a name and a url", kfgrab.ErrUsage)
	case o.Stream == "" && s.allowed.Empty():
		return nil, errClosed
	}
	return o, nil
}

// name is the path without the stage that an HTTP API may put in front.
func (r *httpRequest) name() string {
	p := r.Path
	if after, found := strings.CutPrefix(p, "/"+r.Context.Stage+"/"); found && r.Context.Stage != "" {
		p = after
	}
	return strings.Trim(p, "/")
}

// byPath finds the stream of that name, which may have the ending of a format.
func (s *settings) byPath(name string) (*order, error) {
	o, err := s.named(name)
	if err == nil {
		return o, nil
	}
	ext := path.Ext(name)
	format, known := picture.ByExtension(ext)
	if !known {
		return nil, err
	}
	if o, err = s.named(strings.TrimSuffix(name, ext)); err == nil {
		o.Format = format.String()
	}
	return o, err
}

// set is for the parameters of a query.
func (o *order) set(name, value string) (err error) {
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
		return o.At.parse(value)
	default:
		return fmt.Errorf("there is no parameter %q: url, at, edge, skip_black, format, width, height, fit, crop, quality and overlay are known", name)
	}
	if err != nil {
		return fmt.Errorf("%s=%q makes no sense", name, value)
	}
	return nil
}
