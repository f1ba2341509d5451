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

// answer is the result of an event. Its fields have the names of kfgrab's report.
type answer struct {
	Name        string   `json:"name"`
	URL         string   `json:"url"` // redacted
	ContentType string   `json:"content_type"`
	Body        []byte   `json:"body,omitempty"`     // base64
	Location    string   `json:"location,omitempty"` // with a sink, instead of the body
	Size        int      `json:"size"`
	Width       int      `json:"width"`
	Height      int      `json:"height"`
	Codec       string   `json:"codec_name"`
	Taken       string   `json:"taken"`
	MediaTime   string   `json:"media_time,omitempty"`
	Age         *float64 `json:"age,omitempty"`
	Down        int64    `json:"bytes_down"`
	Requests    int      `json:"requests"`
	Elapsed     float64  `json:"elapsed"` // seconds, in all
}

func newAnswer(s *shot, began time.Time) *answer {
	snap := s.snapshot
	a := &answer{
		Name: s.name, URL: snap.URL, ContentType: s.picture.Format.MIMEType(), Size: len(s.data),
		Codec: snap.Frame.Codec.String(), Taken: units.FormatTimestamp(snap.Taken),
		Down: snap.Cost.Down, Requests: snap.Cost.Requests, Elapsed: float64(time.Since(began).Milliseconds()) / 1000,
	}
	a.Width, a.Height = s.pictureSize()
	if !snap.MediaTime.IsZero() {
		a.MediaTime = units.FormatTimestamp(snap.MediaTime)
		a.Age = new(float64(snap.Taken.Sub(snap.MediaTime).Milliseconds()) / 1000)
	}
	return a
}

// handleEvent answers an event. Step Functions can match its error by type.
func (f *function) handleEvent(ctx context.Context, event []byte) ([]byte, error) {
	began := time.Now()
	var j *job
	var s *shot
	o, err := parseOrder(event, f.settings)
	if err == nil {
		j, err = o.newJob(f.settings)
	}

	if err == nil {
		s, err = f.grabFrame(ctx, j)
	}
	if err == nil {
		err = f.decodePicture(ctx, s)
	}

	var response []byte
	if err == nil {
		response, err = f.deliverPicture(ctx, s, began)
	}
	f.logOutcome(ctx, began, j, s, err)
	if err != nil {
		return nil, messages.InvokeResponse_Error{Message: err.Error(), Type: errorType(err)}
	}
	return response, nil
}

// deliverPicture stores the picture, or returns it in the answer.
func (f *function) deliverPicture(ctx context.Context, s *shot, began time.Time) ([]byte, error) {
	if s.sink == "" {
		if err := s.checkSize(); err != nil {
			return nil, err
		}
		a := newAnswer(s, began)
		a.Body = s.data
		return json.Marshal(a)
	}

	location, err := f.sinks.putPicture(ctx, s.sink, s.sinkPicture())
	if err != nil {
		return nil, err
	}
	a := newAnswer(s, began)
	a.Location = location
	return json.Marshal(a)
}

func (s *shot) sinkPicture() *sink.Picture {
	width, height := s.pictureSize()
	return &sink.Picture{
		Stream: s.name, URL: s.snapshot.URL, Time: s.snapshot.Taken, MediaTime: s.snapshot.MediaTime,
		Data: s.data, ContentType: s.picture.Format.MIMEType(), Extension: s.picture.Format.Extension(),
		Width: width, Height: height,
	}
}

// besideBody is an upper bound for the rest of an answer.
const besideBody = 16 << 10

// checkSize returns an error if the picture is too large for an answer.
func (s *shot) checkSize() error {
	if base64.StdEncoding.EncodedLen(len(s.data))+besideBody <= maxResponse {
		return nil
	}
	return fmt.Errorf("%w: the picture has %.1f MB, but an answer of Lambda holds 4.7 MB: ask for a smaller width, for jpeg or a lower quality, or store it with \"sink\"",
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
