package watch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/change"
	"github.com/kfgrab/kfgrab/internal/event"
	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/internal/sink"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/picture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deadline bounds the waits of tests, which are all shorter.
const deadline = 30 * time.Second

// everySecond is the most frequent rule.
var everySecond = schedule.Rule{Every: time.Second}

// album is a sink that keeps pictures in memory, and fails on demand.
type album struct {
	pictures chan *sink.Picture
	err      atomic.Pointer[error]
}

func newAlbum() *album { return &album{pictures: make(chan *sink.Picture, 1000)} }

func (a *album) Put(_ context.Context, p *sink.Picture) (string, error) {
	if err := a.err.Load(); err != nil {
		return "", *err
	}
	a.pictures <- p
	return "album/" + p.Stream, nil
}

func (a *album) next(t *testing.T) *sink.Picture {
	t.Helper()
	select {
	case p := <-a.pictures:
		return p
	case <-time.After(deadline):
		t.Fatal("no picture")
		return nil
	}
}

// logbook collects the lines of the log.
type logbook struct {
	mu    sync.Mutex
	lines []string
	seen  chan struct{}
}

func newLogbook() *logbook { return &logbook{seen: make(chan struct{}, 1)} }

func (l *logbook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	l.lines = append(l.lines, string(p))
	l.mu.Unlock()
	select {
	case l.seen <- struct{}{}:
	default:
	}
	return len(p), nil
}

// await waits for n lines that contain all words, and returns the last one.
func (l *logbook) await(t *testing.T, n int, words ...string) string {
	t.Helper()
	for end := time.After(deadline); ; {
		if found := l.with(words...); len(found) >= n {
			return found[len(found)-1]
		}
		select {
		case <-l.seen:
		case <-end:
			t.Fatalf("fewer than %d lines with %q:\n%s", n, words, strings.Join(l.with(), ""))
		}
	}
}

func (l *logbook) with(words ...string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		has := true
		for _, w := range words {
			has = has && strings.Contains(line, w)
		}
		if has {
			found = append(found, line)
		}
	}
	return found
}

func startOrigin(t *testing.T) *origin.Origin {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("needs ffmpeg: make deps")
	}
	o, err := origin.Start(t.Context(), &origin.Options{Profile: origin.Small()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// stream returns a stream whose pictures need no decoder.
func stream(name, url string, to Sink) Stream {
	return Stream{Name: name, URL: url, Rule: everySecond, Picture: picture.Options{Format: picture.AnnexB}, Sinks: []Sink{to}}
}

func newWatcher(t *testing.T, o *Options, streams ...Stream) *Watcher {
	t.Helper()
	w, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	if err := w.Set(streams); err != nil {
		t.Fatal(err)
	}
	return w
}

// run runs w until stop is called, which waits for the end.
func run(t *testing.T, w *Watcher) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Run(ctx)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(deadline):
			t.Error("Run does not return")
		}
	})
	t.Cleanup(stop)
	return stop
}

// mute returns the URL of a server that never answers.
func mute(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return "http://" + l.Addr().String() + "/live.m3u8"
}

func refused(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String() + "/live.m3u8"
}

// Pictures of several streams come again and again, none of them twice, and
// later ones cost a playlist and a range.
func TestRun(t *testing.T) {
	t.Parallel()
	o := startOrigin(t)
	a, log := newAlbum(), newLogbook()
	w := newWatcher(t, &Options{Logger: log.logger()}, stream("ts", o.HLS(origin.TS), a), stream("fmp4", o.HLS(origin.FMP4), a))
	run(t, w)
	seen := map[string]bool{}
	for range 6 {
		p := a.next(t)
		id := fmt.Sprint(p.Stream, p.MediaTime)
		if seen[id] || p.MediaTime.IsZero() || len(p.Data) == 0 || p.Width != 640 || p.Extension != ".h26x" {
			t.Errorf("%s twice, or %d bytes, %d wide, %s", id, len(p.Data), p.Width, p.Extension)
		}
		seen[id] = true
	}
	for _, s := range w.Statuses() {
		if s.Failures > 0 || s.Runs == 0 || s.Stored.IsZero() || s.Scene.IsZero() || s.Down == 0 {
			t.Errorf("%+v", s)
		}
	}
	totals := w.Totals()
	if saving, ok := totals.Saving(); !ok || saving < 0.5 || totals.Stored < 5 {
		t.Errorf("%+v, saved %v", totals, saving)
	}
	line := log.await(t, 1, "msg=grab", "name=ts", "outcome=ok", "file=album/ts")
	for _, word := range []string{" bytes=", " age=", " ms=", " late_ms="} {
		if !strings.Contains(line, word) {
			t.Errorf("no%s in %s", word, line)
		}
	}
	if steady := w.Statuses()[1].Last.Cost; steady.Requests > 3 {
		t.Errorf("a later grab takes %d requests", steady.Requests)
	}
}

