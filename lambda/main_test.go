package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"go.uber.org/goleak"

	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/internal/testmedia"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTime is far more than any test needs.
const testTime = 20 * time.Second

func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// environment holds the function's environment variables.
type environment map[string]string

// open returns a function that runs inside the test, and its log.
func (e environment) open(t testing.TB) (*function, *bytes.Buffer) {
	t.Helper()
	s, err := readSettings(func(name string) string { return e[name] })
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	f := newFunction(s, slog.New(slog.NewJSONHandler(&log, nil)))
	t.Cleanup(f.close)
	return f, &log
}

func startOrigin(t testing.TB) *origin.Origin {
	t.Helper()
	testmedia.Make(t, "h264.ts") // skips without ffmpeg
	o, err := origin.Start(t.Context(), &origin.Options{Profile: origin.Small()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// named returns the value of KFGRAB_STREAMS for one stream.
func named(t testing.TB, name string, o map[string]any) string {
	t.Helper()
	return string(encode(t, map[string]any{name: o}))
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// event invokes f with an event that must succeed.
func (f *function) event(t testing.TB, event map[string]any) *answer {
	t.Helper()
	response, err := f.Invoke(within(t, testTime), encode(t, event))
	if err != nil {
		t.Fatalf("%v: %v", event, err)
	}
	var a answer
	if err := decodeStrictly(response, &a); err != nil {
		t.Fatal(err)
	}
	return &a
}

// refusal invokes f with an event that must fail.
func (f *function) refusal(t testing.TB, event string) messages.InvokeResponse_Error {
	t.Helper()
	var refusal messages.InvokeResponse_Error
	if response, err := f.Invoke(within(t, testTime), []byte(event)); !errors.As(err, &refusal) {
		t.Fatalf("%s: %.200s, %v", event, response, err)
	}
	return refusal
}

// request returns a request as a function URL sends it.
func request(t testing.TB, method, path, query string, headers map[string]string) []byte {
	t.Helper()
	return encode(t, events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "$default", RawPath: path, RawQueryString: query, Headers: headers,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			Stage: "$default", HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: method, Path: path},
		},
	})
}

func (f *function) get(t testing.TB, path, query string, headers map[string]string) *events.LambdaFunctionURLResponse {
	t.Helper()
	return f.ask(t, request(t, http.MethodGet, path, query, headers))
}

func (f *function) ask(t testing.TB, payload []byte) *events.LambdaFunctionURLResponse {
	t.Helper()
	data, err := f.Invoke(within(t, testTime), payload)
	if err != nil {
		t.Fatal(err)
	}
	var r events.LambdaFunctionURLResponse
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// isPicture checks that data is a complete picture with this format and width.
func isPicture(t testing.TB, data []byte, format string, width int) {
	t.Helper()
	img, got, err := image.Decode(bytes.NewReader(data))
	if err != nil || got != format || img.Bounds().Dx() != width {
		t.Errorf("%d bytes: %q, %v; want %s, %d wide", len(data), got, err, format, width)
	}
}

// serve starts a server on loopback and returns its URL.
func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(io.Discard, nil), slog.LevelInfo)
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}
