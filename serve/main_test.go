package serve

import (
	"context"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/kfgrab/kfgrab/serve/internal/servetest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	servetest.Close()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			println(err.Error())
			code = 1
		}
	}
	os.Exit(code)
}

// stream makes a stream of NAME=URL.
func stream(t testing.TB, argument string) Stream {
	t.Helper()
	name, url, named := strings.Cut(argument, "=")
	if !named {
		t.Fatalf("%s: want NAME=URL", argument)
	}
	return Stream{Name: name, URL: url}
}

// service is a Server that listens.
type service struct {
	*Server
	url    string
	client *http.Client
}

// start serves until the test ends.
func start(t testing.TB, o *Options) *service {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	ctx, cancel := context.WithCancel(context.Background())
	s.Start(ctx)
	t.Cleanup(func() {
		cancel()
		s.run.close() // disconnects viewers
		web.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &service{s, web.URL, web.Client()}
}

// answered is a response that has been read.
type answered struct {
	*http.Response
	body []byte
}

// do sends a request; headers are pairs of name and value.
func (s *service) do(t testing.TB, method, path string, headers ...string) *answered {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), servetest.Time)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &answered{res, body}
}

func (s *service) get(t testing.TB, path string, headers ...string) *answered {
	t.Helper()
	return s.do(t, http.MethodGet, path, headers...)
}

// size decodes the picture.
func (a *answered) size(t testing.TB) image.Point {
	t.Helper()
	img, _, err := image.Decode(newReader(a.body))
	if err != nil {
		t.Fatalf("%s %s: %v", a.Status, a.body[:min(300, len(a.body))], err)
	}
	return img.Bounds().Size()
}

func testContext(t testing.TB) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), servetest.Time)
}

func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
