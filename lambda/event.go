package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/allow"
	"github.com/kfgrab/kfgrab/internal/sink"
	"github.com/kfgrab/kfgrab/internal/units"
)

// answer is what an event gets. Its names are those of kfgrab's report.
type answer struct {
	Name        string   `json:"name"`
	URL         string   `json:"url"` // redacted
	ContentType string   `json:"content_type"`
	Body        []byte   `json:"body,omitempty"`     // base64
	Location    string   `json:"location,omitempty"` // with a sink, in place of the body
	Size        int      `json:"size"`
	Width       int      `json:"width"`
	Height      int      `json:"height"`
	Codec       string   `json:"codec_name"`
	Taken       string   `json:"taken"`
	MediaTime   string   `json:"media_time,omitempty"`
	Age         *float64 `json:"age,omitempty"`
	Down        int64    `json:"bytes_down"`
	Requests    int      `json:"requests"`
	Elapsed     float64  `json:"elapsed"` // seconds, of all
}

func newAnswer(s *shot, began time.Time) *answer {
	snap := s.snapshot
	a := &answer{
		Name: s.name, URL: snap.URL, ContentType: s.picture.Format.MIMEType(), Size: len(s.data),
		Codec: snap.Frame.Codec.String(), Taken: units.FormatTimestamp(snap.Taken),
		Down: snap.Cost.Down, Requests: snap.Cost.Requests, Elapsed: float64(time.Since(began).Milliseconds()) / 1000,
	}
	a.Width, a.Height = s.size()
	if !snap.MediaTime.IsZero() {
		a.MediaTime = units.FormatTimestamp(snap.MediaTime)
		a.Age = new(float64(snap.Taken.Sub(snap.MediaTime).Milliseconds()) / 1000)
	}
	return a
}

// handle answers an event. The error is one that Step Functions can tell by its type.
func (f *function) handle(ctx context.Context, event []byte) ([]byte, error) {
	began := time.Now()
	var j *job
	var s *shot
	o, err := parseOrder(event, f.settings)
	if err == nil {
		j, err = o.job(f.settings)
	}
	if err == nil {
		s, err = f.grab(ctx, j)
	}
	if err == nil {
		err = f.decode(ctx, s)
	}
	var response []byte
	if err == nil {
		response, err = f.deliver(ctx, s, began)
	}
	f.tell(ctx, began, j, s, err)
	if err != nil {
		return nil, messages.InvokeResponse_Error{Message: err.Error(), Type: errorType(err)}
	}
	return response, nil
}

// deliver stores the picture, or puts it into the answer.
func (f *function) deliver(ctx context.Context, s *shot, began time.Time) ([]byte, error) {
	if s.sink == "" {
		if err := s.fits(); err != nil {
			return nil, err
		}
		a := newAnswer(s, began)
		a.Body = s.data
		return json.Marshal(a)
	}
	location, err := f.sinks.put(ctx, s.sink, s.stored())
	if err != nil {
		return nil, err
	}
	a := newAnswer(s, began)
	a.Location = location
	return json.Marshal(a)
}

func (s *shot) stored() *sink.Picture {
	width, height := s.size()
	return &sink.Picture{
		Stream: s.name, URL: s.snapshot.URL, Time: s.snapshot.Taken, MediaTime: s.snapshot.MediaTime,
		Data: s.data, ContentType: s.picture.Format.MIMEType(), Extension: s.picture.Format.Extension(),
		Width: width, Height: height,
	}
}

// besideBody is more than an answer has of anything else.
const besideBody = 16 << 10

// fits says whether the picture goes into an answer.
func (s *shot) fits() error {
	if base64.StdEncoding.EncodedLen(len(s.data))+besideBody <= maxResponse {
		return nil
	}
	return fmt.Errorf("%w: the picture has %.1f MB, too many for an answer, of which Lambda lets 4.7 MB through: ask for a smaller width, for jpeg or a lower quality, or have it stored by \"sink\"",
		kfgrab.ErrUsage, float64(len(s.data))/1e6)
}

func errorType(err error) string {
	switch {
	case errors.Is(err, allow.ErrRefused):
		return "not-allowed"
	case errors.Is(err, errNoStream):
		return "no-stream"
	}
	return kfgrab.ClassOf(err).String()
}
