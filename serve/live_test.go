package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image/jpeg"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/config"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/schedule"
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

// parts reads an answer of mjpeg.
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

// camera starts an RTSP server.
func rtspCamera(t testing.TB) *testserver.RTSP {
	t.Helper()
	return testserver.GStreamer{File: testmedia.Make(t, "live.264"), Codec: "h264"}.Start(t)
}

// TestMJPEG: many who watch see the stream's keyframes, from one connection, while
// snapshots come from the same; when all have gone it is not kept.
func TestMJPEG(t *testing.T) {
	t.Parallel()
	s := start(t, &Options{Streams: []config.Stream{stream(t, "door="+rtspCamera(t).URL("/live").String())}})
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
	if got.StatusCode != 200 || got.Header.Get("X-Kfgrab-State") != "fresh" || c.counts.grabs != c.counts.captures {
		t.Errorf("%s %v %+v", got.Status, got.Header, c.counts)
	}
	if c.counts.failures != 0 || c.stream != nil {
		t.Errorf("%+v: a second connection", c.counts)
	}
	if r := c.report(time.Now()); r.Viewers == 0 || r.State != "live" {
		t.Errorf("%+v", r)
	}
	s.client.CloseIdleConnections()
}

// TestMJPEGLeft: the reception ends behind the last who watches.
func TestMJPEGLeft(t *testing.T) {
	t.Parallel()
	s := start(t, &Options{Streams: []config.Stream{stream(t, "door="+liveHLS(t))}})
	c := s.streams.Load().list[0]
	res := s.open(t, "/streams/door/mjpeg?width=160")
	next(t, parts(t, res))
	res.Body.Close()
	until(t, func() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.viewers == 0 })
	c.rested() // as in ten seconds
	c.followers.Wait()
	if c.live || c.connecting() {
		t.Error("it goes on")
	}
	if got := s.get(t, "/streams/door/snapshot.jpg?width=160&max_age=3600"); got.Header.Get("X-Kfgrab-State") != "cached" {
		t.Errorf("%v", got.Header)
	}
}

// TestMJPEGEvery: who wants pictures every so often shares a grab with all who do.
func TestMJPEGEvery(t *testing.T) {
	t.Parallel()
	s := start(t, &Options{Streams: []config.Stream{stream(t, "door="+liveHLS(t))}})
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
	if c.connecting() || c.counts.grabs > 12 { // in some five seconds
		t.Errorf("%+v", c.counts)
	}
}

// TestMJPEGFailure: who watches a stream that dies is shown why, and its return.
func TestMJPEGFailure(t *testing.T) {
	t.Parallel()
	l := newListed(t)
	s := start(t, &Options{Streams: []config.Stream{stream(t, "door="+l.url)}})
	c := s.streams.Load().list[0]
	r := parts(t, s.open(t, "/streams/door/mjpeg?every=0.5&width=160"))
	if captured, _ := next(t, r); captured == "" {
		t.Error("no picture")
	}
	l.remove(t)
	if captured, width := next(t, r); captured != "" || width != 160 || c.failed == nil {
		t.Errorf("captured %q, %d wide", captured, width)
	}
	l.list(t, 1)
	if captured, _ := next(t, r); captured == "" {
		t.Error("no picture again")
	}
	if got := s.do(t, "HEAD", "/streams/door/mjpeg"); got.StatusCode != 200 || !strings.HasPrefix(got.Header.Get("Content-Type"), "multipart/") {
		t.Errorf("HEAD: %s %v", got.Status, got.Header)
	}
}

// event reads the next event's name and data.
func event(t testing.TB, r *bufio.Reader) (name string, report eventReport) {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "event: "); ok {
			name = text
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			if err := json.Unmarshal([]byte(data), &report); err != nil {
				t.Fatal(err)
			}
			return name, report
		}
	}
}

