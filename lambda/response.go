package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/allow"
	"github.com/kfgrab/kfgrab/internal/units"
)

// serve answers an HTTP request.
func (f *function) serve(ctx context.Context, r *httpRequest) ([]byte, error) {
	began := time.Now()
	j, s, response, err := f.respond(ctx, r)
	if err != nil {
		response = problem(j, err)
	}
	if r.Context.HTTP.Method == http.MethodHead {
		response.Body, response.IsBase64Encoded = "", false
	}
	f.tell(ctx, began, j, s, err)
	return json.Marshal(response)
}

func (f *function) respond(ctx context.Context, r *httpRequest) (*job, *shot, *events.LambdaFunctionURLResponse, error) {
	if m := r.Context.HTTP.Method; m != http.MethodGet && m != http.MethodHead {
		return nil, nil, nil, errMethod
	}
	o, err := r.order(f.settings)
	if err != nil {
		return nil, nil, nil, err
	}
	j, err := o.job(f.settings)
	if err != nil {
		return nil, nil, nil, err
	}
	j.picture.NoSource = j.named
	s, err := f.grab(ctx, j)
	if err != nil {
		return j, nil, nil, err
	}
	response := &events.LambdaFunctionURLResponse{StatusCode: http.StatusOK, Headers: f.headers(s)}
	if matches(r.Headers["if-none-match"], response.Headers["etag"]) {
		response.StatusCode = http.StatusNotModified
		return j, s, response, nil
	}
	if err = f.decode(ctx, s); err == nil {
		err = s.fits()
	}
	if err != nil {
		return j, s, nil, err
	}
	response.Headers["content-type"] = s.picture.Format.MIMEType()
	response.Body, response.IsBase64Encoded = base64.StdEncoding.EncodeToString(s.data), true
	return j, s, response, nil
}

// headers are those of a picture, whether it is sent or not.
func (f *function) headers(s *shot) map[string]string {
	snap := s.snapshot
	h := map[string]string{
		"cache-control":          fmt.Sprintf("max-age=%d", int(f.settings.maxAge.Seconds())),
		"etag":                   s.etag(),
		"last-modified":          snap.Taken.UTC().Format(http.TimeFormat),
		"x-content-type-options": "nosniff",
		"x-kfgrab-captured":      units.FormatTimestamp(snap.Taken),
		"x-kfgrab-bytes":         strconv.FormatInt(snap.Cost.Down, 10),
	}
	if !snap.MediaTime.IsZero() {
		h["x-kfgrab-media-time"] = units.FormatTimestamp(snap.MediaTime)
	}
	return h
}

// etag is a weak one (RFC 9110 8.8.1): of the same keyframe the same picture is made,
// but for the time at which it says that it was taken.
func (s *shot) etag() string {
	sum := sha256.New()
	sum.Write(s.snapshot.Frame.Data)
	fmt.Fprintf(sum, "%+v", s.picture)
	return `W/"` + base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:12]) + `"`
}

// matches is If-None-Match (RFC 9110 13.1.2).
func matches(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || tag != "" && strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

// problem is an error as RFC 9457 has it. Where the owner of the function has named the
// stream, the error's text, which has the address in it, is for the log alone.
func problem(j *job, err error) *events.LambdaFunctionURLResponse {
	status := statusOf(err)
	detail := err.Error()
	if j != nil && j.named && !errors.Is(err, kfgrab.ErrUsage) {
		detail = kfgrab.ClassOf(err).Reason()
	}
	body, _ := json.Marshal(map[string]any{ // fails never
		"title": http.StatusText(status), "status": status, "detail": detail, "class": errorType(err),
	})
	response := &events.LambdaFunctionURLResponse{
		StatusCode: status, Body: string(body),
		Headers: map[string]string{"content-type": "application/problem+json", "cache-control": "no-store"},
	}
	if errors.Is(err, errMethod) {
		response.Headers["allow"] = "GET, HEAD"
	}
	return response
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, errMethod):
		return http.StatusMethodNotAllowed
	case errors.Is(err, allow.ErrRefused):
		return http.StatusForbidden
	case errors.Is(err, errNoStream):
		return http.StatusNotFound
	}
	return kfgrab.ClassOf(err).HTTPStatus()
}