// One round takes a picture of each stream and reports failures.
func TestOnce(t *testing.T) {
	t.Parallel()
	o := startOrigin(t)
	a := newAlbum()
	w := newWatcher(t, nil,
		stream("good", o.HLS(origin.TS), a), stream("gone", o.HLS(origin.TS)+"x", a), stream("refused", refused(t), a),
		stream("unknown", "http://kfgrab.invalid/live.m3u8", a))
	outcomes := w.Once(t.Context())
	for i, want := range []struct {
		name  string
		class kfgrab.Class
	}{{"gone", kfgrab.Network}, {"good", kfgrab.OK}, {"refused", kfgrab.Network}, {"unknown", kfgrab.Network}} {
		o := outcomes[i]
		if o.Name != want.name || o.Class() != want.class || (o.Result == Stored) != (want.class == kfgrab.OK) || len(o.Files) > 0 != (o.Err == nil) {
			t.Errorf("%+v", o)
		}
	}
	if p := a.next(t); p.Stream != "good" {
		t.Errorf("%+v", p)
	}
}

// Streams that hang, whose name does not resolve or whose connection is refused
// delay no others, even if only one grab per host is allowed.
func TestBadStreams(t *testing.T) {
	t.Parallel()
	o := startOrigin(t)
	a, log := newAlbum(), newLogbook()
	streams := []Stream{stream("good", o.HLS(origin.TS), a)}
	for i := range 10 {
		hung := stream(fmt.Sprint("hung", i), mute(t), a)
		hung.Timeout = time.Hour
		streams = append(streams, hung)
	}
	streams = append(streams, stream("unknown", "http://kfgrab.invalid/live.m3u8", a), stream("refused", refused(t), a))
	w := newWatcher(t, &Options{Logger: log.logger(), Grace: time.Nanosecond, Limits: schedule.Limits{Total: 13, PerHost: 11}}, streams...)
	stop := run(t, w)
	for range 4 {
		if p := a.next(t); p.Stream != "good" {
			t.Error(p.Stream)
		}
	}
	if line := log.await(t, 1, "name=unknown"); !strings.Contains(line, "no such host") && !strings.Contains(line, "name lookup failed") || !strings.Contains(line, "level=WARN") {
		t.Error(line)
	}
	log.await(t, 1, "name=refused", "outcome=network", "refused")
	stop()
	if n := len(log.with("name=hung", "outcome=abandoned")); n != 10 {
		t.Errorf("%d abandoned", n)
	}
}

// A grab that hangs ends with its timeout, and the stream is tried again.
func TestTimeout(t *testing.T) {
	t.Parallel()
	log := newLogbook()
	hung := stream("hung", mute(t), newAlbum())
	hung.Timeout = 50 * time.Millisecond
	run(t, newWatcher(t, &Options{Logger: log.logger()}, hung))
	log.await(t, 2, "name=hung", "outcome=timeout", "not done within 50ms")
}

// switchable is a proxy that can be down.
type switchable struct {
	*httptest.Server
	down atomic.Bool
}