// TestEvents: of pictures, failures and recoveries those are told who listen, and nothing
// is grabbed for them.
func TestEvents(t *testing.T) {
	t.Parallel()
	l := newListed(t)
	s := start(t, &Options{Streams: []config.Stream{stream(t, "door="+l.url), stream(t, "other="+liveHLS(t))}})
	c := s.streams.Load().list[0]
	one, all := s.open(t, "/streams/door/events"), s.open(t, "/events")
	if one.Header.Get("Content-Type") != "text/event-stream" {
		t.Error(one.Header)
	}
	readers := []*bufio.Reader{bufio.NewReader(one.Body), bufio.NewReader(all.Body)}
	expect := func(want string) {
		t.Helper()
		for _, r := range readers {
			name, report := event(t, r)
			if name != want || report.Stream != "door" || (name == "failure") != (report.Failure != nil) || (name == "failure") != (report.Picture == nil) {
				t.Errorf("%s %+v, want %s", name, report, want)
			}
		}
	}
	if c.counts.grabs != 0 {
		t.Error("a grab for who listens")
	}
	s.get(t, "/streams/door/snapshot.mp4")
	expect("picture")
	l.remove(t)
	c.aged(time.Minute)
	s.get(t, "/streams/door/snapshot.mp4")
	expect("failure")
	l.list(t, 1)
	c.aged(time.Minute)
	s.get(t, "/streams/door/snapshot.mp4")
	expect("picture")
	expect("recovery")
	late := bufio.NewReader(s.open(t, "/events").Body)
	if name, _ := event(t, late); name != "picture" {
		t.Errorf("how it stands: %s", name)
	}
}

// TestWarm: a stream that is held open answers at once, and no grab is made.
func TestWarm(t *testing.T) {
	t.Parallel()
	warm := stream(t, "door="+rtspCamera(t).URL("/live").String())
	warm.Mode = config.Warm
	s := start(t, &Options{Streams: []config.Stream{warm}})
	c := s.streams.Load().list[0]
	last := int64(0)
	for range 2 {
		got := s.get(t, "/streams/door/snapshot.jpg?fresh=1&width=160")
		if got.StatusCode != 200 || got.Header.Get("X-Kfgrab-State") != "fresh" {
			t.Fatalf("%s %s", got.Status, got.body)
		}
		last = c.standing().picture
		until(t, func() bool { return c.standing().picture > last })
	}
	if c.stream != nil || c.counts.failures != 0 {
		t.Errorf("%+v", c.counts)
	}
}

// TestWarmDown: of one that cannot be held open every request is told why, at once.
func TestWarmDown(t *testing.T) {
	t.Parallel()
	l := newListed(t)
	warm := stream(t, "door="+l.url)
	warm.Mode = config.Warm
	l.remove(t)
	s := start(t, &Options{Streams: []config.Stream{warm}})
	if got := s.get(t, "/streams/door/snapshot.mp4"); got.StatusCode != 502 {
		t.Errorf("%s %s", got.Status, got.body)
	}
	l.list(t, 0)
	s.streams.Load().list[0].aged(time.Minute)
	if got := s.get(t, "/streams/door/snapshot.mp4"); got.StatusCode != 200 {
		t.Errorf("back: %s %s", got.Status, got.body)
	}
}

// TestWarmAgain: a stream that is held open again, and has nothing new, still answers with
// the picture that is known.
func TestWarmAgain(t *testing.T) {
	t.Parallel()
	l := newListed(t)
	s := start(t, &Options{Streams: []config.Stream{stream(t, "door="+l.url)}})
	c := s.streams.Load().list[0]
	s.get(t, "/streams/door/snapshot.mp4")
	c.disconnect()
	c.aged(time.Minute)
	defer c.watch()()
	if got := s.get(t, "/streams/door/snapshot.mp4"); got.Header.Get("X-Kfgrab-State") != "fresh" || got.Header.Get("Age") != "0" {
		t.Errorf("%s %v", got.Status, got.Header)
	}
	if n := c.counted(); n.captures != 1 || n.unchanged != 1 {
		t.Errorf("%+v", n)
	}
}

