package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

const testSecret = "very-secret-key"

// openS3 opens the bucket "shots" at a server on loopback.
func openS3(t *testing.T, h http.Handler, o *S3Options) *S3 {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return openS3At(t, server.URL, o)
}

func openS3At(t *testing.T, endpoint string, o *S3Options) *S3 {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", testSecret)
	l, err := ParseS3("s3://shots/some/prefix?path-style=true&endpoint=" + endpoint)
	if err != nil {
		t.Fatal(err)
	}
	s, err := OpenS3(l, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func fakeS3(t *testing.T) (*s3mem.Backend, http.Handler) {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("shots"); err != nil {
		t.Fatal(err)
	}
	return backend, gofakes3.New(backend).Server()
}

func object(t *testing.T, b *s3mem.Backend, key string) (data string, metadata map[string]string) {
	t.Helper()
	o, err := b.GetObject("shots", key, nil)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	defer o.Contents.Close()
	got, err := io.ReadAll(o.Contents)
	if err != nil {
		t.Fatal(err)
	}
	return string(got), o.Metadata
}

func TestS3Put(t *testing.T) {
	backend, h := fakeS3(t)
	caching := map[string]string{}
	s := openS3(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caching[path.Base(r.URL.Path)] = r.Header.Get("Cache-Control")
		h.ServeHTTP(w, r)
	}), nil)
	p := shot(250*time.Millisecond, "picture")
	p.MediaTime = noon
	p.Stream = "Tür"
	for n, want := range []string{
		"some/prefix/Tür/2026-03-01/120000.250Z.jpg",
		"some/prefix/Tür/2026-03-01/120000.250Z-1.jpg", // of the same millisecond
	} {
		p.Data = fmt.Appendf(nil, "picture %d", n)
		got, err := s.Put(within(t, testTime), p)
		if err != nil || got != "s3://shots/"+want {
			t.Fatalf("stored at %s, %v; want %s", got, err, want)
		}
		data, metadata := object(t, backend, want)
		if data != string(p.Data) {
			t.Errorf("%s holds %q", want, data)
		}
		for name, value := range map[string]string{
			"Content-Type": "image/jpeg", "X-Amz-Meta-Taken": "2026-03-01T12:00:00.25Z",
			"X-Amz-Meta-Media-Time": "2026-03-01T12:00:00Z", "X-Amz-Meta-Stream": "=?utf-8?q?T=C3=BCr?=",
			"X-Amz-Meta-Source": "rtsp://xxxxx@camera/stream",
		} {
			if metadata[name] != value {
				t.Errorf("%s: %s is %q, want %q", want, name, metadata[name], value)
			}
		}
	}
	if data, _ := object(t, backend, "some/prefix/Tür/latest.jpg"); data != "picture 1" {
		t.Errorf("latest: %q", data)
	}
	if want := map[string]string{"latest.jpg": "no-cache", "120000.250Z.jpg": "", "120000.250Z-1.jpg": ""}; !maps.Equal(caching, want) {
		t.Errorf("Cache-Control %v", caching)
	}
}

func TestS3NoLatest(t *testing.T) {
	backend, h := fakeS3(t)
	if _, err := openS3(t, h, &S3Options{NoLatest: true}).Put(within(t, testTime), shot(0, "x")); err != nil {
		t.Fatal(err)
	}
	if _, err := backend.HeadObject("shots", "some/prefix/cam/latest.jpg"); err == nil {
		t.Error("a copy of the newest picture exists")
	}
}

// Without the time in the key, each picture replaces the previous one.
func TestS3Replaced(t *testing.T) {
	backend, h := fakeS3(t)
	key, err := ParseKey("{name}.{ext}")
	if err != nil {
		t.Fatal(err)
	}
	caching := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && r.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: Cache-Control %q", r.URL.Path, r.Header.Get("Cache-Control"))
		}
		h.ServeHTTP(w, r)
	})
	s := openS3(t, caching, &S3Options{Template: key, NoLatest: true})
	for i, data := range []string{"first", "second"} {
		if location, err := s.Put(within(t, testTime), shot(time.Duration(i), data)); err != nil || location != "s3://shots/some/prefix/cam.jpg" {
			t.Fatal(location, err)
		}
		if got, _ := object(t, backend, "some/prefix/cam.jpg"); got != data {
			t.Errorf("%q, want %q", got, data)
		}
	}
	for _, text := range []string{"../{name}", "/{name}", "{tiem}"} {
		if _, err := ParseKey(text); err == nil {
			t.Errorf("%q is a key", text)
		}
	}
}

