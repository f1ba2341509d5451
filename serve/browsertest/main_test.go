package browsertest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/kfgrab/kfgrab/serve"
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
func stream(t *testing.T, argument string) serve.Stream {
	t.Helper()
	name, url, named := strings.Cut(argument, "=")
	if !named {
		t.Fatalf("%s: want NAME=URL", argument)
	}
	return serve.Stream{Name: name, URL: url}
}

// service is a Server that listens.
type service struct {
	*serve.Server
	url    string
	client *http.Client
}

// start serves until the test ends.
func start(t *testing.T, o *serve.Options) *service {
	t.Helper()
	s, err := serve.New(o)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	ctx, cancel := context.WithCancel(context.Background())
	s.Start(ctx)
	t.Cleanup(func() {
		cancel()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		web.Close()
	})
	return &service{s, web.URL, web.Client()}
}

// do sends a request and reads the answer; headers are pairs of name and value.
func (s *service) do(t *testing.T, method, path string, headers ...string) (*http.Response, []byte) {
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
	return res, body
}

// open sends a request whose answer the test reads.
func (s *service) open(t *testing.T, path string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), servetest.Time)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		res.Body.Close()
	})
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", path, res.Status)
	}
	return res
}

// report is the part of a stream's report that tests look at.
type report struct {
	Viewers int
	Picture struct{ Age float64 }
}

func (s *service) report(t *testing.T, name string) (r report) {
	t.Helper()
	_, body := s.do(t, http.MethodGet, "/streams/"+name)
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatal(err)
	}
	return r
}