// TestScheduled: pictures come without being asked for, and serve until the next.
func TestScheduled(t *testing.T) {
	t.Parallel()
	planned := stream(t, "door="+liveHLS(t))
	planned.Mode, planned.Schedule = config.Scheduled, schedule.Rule{Every: time.Hour}
	s := start(t, &Options{Streams: []config.Stream{planned}})
	c := s.streams.Load().list[0]
	until(t, func() bool { return c.standing().picture == 1 })
	until(t, func() bool { return c.report(time.Now()).NextRefresh != "" })
	c.aged(time.Second * 10)
	if got := s.get(t, "/streams/door/snapshot.mp4"); got.Header.Get("X-Kfgrab-State") != "cached" {
		t.Errorf("%s %v", got.Status, got.Header)
	}
	if got := s.get(t, "/streams/door/snapshot.mp4?max_age=1"); got.Header.Get("X-Kfgrab-State") != "fresh" {
		t.Errorf("%s %v", got.Status, got.Header)
	}
}

// TestSet: streams come, go and change, and what stays is not touched.
func TestSet(t *testing.T) {
	t.Parallel()
	same, changes, goes := stream(t, "same="+liveHLS(t)), stream(t, "changes="+liveHLS(t)), stream(t, "goes="+liveHLS(t))
	s := start(t, &Options{Streams: []config.Stream{same, changes, goes}})
	for _, name := range []string{"same", "changes", "goes"} {
		s.get(t, "/streams/"+name+"/snapshot.jpg?width=160")
	}
	watched := s.open(t, "/streams/goes/mjpeg?width=160")
	changes.TTL = time.Minute
	if err := s.Set([]config.Stream{stream(t, "comes="+liveHLS(t)), changes, same}); err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, watched.Body) // it ends
	for path, want := range map[string]string{"same": "cached", "changes": "fresh", "comes": "fresh", "goes": ""} {
		if got := s.get(t, "/streams/"+path+"/snapshot.jpg?width=160&max_age=3600"); got.Header.Get("X-Kfgrab-State") != want {
			t.Errorf("%s: %s %v", path, got.Status, got.Header)
		}
	}
	if err := s.Set([]config.Stream{same, same}); err == nil || len(s.streams.Load().list) != 3 {
		t.Errorf("two of one name: %v", err)
	}
}

// TestRun: at the end those who watch are let go, those who ask get their answer, and
// nothing is left.
func TestRun(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s, err := New(&Options{Streams: []config.Stream{stream(t, "door="+liveHLS(t))}, Logger: textLogger(&log)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()
	web := &service{s, "http://" + l.Addr().String(), &http.Client{Transport: &http.Transport{}}}
	defer web.client.CloseIdleConnections()
	watched, heard := web.open(t, "/streams/door/mjpeg?width=160&secret=geheim"), web.open(t, "/events")
	next(t, parts(t, watched))
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	io.Copy(io.Discard, watched.Body)
	io.Copy(io.Discard, heard.Body)
	if err := s.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if text := log.String(); !strings.Contains(text, "/streams/door/mjpeg") || strings.Contains(text, "geheim") {
		t.Errorf("log: %s", text)
	}
}

// TestSlowViewer: who takes nothing holds up nobody, and gets the newest picture, not
// those before, when it does.
func TestSlowViewer(t *testing.T) {
	t.Parallel()
	s := start(t, &Options{Streams: []config.Stream{stream(t, "door="+rtspCamera(t).URL("/live").String())}})
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
	until(t, func() bool { return slow.holds(last) })
	if n := slow.pictures(); n > 3 {
		t.Errorf("the slow one got %d pictures up to the quick one's fourth", n)
	}
	cancel()
	<-served
}

// pipeWriter is a connection that takes nothing before proceed is closed.
type pipeWriter struct {
	header         http.Header
	begun, proceed chan struct{}
	mu             sync.Mutex
	text           strings.Builder
}

func (p *pipeWriter) Header() http.Header { return p.header }
func (p *pipeWriter) WriteHeader(int)     {}
func (p *pipeWriter) Flush()              {}

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
