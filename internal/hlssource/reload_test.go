package hlssource

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// tagged answers with the result of text and an entity tag of it.
func tagged(text func(r *http.Request) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body := text(r)
		w.Header().Set("Etag", strconv.Quote(fmt.Sprintf("%x", len(body))+body[max(0, len(body)-9):len(body)-1]))
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(body))
	}
}

// TestIfNewer: on request, and only then, the same keyframe is detected from the
// playlist alone, whether that has changed or not.
func TestIfNewer(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-ts"))
	playlist := live
	web := newSite(t, files)
	web.answers["index.m3u8"] = tagged(func(*http.Request) string { return playlist })
	s := source(t, web.URL+"/index.m3u8", &Options{IfNewer: true}, nil)
	expect := func(why, asked string, newer bool) {
		t.Helper()
		web.took()
		f, err := try(t, s)
		if (err == nil) != newer || newer == errors.Is(err, keyframe.ErrNotModified) || (f == nil) == newer {
			t.Errorf("%s: %v", why, err)
		}
		if err != nil && (errors.Is(err, keyframe.ErrNotFound) || errors.Is(err, keyframe.ErrCorrupt)) {
			t.Errorf("%s: no fault of the stream: %v", why, err)
		}
		if got := names(web.took()); got != asked {
			t.Errorf("%s: asked for %q, want %q", why, got, asked)
		}
	}
	expect("first", "index.m3u8 seg2.ts", true)
	expect("304", "index.m3u8", false)
	playlist += "# a comment\n"
	expect("another playlist, same segment", "index.m3u8", false)
	playlist += "#EXTINF:2,\nseg1.ts\n"
	expect("new segment", "index.m3u8 seg1.ts", true)
	expect("304 after a new segment", "index.m3u8", false)
	playlist += "#EXTINF:2,\nmissing.ts\n"
	expect("newest missing, the one before it known", "index.m3u8 missing.ts", false)
	playlist = strings.Replace(live, "SEQUENCE:7", "SEQUENCE:1", 1)
	expect("the server has begun anew", "index.m3u8 seg2.ts", true)

	s = source(t, web.URL+"/index.m3u8", nil, nil)
	for _, why := range []string{"not asked for", "not asked for, 304"} {
		expect(why, "index.m3u8 seg2.ts", true)
	}
}

// TestReloadNotModified: an unchanged playlist is not sent again, but the
// keyframe is.
func TestReloadNotModified(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-ts"))
	web := newSite(t, files)
	codes := []int{}
	web.answers["index.m3u8"] = func(w http.ResponseWriter, r *http.Request) {
		counting := &codeWriter{ResponseWriter: w}
		tagged(func(*http.Request) string { return live })(counting, r)
		codes = append(codes, counting.code)
	}
	s := source(t, web.URL+"/index.m3u8", nil, nil)
	first := mustGrab(t, s)
	if again := mustGrab(t, s); !bytes.Equal(again.Data, first.Data) {
		t.Error("another picture")
	}
	if fmt.Sprint(codes) != "[200 304]" {
		t.Errorf("answers %v", codes)
	}
}

type codeWriter struct {
	http.ResponseWriter
	code int
}

func (w *codeWriter) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}

// TestReloadFault: after a playlist that led to nothing, the next request is not
// conditional.
func TestReloadFault(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-ts"))
	web := newSite(t, files)
	conditional := 0
	web.answers["index.m3u8"] = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			conditional++
		}
		tagged(func(*http.Request) string { return strings.ReplaceAll(live, "seg", "gone") })(w, r)
	}
	s := source(t, web.URL+"/index.m3u8", nil, nil)
	for range 2 {
		if _, err := try(t, s); err == nil {
			t.Fatal("no error")
		}
	}
	if conditional > 0 {
		t.Error("the playlist was not asked for anew")
	}
}

// skipper serves a window of the long playlist, and delta updates of it.
type skipper struct {
	first, count int
	header       string // instead of CAN-SKIP-UNTIL=240
	refuse       bool   // ignore _HLS_skip
	names        string // of segments
	asked        []string
}

func (p *skipper) text(r *http.Request) string {
	p.asked = append(p.asked, r.URL.RawQuery)
	text := long(p.first, p.count)
	if p.names != "" {
		text = strings.ReplaceAll(text, "segment", p.names)
	}
	head, segments, _ := strings.Cut(text, "#EXTINF")
	segments = "#EXTINF" + segments
	if p.header == "" {
		p.header = "#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=240\n"
	}
	head += p.header
	if !strings.Contains(r.URL.RawQuery, "_HLS_skip=YES") || p.refuse {
		return head + segments
	}
	const listed = 60 // 240 s
	skipped := p.count - listed
	lines := strings.SplitAfter(segments, "\n")
	return head + fmt.Sprintf("#EXT-X-SKIP:SKIPPED-SEGMENTS=%d\n", skipped) + strings.Join(lines[2*skipped:], "")
}