func newSwitchable(t *testing.T) *switchable {
	s := &switchable{}
	files := http.FileServer(http.Dir(filepath.Dir(testmedia.Make(t, "hls-ts"))))
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.down.Load() {
			panic(http.ErrAbortHandler)
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// The stream of an origin that was down comes back by itself.
func TestOriginDown(t *testing.T) {
	t.Parallel()
	s, a, log := newSwitchable(t), newAlbum(), newLogbook()
	cam := stream("cam", s.URL+"/index.m3u8", a)
	cam.Repeats = true
	w := newWatcher(t, &Options{Logger: log.logger()}, cam)
	run(t, w)
	a.next(t)
	s.down.Store(true)
	s.CloseClientConnections()
	log.await(t, 2, "name=cam", "outcome=network")
	if st := w.Statuses()[0]; st.Outage.Failures < 2 {
		t.Errorf("%+v", st)
	}
	for len(a.pictures) > 0 {
		<-a.pictures
	}
	s.down.Store(false)
	a.next(t)
	log.await(t, 2, "name=cam", "outcome=ok")
	if st := w.Statuses()[0]; st.Outage.Failures != 0 {
		t.Errorf("%+v", st)
	}
}

// A picture that a sink refuses is fetched again, although it is no newer, and
// stored once the sink works.
func TestSinkFails(t *testing.T) {
	t.Parallel()
	s, a, log := newSwitchable(t), newAlbum(), newLogbook()
	full := errors.New("no space left on device")
	a.err.Store(&full)
	run(t, newWatcher(t, &Options{Logger: log.logger()}, stream("cam", s.URL+"/index.m3u8", a)))
	log.await(t, 2, "name=cam", "outcome=other", "no space left")
	a.err.Store(nil)
	a.next(t)
	log.await(t, 2, "name=cam", "outcome=unchanged")
	if len(a.pictures) > 0 {
		t.Error("the same keyframe was stored twice")
	}
}

// Set adds, changes and removes streams while others go on. An invalid list
// changes nothing.
func TestSet(t *testing.T) {
	t.Parallel()
	s, a, log := newSwitchable(t), newAlbum(), newLogbook()
	cam := func(name string) Stream {
		st := stream(name, s.URL+"/index.m3u8", a)
		st.Repeats = true
		return st
	}
	w := newWatcher(t, &Options{Logger: log.logger()}, cam("one"))
	run(t, w)
	a.next(t)
	source := w.watched["one"].source
	two := cam("two")
	two.Picture.Format = picture.MP4
	if err := w.Set([]Stream{cam("one"), two}); err != nil {
		t.Fatal(err)
	}
	for a.next(t).Stream != "two" {
	}
	for _, bad := range [][]Stream{
		{cam("one"), cam("one")},
		{cam("")},
		{{Name: "x"}},
		{{Name: "x", URL: "gopher://x/"}},
		{func() Stream { c := cam("one"); c.Rule.Every = 1; return c }()},
	} {
		if err := w.Set(bad); err == nil || len(w.Statuses()) != 2 {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	often := cam("one")
	often.Rule.Every = 2 * time.Second
	if err := w.Set([]Stream{often, cam("two")}); err != nil {
		t.Fatal(err)
	}
	log.await(t, 1, "changed", "name=two")
	if w.mu.Lock(); w.watched["one"].source != source {
		t.Error("a new rule made a new connection")
	}
	w.mu.Unlock()
	for p := a.next(t); p.Stream != "two" || p.Extension != ".h26x"; p = a.next(t) {
	}
	if err := w.Set([]Stream{cam("two")}); err != nil {
		t.Fatal(err)
	}
	log.await(t, 1, "removed", "name=one")
	if all := w.Statuses(); len(all) != 1 || all[0].Name != "two" || all[0].Runs == 0 {
		t.Errorf("%+v", all)
	}
}

// A clock that is set back by an hour does not stop the pictures for an hour.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	s, a := newSwitchable(t), newAlbum()
	cam := stream("cam", s.URL+"/index.m3u8", a)
	cam.Repeats = true
	w := newWatcher(t, nil)
	var back atomic.Int64
	w.now = func() time.Time { return time.Now().Add(-time.Duration(back.Load())) }
	if err := w.Set([]Stream{cam}); err != nil {
		t.Fatal(err)
	}
	run(t, w)
	a.next(t)
	back.Store(int64(time.Hour))
	for range 3 {
		a.next(t)
	}
}

// After a restart neither an earlier run nor the same keyframe is repeated.
func TestRestart(t *testing.T) {
	t.Parallel()
	s, a := newSwitchable(t), newAlbum()
	state := filepath.Join(t.TempDir(), "deep", "state")
	cam := stream("cam", s.URL+"/index.m3u8", a)
	cam.Rule.Every = 365 * 24 * time.Hour
	watch := func() (outcome Status) {
		log := newLogbook()
		w := newWatcher(t, &Options{State: state, Logger: log.logger()}, cam)
		defer w.Close()
		defer run(t, w)()
		if err := w.Set([]Stream{cam, stream("other", s.URL+"/index.m3u8", a)}); err != nil {
			t.Fatal(err)
		}
		log.await(t, 1, "name=other", "outcome=")
		if w.Statuses()[0].Next.IsZero() {
			log.await(t, 1, "name=cam", "outcome=ok")
		}
		return w.Statuses()[0]
	}
	first := watch()
	again := watch()
	if first.Runs != 1 || again.Runs != 0 || !again.Next.Equal(first.Next) {
		t.Errorf("%+v, then %+v", first, again)
	}
	if n := len(a.pictures); n != 2 {
		t.Errorf("%d pictures of two streams", n)
	}
}

// A keyframe that one round has stored is not stored by the next.
func TestOnceTwice(t *testing.T) {
	t.Parallel()
	s, a := newSwitchable(t), newAlbum()
	state := filepath.Join(t.TempDir(), "state")
	for _, want := range []Result{Stored, Unchanged} {
		w := newWatcher(t, &Options{State: state}, stream("cam", s.URL+"/index.m3u8", a))
		if o := w.Once(t.Context()); o[0].Result != want {
			t.Errorf("%+v, want %v", o[0], want)
		}
		w.Close()
	}
}

// All streams decode with one pool.
func TestDecoded(t *testing.T) {
	t.Parallel()
	o := startOrigin(t)
	a := newAlbum()
	cam := stream("cam", o.HLS(origin.TS), a)
	cam.Picture = picture.Options{Overlay: true, Name: "front door"}
	cam.Picture.Output.Width = 64
	w := newWatcher(t, nil, cam)
	if o := w.Once(t.Context()); o[0].Err != nil {
		t.Fatal(o[0].Err)
	}
	if p := a.next(t); p.Width != 64 || p.Height != 36 || p.ContentType != "image/jpeg" || !bytes.HasPrefix(p.Data, []byte{0xff, 0xd8}) {
		t.Errorf("%+v", p)
	}
}

// A picture that differs too little from the last one is not stored.
func TestMinChange(t *testing.T) {
	t.Parallel()
	o := startOrigin(t)
	for _, format := range []picture.Format{picture.JPEG, picture.AnnexB} {
		a, log := newAlbum(), newLogbook()
		cam := stream("cam", o.HLS(origin.TS), a)
		cam.Picture.Format, cam.Picture.Output.Width, cam.MinChange, cam.Repeats = format, 160, change.Most, true
		stop := run(t, newWatcher(t, &Options{Logger: log.logger()}, cam))
		log.await(t, 3, "name=cam", "outcome=unchanged")
		stop()
		if n := len(a.pictures); n != 1 {
			t.Errorf("%v: %d pictures", format, n)
		}
	}
}

// Blank keyframes are skipped on request.
func TestTries(t *testing.T) {
	t.Parallel()
	a := newAlbum()
	cam := stream("cam", testmedia.Make(t, "black-first.ts"), a)
	cam.Picture.Tries = 5
	if o := newWatcher(t, nil, cam).Once(t.Context()); o[0].Err != nil {
		t.Fatal(o[0].Err)
	}
	if p := a.next(t); len(p.Data) == 0 {
		t.Errorf("%+v", p)
	}
}

// stuck is a sink that blocks until its context is done.
type stuck chan struct{}

func (s stuck) Put(ctx context.Context, _ *sink.Picture) (string, error) {
	close(s)
	<-ctx.Done()
	return "", context.Cause(ctx)
}

// A picture that was not stored within Options.Grace comes at the next start.
func TestAbandonedStore(t *testing.T) {
	t.Parallel()
	s, a, slow := newSwitchable(t), newAlbum(), make(stuck)
	o := &Options{State: filepath.Join(t.TempDir(), "state"), Grace: time.Millisecond}
	cam := stream("cam", s.URL+"/index.m3u8", slow)
	cam.Rule.Every = 365 * 24 * time.Hour
	w := newWatcher(t, o, cam)
	stop := run(t, w)
	<-slow
	stop()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	cam.Sinks = []Sink{a}
	run(t, newWatcher(t, o, cam))
	a.next(t)
}

// held is a sink that blocks until the channel is closed.
type held struct{ reached, let chan struct{} }

func (h held) Put(context.Context, *sink.Picture) (string, error) {
	h.reached <- struct{}{}
	<-h.let
	return "held", nil
}

// The sinks of a stream that is replaced are in use until its run has ended.
func TestAwaitReplaced(t *testing.T) {
	t.Parallel()
	s, h, log := newSwitchable(t), held{make(chan struct{}, 1), make(chan struct{})}, newLogbook()
	w := newWatcher(t, &Options{Logger: log.logger()}, stream("cam", s.URL+"/index.m3u8", h))
	run(t, w)
	<-h.reached
	if err := w.Set([]Stream{stream("cam", s.URL+"/index.m3u8", newAlbum())}); err != nil {
		t.Fatal(err)
	}
	gaveUp, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.AwaitReplaced(gaveUp); !errors.Is(err, context.Canceled) {
		t.Errorf("while it runs: %v", err)
	}
	close(h.let)
	if err := w.AwaitReplaced(t.Context()); err != nil {
		t.Error(err)
	}
	log.await(t, 1, "outcome=ok", "file=held")
}

// counter is a sink and a hook with changing fields.
type counter struct{ n int }

func (c *counter) Put(context.Context, *sink.Picture) (string, error) { c.n++; return "", nil }
func (c *counter) Notify(event.Event)                                 { c.n++ }

// several is a sink and a hook that Go cannot compare.
type several []counter

func (several) Put(context.Context, *sink.Picture) (string, error) { return "", nil }
func (several) Notify(event.Event)                                 {}

// Sinks and hooks are compared by identity, not by content.
func TestSameSinks(t *testing.T) {
	t.Parallel()
	one, other := &counter{}, &counter{}
	for _, tt := range []struct {
		name string
		a, b Stream
		same bool
	}{
		{"none", Stream{}, Stream{}, true},
		{"the same sink", Stream{Sinks: []Sink{one}}, Stream{Sinks: []Sink{one}}, true},
		{"another sink", Stream{Sinks: []Sink{one}}, Stream{Sinks: []Sink{other}}, false},
		{"one more sink", Stream{Sinks: []Sink{one}}, Stream{Sinks: []Sink{one, one}}, false},
		{"the same hook", Stream{Hooks: []Hook{one}}, Stream{Hooks: []Hook{one}}, true},
		{"another hook", Stream{Hooks: []Hook{one}}, Stream{Hooks: []Hook{other}}, false},
		{"what cannot be compared", Stream{Sinks: []Sink{several{}}, Hooks: []Hook{several{}}}, Stream{Sinks: []Sink{several{}}, Hooks: []Hook{several{}}}, false},
		{"another name", Stream{Name: "a", Sinks: []Sink{one}}, Stream{Name: "b", Sinks: []Sink{one}}, false},
	} {
		if same := (&engine{Stream: tt.a}).isSame(tt.b); same != tt.same {
			t.Errorf("%s: %v", tt.name, same)
		}
	}
}

func TestUnknownResult(t *testing.T) {
	if got := Result(99).String(); got != "Result(99)" {
		t.Errorf("%q", got)
	}
}
