package serve

import (
	"bytes"
	"image/jpeg"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/serve/internal/servetest"
)

// open sends a request and leaves the answer open until the test ends.
func (s *service) open(t testing.TB, path string) *http.Response {
	t.Helper()
	ctx, cancel := testContext(t)
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
		body, _ := io.ReadAll(res.Body)
		t.Fatalf("%s: %s %s", path, res.Status, body)
	}
	return res
}

// rtspStream is a stream of a camera, which may take a while to start.
func rtspStream(t testing.TB) Stream {
	t.Helper()
	return Stream{Name: "door", URL: rtspCamera(t).URL("/live").String(), Timeout: servetest.Time}
}

// parts returns the parts of an MJPEG.
func parts(t testing.TB, res *http.Response) *multipart.Reader {
	t.Helper()
	kind, parameters, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/x-mixed-replace" {
		t.Fatalf("%s, %v", res.Header.Get("Content-Type"), err)
	}
	return multipart.NewReader(res.Body, parameters["boundary"])
}

// next reads a picture.
func next(t testing.TB, r *multipart.Reader) (captured string, width int) {
	t.Helper()
	p, err := r.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(p)
	if err != nil {
		t.Fatal(err)
	}
	return p.Header.Get("X-Kfgrab-Captured"), img.Bounds().Dx()
}

// rtspCamera starts an RTSP server.
func rtspCamera(t testing.TB) *testserver.RTSP {
	t.Helper()
	return testserver.GStreamer{File: testmedia.Make(t, "live.264"), Codec: "h264"}.Start(t)
}

// TestMJPEG: many viewers see the stream's keyframes from one connection, which
// also serves snapshots and closes after the last viewer.
func TestMJPEG(t *testing.T) {
	t.Parallel()
	s := start(t, &Options{Streams: []Stream{rtspStream(t)}})
	c := s.streams.Load().list[0]
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			path := "/streams/door/mjpeg"
			if i%2 == 1 {
				path += "?width=160"
			}
			r := parts(t, s.open(t, path))
			last := ""
			for range 3 {
				captured, width := next(t, r)
				if captured <= last || width != []int{640, 160}[i%2] {
					t.Errorf("captured %s, %d wide, behind %s", captured, width, last)
				}
				last = captured
			}
		})
	}
	all.Wait()
	got := s.get(t, "/streams/door/snapshot.jpg?fresh=1&width=160")
	if got.StatusCode != 200 || got.Header.Get("X-Kfgrab-State") != "fresh" || c.Status().counts.grabs != c.Status().counts.captures {
		t.Errorf("%s %v %+v", got.Status, got.Header, c.Status().counts)
	}
	if c.Status().counts.failures != 0 || c.connection.stream != nil {
		t.Errorf("%+v: a second connection", c.Status().counts)
	}
	if r := newStreamReport(c, time.Now()); r.Viewers == 0 || r.State != "live" {
		t.Errorf("%+v", r)
	}
	s.client.CloseIdleConnections()
}

// TestMJPEGLeft: the stream is closed after the last viewer has left.
func TestMJPEGLeft(t *testing.T) {
	t.Parallel()
	s := start(t, &Options{Streams: []Stream{stream(t, "door="+servetest.LiveHLS(t))}})
	c := s.streams.Load().list[0]
	res := s.open(t, "/streams/door/mjpeg?width=160")
	next(t, parts(t, res))
	res.Body.Close()
	servetest.Until(t, func() bool { return c.Status().viewers == 0 })
	c.audience.endIfIdle(time.Now().Add(lingerTime)) // pretends that ten seconds have passed
	c.audience.running.Wait()
	if c.Status().live || c.Status().followed {
		t.Error("it goes on")
	}
	if got := s.get(t, "/streams/door/snapshot.jpg?width=160&max_age=3600"); got.Header.Get("X-Kfgrab-State") != "cached" {
		t.Errorf("%v", got.Header)
	}
}