// longSource is a source of a long live playlist. All its segments are the same
// few kilobytes.
func longSource(t *testing.T, text func(*http.Request) string) (*Source, *meter.Counter) {
	t.Helper()
	media := read(t, testmedia.Make(t, "tiny.ts"))
	web := newSite(t, nil)
	web.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".m3u8") {
			tagged(text)(w, r)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(media))
	})
	m := new(meter.Counter)
	return source(t, web.URL+"/live.m3u8?t=1", nil, &fetch.Options{Meter: m}), m
}

// playlistCost is what a grab takes for its playlist: all bytes except the
// segment's.
func playlistCost(t *testing.T, s *Source, m *meter.Counter) int64 {
	t.Helper()
	media := &mediaBytes{}
	s.opts.Logger = slog.New(media)
	before := m.Read().Down
	mustGrab(t, s)
	return m.Read().Down - before - media.n
}

// mediaBytes is a log that counts the bytes fetched from segments.
type mediaBytes struct {
	slog.Handler
	n int64
}

func (*mediaBytes) Enabled(context.Context, slog.Level) bool { return true }

func (b *mediaBytes) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if f, ok := a.Value.Any().(fetch.Fetched); ok {
			b.n += f.Bytes
		}
		return true
	})
	return nil
}

// TestReloadDelta: if the server offers delta updates, the second grab of a
// playlist of 6 hours takes at most 6 kB.
func TestReloadDelta(t *testing.T) {
	p := &skipper{first: 7, count: 5400}
	s, m := longSource(t, p.text)
	if n := playlistCost(t, s, m); n < 200_000 {
		t.Fatalf("the whole playlist took %d bytes", n)
	}
	for i := range 3 {
		p.first += i // at first nothing new
		if n := playlistCost(t, s, m); n > 6000 {
			t.Errorf("delta update: %d bytes", n)
		}
		newest := int64(p.first + p.count - 1)
		if s.last.Sequence != newest || !strings.Contains(s.last.URI.Text, fmt.Sprintf("%09d", newest)) {
			t.Errorf("took %+v, want %d", s.last, newest)
		}
	}
	if n := playlistCost(t, s, m); n > 800 {
		t.Errorf("delta update that is not modified: %d bytes", n)
	}
	if got := fmt.Sprint(p.asked); got != "[t=1 t=1&_HLS_skip=YES t=1&_HLS_skip=YES t=1&_HLS_skip=YES t=1&_HLS_skip=YES]" {
		t.Errorf("asked %s", got)
	}
}

// TestReloadDeltaFaults: if a delta update is useless, the whole playlist is
// fetched.
func TestReloadDeltaFaults(t *testing.T) {
	const skip = "t=1&_HLS_skip=YES"
	for _, tt := range []struct {
		name   string
		change func(p *skipper)
		asked  string // by the second grab and the third
	}{
		{"ignored", func(p *skipper) { p.refuse = true }, skip + " " + skip},
		{"too far ahead", func(p *skipper) { p.first += 100 }, skip + " t=1 t=1"},
		{"other names", func(p *skipper) { p.names = "other" }, skip + " t=1 t=1"},
		{"begun anew", func(p *skipper) { p.first, p.count, p.names = 0, 70, "other" }, skip + " t=1 t=1"},
		{"no longer offered", func(p *skipper) { p.header = "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES\n" }, skip + " t=1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &skipper{first: 7, count: 200}
			s, _ := longSource(t, p.text)
			mustGrab(t, s)
			p.asked = nil
			tt.change(p)
			for range 2 {
				mustGrab(t, s)
				if newest := int64(p.first + p.count - 1); s.last.Sequence != newest {
					t.Errorf("took %+v, want %d", s.last, newest)
				}
			}
			if got := strings.Join(p.asked, " "); got != tt.asked {
				t.Errorf("asked %s, want %s", got, tt.asked)
			}
		})
	}
}

// TestReloadDeltaTooOld: after half of the skip boundary, the whole playlist is
// requested.
func TestReloadDeltaTooOld(t *testing.T) {
	p := &skipper{first: 7, count: 200}
	s, _ := longSource(t, p.text)
	mustGrab(t, s)
	for _, r := range s.kept {
		r.seen = r.seen.Add(-121 * time.Second)
	}
	mustGrab(t, s)
	if got := fmt.Sprint(p.asked); got != "[t=1 t=1]" {
		t.Errorf("asked %s", got)
	}
}

