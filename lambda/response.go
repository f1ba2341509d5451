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

// serveHTTP answers an HTTP request.
func (f *function) serveHTTP(ctx context.Context, r *httpRequest) ([]byte, error) {
	began := time.Now()
	j, s, response, err := f.respond(ctx, r)
	if err != nil {
		response = problemResponse(j, err)
	}
	if r.Context.HTTP.Method == http.MethodHead {
		response.Body, response.IsBase64Encoded = "", false
	}
	f.logOutcome(ctx, began, j, s, err)
	return json.Marshal(response)
}

func (f *function) respond(ctx context.Context, r *httpRequest) (*job, *shot, *events.LambdaFunctionURLResponse, error) {
	if m := r.Context.HTTP.Method; m != http.MethodGet && m != http.MethodHead {
		return nil, nil, nil, errMethod
	}
	o, err := r.parseOrder(f.settings)
	if err != nil {
		return nil, nil, nil, err
	}

	j, err := o.newJob(f.settings)
	if err != nil {
		return nil, nil, nil, err
	}
	j.picture.NoSource = j.named
	s, err := f.grabFrame(ctx, j)
	if err != nil {
		return j, nil, nil, err
	}

	response := &events.LambdaFunctionURLResponse{StatusCode: http.StatusOK, Headers: f.responseHeaders(s)}
	if matchesTag(r.Headers["if-none-match"], response.Headers["etag"]) {
		response.StatusCode = http.StatusNotModified
		return j, s, response, nil
	}

	if err = f.decodePicture(ctx, s); err == nil {
		err = s.checkSize()
	}
	if err != nil {
		return j, s, nil, err
	}
	response.Headers["content-type"] = s.picture.Format.MIMEType()
	response.Body, response.IsBase64Encoded = base64.StdEncoding.EncodeToString(s.data), true
	return j, s, response, nil
}

// responseHeaders returns the headers for a picture, whether it is sent or not modified.
func (f *function) responseHeaders(s *shot) map[string]string {
	snap := s.snapshot
	h := map[string]string{
		"cache-control":          fmt.Sprintf("max-age=%d", int(f.settings.maxAge.Seconds())),
		"etag":                   s.entityTag(),
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

// entityTag returns a weak tag (RFC 9110 8.8.1): the same keyframe gives the same
// picture, except for the time in its metadata.
func (s *shot) entityTag() string {
	sum := sha256.New()
	sum.Write(s.snapshot.Frame.Data)
	fmt.Fprintf(sum, "%+v", s.picture)
	return `W/"` + base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:12]) + `"`
}

// matchesTag reports whether If-None-Match lists the tag (RFC 9110 13.1.2).
func matchesTag(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || (tag != "" && strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(etag, "W/")) {
			return true
		}
	}
	return false
}

// problemResponse returns an error as problem details (RFC 9457). For a stream from the
// settings, only the log gets the error's text, because it contains the address.
func problemResponse(j *job, err error) *events.LambdaFunctionURLResponse {
	status := statusOf(err)
	detail := err.Error()
	if j != nil && j.named && !errors.Is(err, kfgrab.ErrUsage) {
		detail = kfgrab.ClassOf(err).Reason()
	}

	body, _ := json.Marshal(map[string]any{ // cannot fail
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
