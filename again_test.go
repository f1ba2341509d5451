package kfgrab_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	kfgrab "github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestResumption: if the server has closed the idle connection, a second grab
// over TLS resumes the session and the server sends no certificate.
func TestResumption(t *testing.T) {
	files := http.FileServer(http.Dir(filepath.Dir(testmedia.Make(t, "hls-ts"))))
	var mu sync.Mutex
	var resumed []bool
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		resumed = append(resumed, r.TLS.DidResume)
		mu.Unlock()
		files.ServeHTTP(w, r)
	}))
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	s := open(t, server.URL+"/index.m3u8", &kfgrab.Options{RootCAs: roots})
	var cost []int64
	for range 2 {
		snap, err := s.Grab(within(t, testTime))
		if err != nil {
			t.Fatal(err)
		}
		cost = append(cost, snap.Cost.Down)
		server.CloseClientConnections()
	}
	// A busy machine may need a second connection for the first segment.
	if len(resumed) != 4 || resumed[0] || !resumed[2] || !resumed[3] {
		t.Errorf("resumed: %v", resumed)
	}
	if cost[1] >= cost[0] {
		t.Errorf("%d bytes, then %d", cost[0], cost[1])
	}
}

// liveNginx serves a live stream of 1080p transport stream segments. add
// rewrites the playlist with one more segment.
func liveNginx(t *testing.T, segments []string) (url string, add func() (playlist int64)) {
	t.Helper()
	dir := t.TempDir()
	for i, s := range segments {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("seg%d.ts", i)), read(t, s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := "#EXTM3U\n#EXT-X-TARGETDURATION:6\n"
	listed := 0
	wrote := time.Now().Add(-time.Hour)
	add = func() int64 {
		text += fmt.Sprintf("#EXTINF:6,\nseg%d.ts\n", listed)
		listed++
		wrote = wrote.Add(6 * time.Second)
		name := filepath.Join(dir, "live.m3u8")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, wrote, wrote); err != nil {
			t.Fatal(err)
		}
		return int64(len(text))
	}
	add()
	return testserver.Nginx(t, dir) + "/live.m3u8", add
}

// TestNginxSecondGrab: a second grab fetches the playlist and no more than the
// keyframe, 5 %, and the headers.
func TestNginxSecondGrab(t *testing.T) {
	const headers = 400 // bytes per answer
	media := testmedia.Make(t, "1080p.ts")
	url, add := liveNginx(t, []string{media, media, media})
	s := open(t, url, nil)
	if _, err := s.Grab(within(t, testTime)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		playlist := add()
		snap, err := s.Grab(within(t, testTime))
		if err != nil {
			t.Fatal(err)
		}
		key := int64(len(snap.Frame.Data))
		limit := playlist + key*105/100 + int64(snap.Cost.Requests)*headers
		t.Logf("%d bytes in %d requests: playlist %d, keyframe %d", snap.Cost.Down, snap.Cost.Requests, playlist, key)
		if snap.Cost.Down > limit || snap.Cost.Requests != 2 {
			t.Errorf("%d bytes in %d requests, want at most %d", snap.Cost.Down, snap.Cost.Requests, limit)
		}
	}
}

// TestIfNewer: if the caller has the newest keyframe already, a grab costs only
// the playlist.
func TestIfNewer(t *testing.T) {
	media := testmedia.Make(t, "1080p.ts")
	url, add := liveNginx(t, []string{media, media})
	s := open(t, url, &kfgrab.Options{IfNewer: true})
	for i, newer := range []bool{true, false, true, false} {
		if i == 2 {
			add()
		}
		snap, err := s.Grab(within(t, testTime))
		if (err == nil) != newer {
			t.Fatalf("grab %d: %v", i, err)
		}
		switch {
		case newer && len(snap.Frame.Data) == 0:
			t.Error("no picture")
		case !newer && (!errors.Is(err, keyframe.ErrNotModified) || kfgrab.ClassOf(err) != kfgrab.NotModified || !strings.Contains(err.Error(), url)):
			t.Errorf("grab %d: %v", i, err)
		}
	}
}
