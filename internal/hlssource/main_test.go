package hlssource

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/keyframe"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTime is far more than any test needs.
const testTime = 20 * time.Second

// site serves files on loopback and records the requests.
type site struct {
	*httptest.Server
	files   map[string]string           // by path, without the first slash
	answers map[string]http.HandlerFunc // instead of files

	mu    sync.Mutex
	asked []string // paths; for a range, followed by a space and "first-last"
}

func newSite(t testing.TB, files map[string]string) *site {
	t.Helper()
	s := &site{files: files, answers: map[string]http.HandlerFunc{}}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	s.mu.Lock()
	s.asked = append(s.asked, strings.TrimSpace(name+" "+strings.TrimPrefix(r.Header.Get("Range"), "bytes=")))
	s.mu.Unlock()
	data, ok := s.files[name]
	switch answer := s.answers[name]; {
	case answer != nil:
		answer(w, r)
	case ok:
		w.Header().Set("Content-Type", "application/octet-stream")
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(data))
	default:
		http.NotFound(w, r)
	}
}

// took returns the requests since the last call.
func (s *site) took() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.asked
	s.asked = nil
	return list
}

// names leaves out ranges and repetitions.
func names(asked []string) string {
	var list []string
	for _, a := range asked {
		if name, _, _ := strings.Cut(a, " "); len(list) == 0 || list[len(list)-1] != name {
			list = append(list, name)
		}
	}
	return strings.Join(list, " ")
}

// farthest returns the last byte requested of the file called name, and how
// many requests there were for it.
func farthest(t testing.TB, asked []string, name string) (last int64, times int) {
	t.Helper()
	for _, a := range asked {
		var from, to int64
		if n, rng, _ := strings.Cut(a, " "); n != name {
			continue
		} else if _, err := fmt.Sscanf(rng, "%d-%d", &from, &to); err != nil {
			t.Fatalf("%s asked for without a range: %q", name, rng)
		}
		last, times = max(last, to), times+1
	}
	return last, times
}

// status answers with a status and an HTML page.
func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(code)
		io.WriteString(w, "<html>no</html>")
	}
}

// source returns a Source of the playlist at rawURL and closes its connections
// when the test ends.
func source(t testing.TB, rawURL string, o *Options, f *fetch.Options) *Source {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	c := fetch.New(u, f)
	t.Cleanup(c.Close)
	return New(c, u, o)
}

// mustGrab takes a keyframe and fails the test if there is none.
func mustGrab(t testing.TB, s *Source) *keyframe.Frame {
	t.Helper()
	f, err := try(t, s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func try(t testing.TB, s *Source) (*keyframe.Frame, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTime)
	defer cancel()
	s.client.StartJob()
	return s.Keyframe(ctx)
}

// directory reads all files in the directory of a playlist.
func directory(t testing.TB, playlist string) map[string]string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(filepath.Dir(playlist))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(filepath.Dir(playlist), e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(data)
	}
	return files
}

// whole returns the bytes of a segment after its initialisation section, which
// together make a file.
func whole(t testing.TB, files map[string]string, seg *hls.Segment) []byte {
	t.Helper()
	var b bytes.Buffer
	write := func(u hls.URI, r *hls.ByteRange) {
		data := files[path.Base(u.Text)]
		if r != nil {
			data = data[r.Offset:][:r.Length]
		}
		b.WriteString(data)
	}
	if seg.Map != nil {
		write(seg.Map.URI, seg.Map.ByteRange)
	}
	write(seg.URI, seg.ByteRange)
	return b.Bytes()
}

// list parses the media playlist among files.
func list(t testing.TB, files map[string]string, name string) *hls.Media {
	t.Helper()
	p, err := hls.Parse([]byte(files[name]), nil, nil)
	if err != nil || p.Media == nil {
		t.Fatal(name, err)
	}
	return p.Media
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