// dvr serves the long playlist and segments from nginx.
func dvr(t *testing.T, directives ...string) (s *Source, m *meter.Counter, write func(first, n int, edit ...string)) {
	t.Helper()
	dir := t.TempDir()
	media := read(t, testmedia.Make(t, "tiny.ts"))
	if err := os.WriteFile(filepath.Join(dir, "tiny.ts"), media, 0o600); err != nil {
		t.Fatal(err)
	}
	wrote := time.Now().Add(-time.Hour)
	write = func(first, n int, edit ...string) {
		text := strings.NewReplacer(edit...).Replace(long(first, n))
		temporary := filepath.Join(dir, "new")
		if err := os.WriteFile(temporary, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		wrote = wrote.Add(time.Second) // in the past, since nginx's entity tags count in seconds
		if err := os.Chtimes(temporary, wrote, wrote); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(temporary, filepath.Join(dir, "live.m3u8")); err != nil {
			t.Fatal(err)
		}
	}
	directives = append(directives, "location ~ segment { rewrite ^ /tiny.ts break; }")
	base := testserver.Nginx(t, dir, directives...)
	m = new(meter.Counter)
	return source(t, base+"/live.m3u8", nil, &fetch.Options{Meter: m}), m, write
}

// TestNginxDVRGzip: a compressed playlist of 6 hours takes 25 kB.
func TestNginxDVRGzip(t *testing.T) {
	s, m, write := dvr(t, "gzip on; gzip_types application/vnd.apple.mpegurl;")
	write(1, 5400)
	n := playlistCost(t, s, m)
	if n > 25_000 {
		t.Errorf("%d bytes", n)
	}
	again := playlistCost(t, s, m)
	if again > 800 {
		t.Errorf("not modified: %d bytes", again)
	}
	t.Logf("%d bytes plain; %d compressed, then %d", len(long(1, 5400)), n, again)
}

// TestNginxDVREnd: without compression and delta updates, the end of the
// playlist suffices from the second grab on.
func TestNginxDVREnd(t *testing.T) {
	s, m, write := dvr(t)
	write(1, 5400)
	took := []int64{playlistCost(t, s, m)}
	for i := range 4 {
		write(1+i*3, 5400) // a window that moves, except at first
		n := playlistCost(t, s, m)
		if n > 5096 {
			t.Errorf("grab %d: %d bytes", i, n)
		}
		took = append(took, n)
		newest := int64(i*3 + 5400)
		if s.last.Sequence != newest || !strings.Contains(s.last.URI.Text, fmt.Sprintf("%09d", newest)) {
			t.Errorf("took %+v, want %d", s.last, newest)
		}
	}
	t.Logf("%v bytes", took)
	for _, tt := range []struct {
		name  string
		first int
		edit  []string
	}{
		{"far ahead", 2000, nil},
		{"begun anew", 1, nil},
		{"other names", 4, []string{"/live/", "/stay/"}},
		{"ended", 7, []string{"000005404.ts\n", "000005404.ts\n#EXT-X-ENDLIST\n"}},
	} {
		write(tt.first, 5400, tt.edit...)
		if n := playlistCost(t, s, m); n < 200_000 {
			t.Errorf("%s: %d bytes", tt.name, n)
		}
		want := int64(tt.first + 5399)
		if tt.name == "ended" {
			want = int64(tt.first)
		}
		if s.last.Sequence != want {
			t.Errorf("%s: took %+v, want %d", tt.name, s.last, want)
		}
	}
}

// TestNginxDVRWithoutRanges: without ranges, the whole playlist comes in one
// answer.
func TestNginxDVRWithoutRanges(t *testing.T) {
	s, m, write := dvr(t, "location = /live.m3u8 { max_ranges 0; }")
	for i := range 2 {
		write(1+i, 5400)
		before := m.Read().Requests
		if n := playlistCost(t, s, m); n < 200_000 || m.Read().Requests-before != 2 {
			t.Errorf("%d bytes, %d requests", n, m.Read().Requests-before)
		}
		if s.last.Sequence != int64(5400+i) {
			t.Errorf("took %+v", s.last)
		}
	}
}

func TestSkipURL(t *testing.T) {
	tests := []struct{ in, want string }{
		{"http://h/a.m3u8", "http://h/a.m3u8?_HLS_skip=YES"},
		{"http://h/a.m3u8?t=%2f&b", "http://h/a.m3u8?t=%2f&b&_HLS_skip=YES"},
		{"http://h/a.m3u8?_HLS_msn=3&_HLS_part=1", "http://h/a.m3u8?_HLS_msn=3&_HLS_part=1&_HLS_skip=YES"},
		{"http://h/a.m3u8?_HLS_skip=v2&x=1", "http://h/a.m3u8?_HLS_skip=v2&x=1"},
		{"http://h/a.m3u8?my_HLS_skip=1", "http://h/a.m3u8?my_HLS_skip=1&_HLS_skip=YES"},
	}
	for _, tt := range tests {
		u, err := url.Parse(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		if got := skipURL(u).String(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.in, got, tt.want)
		}
		if u.String() != tt.in {
			t.Errorf("%s was written to", tt.in)
		}
		if a, b := withoutDirectives(u), withoutDirectives(skipURL(u)); a != b {
			t.Errorf("%s and %s are two playlists", a, b)
		}
	}
}

func TestCanSkip(t *testing.T) {
	c := hls.ServerControl{CanSkipUntil: 24 * time.Second}
	for age, want := range map[time.Duration]bool{-1: false, 0: true, 12 * time.Second: true, 13 * time.Second: false} {
		if canSkip(c, age) != want || canSkip((hls.ServerControl{}), age) {
			t.Errorf("%v: %v", age, !want)
		}
	}
}