// The error of a store that refuses is one line with advice and no secret.
func TestS3Refusing(t *testing.T) {
	for code, want := range map[string]string{
		"AccessDenied":          "s3:PutObject",
		"SignatureDoesNotMatch": "check AWS_ACCESS_KEY_ID",
		"QuotaExceeded":         "QuotaExceeded: no more",
	} {
		var requests atomic.Int32
		s := openS3(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			requests.Add(1)
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no\nmore</Message></Error>", code)
		}), nil)
		_, err := s.Put(within(t, testTime), shot(0, "x"))
		var refusal *statusError
		if !errors.As(err, &refusal) || refusal.Code != http.StatusForbidden {
			t.Errorf("%s: %v", code, err)
			continue
		}
		for _, part := range []string{"s3://shots/some/prefix/cam/2026-03-01/120000.000Z.jpg: status 403 Forbidden: " + code, want} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%v, want %q in it", err, part)
			}
		}
		if strings.Contains(err.Error(), testSecret) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q", err)
		}
		if n := requests.Load(); n != 1 {
			t.Errorf("%s: %d requests", code, n)
		}
	}
}

func TestS3NoBucket(t *testing.T) {
	h := gofakes3.New(s3mem.New()).Server()
	_, err := openS3(t, h, nil).Put(within(t, testTime), shot(0, "x"))
	if err == nil || !strings.Contains(err.Error(), "NoSuchBucket") || !strings.Contains(err.Error(), "and the endpoint") {
		t.Error(err)
	}
}

// Put tries a busy store again, but not for ever.
func TestS3Busy(t *testing.T) {
	for _, c := range []struct{ busy, requests int32 }{{2, 4}, {1000, s3Attempts}} {
		_, store := fakeS3(t)
		var requests atomic.Int32
		s := openS3(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if requests.Add(1) <= c.busy {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			store.ServeHTTP(w, r)
		}), nil)
		_, err := s.Put(within(t, testTime), shot(0, "x"))
		if (err != nil) != (c.busy > s3Attempts) {
			t.Errorf("busy %d times: %v", c.busy, err)
		}
		if n := requests.Load(); n != c.requests {
			t.Errorf("busy %d times: %d requests, want %d", c.busy, n, c.requests)
		}
	}
}

// A URL that is too long for metadata does not keep a picture from being stored.
func TestS3LongMetadata(t *testing.T) {
	backend, h := fakeS3(t)
	p := shot(0, "x")
	p.Stream, p.URL = strings.Repeat("ü", 500), "https://cdn.example/"+strings.Repeat("token", 500)+"/live.m3u8"
	location, err := openS3(t, h, nil).Put(within(t, testTime), p)
	if err != nil {
		t.Fatal(err)
	}
	_, found := object(t, backend, strings.TrimPrefix(location, "s3://shots/"))
	if found["X-Amz-Meta-Taken"] == "" || found["X-Amz-Meta-Source"] != "" || found["X-Amz-Meta-Stream"] != "" {
		t.Error(found)
	}
}

func TestS3Unreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, err = openS3At(t, "http://"+l.Addr().String(), nil).Put(within(t, testTime), shot(0, "x"))
	if !errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), "120000.000Z.jpg: connection refused") {
		t.Error(err)
	}
}

// Put gives up on a store that never answers, after its timeout or when the
// caller does.
func TestS3Hangs(t *testing.T) {
	asked := make(chan struct{}, s3Attempts)
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // or the server does not see the connection's end
		asked <- struct{}{}
		<-r.Context().Done()
	})
	_, err := openS3(t, h, &S3Options{Timeout: 50 * time.Millisecond}).Put(within(t, testTime), shot(0, "x"))
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "not stored within 50ms") {
		t.Error(err)
	}
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, err := openS3(t, h, nil).Put(ctx, shot(0, "x")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestS3Environment(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL_S3", "http://store:9000")
	t.Setenv("AWS_REGION", "eu-central-1")
	l := &S3Location{Bucket: "b"}
	if err := l.fillFromEnvironment(); err != nil || *l != (S3Location{Bucket: "b", Endpoint: "store:9000", Insecure: true, Region: "eu-central-1"}) {
		t.Errorf("%+v, %v", l, err)
	}
	t.Setenv("AWS_ENDPOINT_URL_S3", "http://user:hush@store:9000")
	if err := (&S3Location{Bucket: "b"}).fillFromEnvironment(); err == nil || strings.Contains(err.Error(), "hush") {
		t.Error(err)
	}
}
