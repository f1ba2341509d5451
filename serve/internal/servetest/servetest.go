// Package servetest has the streams that the tests of kfgrab's package serve
// share with those in a browser. It is for tests only.
package servetest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
)

// Time is far more than any of the tests need.
const Time = 60 * time.Second

// ladder is a live HLS origin that all tests share.
var ladder struct {
	once sync.Once
	*origin.Origin
	err error
}

// LiveHLS returns the URL of a live stream, which lasts until Close. It skips
// the test if there is no ffmpeg.
func LiveHLS(t testing.TB) string {
	t.Helper()
	testmedia.Make(t, "hls-ts")
	ladder.once.Do(func() {
		ladder.Origin, ladder.err = origin.Start(context.Background(), &origin.Options{Profile: origin.Small()})
	})
	if ladder.err != nil {
		t.Fatal(ladder.err)
	}
	return ladder.HLS(origin.TS)
}

// Close ends what LiveHLS has started.
func Close() {
	if ladder.Origin != nil {
		ladder.Close()
	}
	http.DefaultClient.CloseIdleConnections()
}

// Until waits for what no channel reports.
func Until(t testing.TB, is func() bool) {
	t.Helper()
	for end := time.Now().Add(Time); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never")
		}
	}
}

// Hanging is a server that never answers.
type Hanging struct {
	*httptest.Server
	Begun, Gone chan struct{} // a value for each request, and for each client that has left
}

// Hang starts one until the test ends.
func Hang(t testing.TB) *Hanging {
	h := &Hanging{Begun: make(chan struct{}, 100), Gone: make(chan struct{}, 100)}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.Begun <- struct{}{}
		<-r.Context().Done()
		h.Gone <- struct{}{}
	}))
	t.Cleanup(h.Close)
	return h
}

// Playlist is a live stream of nginx, whose playlist the test writes.
type Playlist struct {
	dir, URL string
}

// NewPlaylist returns a stream with one segment.
func NewPlaylist(t testing.TB) *Playlist {
	t.Helper()
	source := filepath.Dir(testmedia.Make(t, "hls-ts"))
	p := &Playlist{dir: t.TempDir()}
	files, err := filepath.Glob(filepath.Join(source, "*.ts"))
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for i, f := range files {
		data, err := os.ReadFile(f)
		if err == nil {
			err = os.WriteFile(filepath.Join(p.dir, fmt.Sprintf("%d.ts", i)), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	p.List(t, 0)
	p.URL = testserver.Nginx(t, p.dir) + "/live.m3u8"
	return p
}

// List lists the segments up to number last.
func (p *Playlist) List(t testing.TB, last int) {
	t.Helper()
	text := "#EXTM3U\n#EXT-X-TARGETDURATION:2\n"
	for n := range last + 1 {
		text += fmt.Sprintf("#EXTINF:2,\n%d.ts\n", n)
	}
	fresh := filepath.Join(p.dir, "fresh")
	err := os.WriteFile(fresh, []byte(text), 0o600)
	if err == nil {
		err = os.Rename(fresh, filepath.Join(p.dir, "live.m3u8"))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Remove removes the playlist.
func (p *Playlist) Remove(t testing.TB) {
	t.Helper()
	if err := os.Remove(filepath.Join(p.dir, "live.m3u8")); err != nil {
		t.Fatal(err)
	}
}
