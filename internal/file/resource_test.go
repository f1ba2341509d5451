package file_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/file"
	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// resource opens the file at rawURL and counts the bytes on its sockets.
func resource(t *testing.T, rawURL string, o *file.Options, web *fetch.Options) (*file.Source, *meter.Counter) {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	if web == nil {
		web = &fetch.Options{}
	}
	m := &meter.Counter{}
	web.Meter = m
	client := fetch.New(u, web)
	t.Cleanup(client.Close)
	return file.OpenResource(client, u, nil, o), m
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// TestBytesFromNginx proves that a file on nginx gives the keyframe of the
// local file for few bytes: the index and the keyframe, wherever they are.
func TestBytesFromNginx(t *testing.T) {
	for _, c := range []struct {
		recipe string
		at     time.Duration
		most   int64 // bytes down, with headers
	}{
		{"5mbit.ts", 0, 200_000},
		{"5mbit.ts", 45 * time.Second, 2_500_000},
		{"5mbit.ts", 60 * time.Second, 2_500_000},
		{"5mbit.ts", -15 * time.Second, 2_800_000},
		{"wrap.ts", 4 * time.Second, 1_200_000},
		{"faststart.mp4", 0, 48 << 10},
		{"moov-last.mp4", 0, 64 << 10},
		{"moov-last.mp4", 2 * time.Second, 64 << 10},
		{"fragmented.mp4", 0, 48 << 10},
		{"fragmented.mp4", 2 * time.Second, 80 << 10},
		{"fragmented.mp4", -2 * time.Second, 84 << 10},
		{"dash-sidx.mp4", -2 * time.Second, 84 << 10},
		{"moov-last.mp4", -2 * time.Second, 68 << 10},
		{"5mbit.mp4", 0, 230_000},
		{"5mbit.mp4", 45 * time.Second, 250_000},
		{"h264.264", 0, 48 << 10},
	} {
		path := testmedia.Make(t, c.recipe)
		base := testserver.Nginx(t, filepath.Dir(path))
		s, m := resource(t, base+"/"+filepath.Base(path), &file.Options{At: c.at}, nil)
		f := grab(t, s)
		same(t, c.recipe, f, grab(t, file.Open(path, &file.Options{At: c.at})))
		spent := m.Read()
		t.Logf("%s at %v: %d bytes, %d requests, keyframe of %d bytes", c.recipe, c.at, spent.Down, spent.Requests, len(f.Data))
		if spent.Down > c.most {
			t.Errorf("%s at %v: %d bytes, at most %d", c.recipe, c.at, spent.Down, c.most)
		}
	}
}

// TestWithoutRanges proves that kfgrab reads a file from the front, once, if
// the server has no ranges. It then does not search by bisection for a time.
func TestWithoutRanges(t *testing.T) {
	for _, c := range []struct {
		recipe string
		at     time.Duration
		times  float64 // bytes read per byte of the file, at most
	}{
		{"h264.ts", 0, 1},
		{"h264.ts", 2 * time.Second, 1.2},
		{"wrap.ts", 6 * time.Second, 1.2},
		{"faststart.mp4", 0, 1},
		{"fragmented.mp4", 2 * time.Second, 1.2},
		{"moov-last.mp4", 0, 2.2},
	} {
		data := read(t, c.recipe)
		base := serve(t, func(w http.ResponseWriter, r *http.Request) { w.Write(data) })
		s, m := resource(t, base+"/x", &file.Options{At: c.at}, nil)
		f := grab(t, s)
		same(t, c.recipe, f, grab(t, file.Open(testmedia.Make(t, c.recipe), &file.Options{At: c.at})))
		if down := float64(m.Read().Down); down > c.times*float64(len(data))+1000 {
			t.Errorf("%s at %v: %.0f bytes down of %d", c.recipe, c.at, down, len(data))
		}
	}
}

// TestResourceAgain proves that a second Keyframe starts over on the same
// connection.
func TestResourceAgain(t *testing.T) {
	data := read(t, "faststart.mp4")
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	})
	s, m := resource(t, base+"/x", nil, nil)
	first, before := grab(t, s), m.Read()
	same(t, "again", grab(t, s), first)
	if again := m.Read().Sub(before); again.Down > before.Down+100 {
		t.Errorf("first %+v, then %+v", before, again)
	}
}

func TestResourceErrors(t *testing.T) {
	short := read(t, "h264.ts")[:3000]
	noKey := func() []byte { // audio only, repeated
		return bytes.Repeat(read(t, "h264-audio.ts"), 60)
	}()
	for _, c := range []struct {
		name string
		body []byte
		o    *fetch.Options
		want error
	}{
		{"HTML with status 200", []byte("<!doctype html><p>Gone"), nil, keyframe.ErrCorrupt},
		{"nothing", nil, nil, keyframe.ErrCorrupt},
		{"cut in the middle of the keyframe", short, nil, keyframe.ErrCorrupt},
		{"no video", noKey, nil, keyframe.ErrNotFound},
		{"the budget", read(t, "moov-last.mp4"), &fetch.Options{MaxBytes: 6000}, fetch.ErrBudget},
	} {
		base := serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(c.body))
		})
		s, _ := resource(t, base+"/x", nil, c.o)
		if _, err := s.Keyframe(within(t, testTime)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// TestSilentServer proves that the end of the context ends a read from a server
// that stalls in the middle of a keyframe.
func TestSilentServer(t *testing.T) {
	data := read(t, "h264.ts")
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write(data[:5000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	s, _ := resource(t, base+"/x", nil, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Keyframe(ctx); !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
}