// TestMJPEGEvery: clients with the same interval share a grab.
func TestMJPEGEvery(t *testing.T) {
	t.Parallel()
	s := start(t, &Options{Streams: []Stream{stream(t, "door="+servetest.LiveHLS(t))}})
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			r := parts(t, s.open(t, "/streams/door/mjpeg?every=1&width=160"))
			for range 3 {
				next(t, r)
			}
		})
	}
	all.Wait()
	c := s.streams.Load().list[0]
	if c.Status().followed || c.Status().counts.grabs > 12 { // in some five seconds
		t.Errorf("%+v", c.Status().counts)
	}
}

// TestMJPEGFailure: viewers of a stream that dies see why, and its return.
func TestMJPEGFailure(t *testing.T) {
	t.Parallel()
	l := servetest.NewPlaylist(t)
	s := start(t, &Options{Streams: []Stream{stream(t, "door="+l.URL)}})
	c := s.streams.Load().list[0]
	r := parts(t, s.open(t, "/streams/door/mjpeg?every=0.5&width=160"))
	if captured, _ := next(t, r); captured == "" {
		t.Error("no picture")
	}
	l.Remove(t)
	if captured, width := next(t, r); captured != "" || width != 160 || c.Status().failure == nil {
		t.Errorf("captured %q, %d wide", captured, width)
	}
	l.List(t, 1)
	if captured, _ := next(t, r); captured == "" {
		t.Error("no picture again")
	}
	if got := s.do(t, "HEAD", "/streams/door/mjpeg"); got.StatusCode != 200 || !strings.HasPrefix(got.Header.Get("Content-Type"), "multipart/") {
		t.Errorf("HEAD: %s %v", got.Status, got.Header)
	}
}

// TestSlowViewer: a slow viewer delays nobody and gets the newest picture when
// it is ready.
func TestSlowViewer(t *testing.T) {
	t.Parallel()
	s := start(t, &Options{Streams: []Stream{rtspStream(t)}})
	slow := &pipeWriter{header: http.Header{}, begun: make(chan struct{}, 100), proceed: make(chan struct{})}
	ctx, cancel := testContext(t)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/streams/door/mjpeg?width=160", nil)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		s.ServeHTTP(slow, r)
	}()
	<-slow.begun
	quick := parts(t, s.open(t, "/streams/door/mjpeg?width=160"))
	last := ""
	for range 4 {
		last, _ = next(t, quick)
	}
	close(slow.proceed)
	servetest.Until(t, func() bool { return slow.holds(last) })
	if n := slow.pictures(); n > 3 {
		t.Errorf("the slow one got %d pictures up to the quick one's fourth", n)
	}
	cancel()
	<-served
}

// pipeWriter is a connection that accepts nothing before proceed is closed.
type pipeWriter struct {
	header         http.Header
	begun, proceed chan struct{}
	mu             sync.Mutex
	text           strings.Builder
}

func (p *pipeWriter) Header() http.Header { return p.header }

func (p *pipeWriter) WriteHeader(int) {}

func (p *pipeWriter) Flush() {}

func (p *pipeWriter) Write(b []byte) (int, error) {
	if bytes.HasPrefix(b, []byte("Content-Type")) {
		select {
		case p.begun <- struct{}{}:
		default:
		}
		<-p.proceed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *pipeWriter) holds(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Contains(p.text.String(), text)
}

func (p *pipeWriter) pictures() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Count(p.text.String(), "X-Kfgrab-Captured")
}

// TestMJPEGHTTP2: two pictures may be further apart than an answer may take to
// write.
func TestMJPEGHTTP2(t *testing.T) {
	t.Parallel()
	s, err := New(&Options{Streams: []Stream{stream(t, "door="+servetest.LiveHLS(t))}})
	if err != nil {
		t.Fatal(err)
	}
	s.times.write = 500 * time.Millisecond
	web := httptest.NewUnstartedServer(s)
	web.Config.WriteTimeout = s.times.write
	web.EnableHTTP2 = true
	web.StartTLS()
	t.Cleanup(func() {
		s.run.close()
		web.Close()
		s.Close()
	})
	res := (&service{s, web.URL, web.Client()}).open(t, "/streams/door/mjpeg?every=3&width=160")
	r := parts(t, res)
	for range 3 {
		next(t, r)
	}
	if res.ProtoMajor != 2 {
		t.Error(res.Proto)
	}
}
