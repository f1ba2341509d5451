package fetch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/testserver"
)

// TestGetNewerAsks: these validators of an answer make the next request
// conditional, and others do not.
func TestGetNewerAsks(t *testing.T) {
	const (
		noon   = "Mon, 02 Jan 2006 12:00:00 GMT"
		second = "Mon, 02 Jan 2006 12:00:01 GMT"
	)
	tests := []struct {
		name               string
		etag, modified     string
		date               string
		ifNone, ifModified string
	}{
		{"strong", `"abc"`, "", "", `"abc"`, ""},
		{"weak", `W/"abc"`, "", "", `W/"abc"`, ""},
		{"both", `"abc"`, noon, second, `"abc"`, ""},
		{"empty tag", `""`, "", "", `""`, ""},
		{"without quotes", `abc`, "", "", "", ""},
		{"half a quote", `"`, "", "", "", ""},
		{"quote within", `"a"b"`, "", "", "", ""},
		{"blank within", `"a b"`, "", "", "", ""},
		{"malformed tag, date", `abc`, noon, second, "", noon},
		{"date", "", noon, second, "", noon},
		{"date of the same second", "", noon, noon, "", ""},
		{"date in the future", "", second, noon, "", ""},
		{"date by no clock", "", noon, "-", "", ""},
		{"no date", "", "yesterday", noon, "", ""},
		{"nginx", `"43b9174f-6"`, second, second, `"43b9174f-6"`, ""}, // of another second: it could be from any server
		{"nginx, of the same second", `"43b915c0-6"`, noon, noon, "", ""},
		{"nginx, compressed, of the same second", `W/"43b915c0-6"`, noon, noon, "", ""},
		{"nginx, of the second before", `"43b915c0-6"`, noon, second, `"43b915c0-6"`, ""},
		{"nothing", "", "", second, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked http.Header
			u := serve(t, func(w http.ResponseWriter, r *http.Request) {
				asked = r.Header
				for name, value := range map[string]string{"Etag": tt.etag, "Last-Modified": tt.modified, "Date": tt.date} {
					if value != "" {
						w.Header().Set(name, value)
					}
				}
				if r.Header.Get("If-None-Match")+r.Header.Get("If-Modified-Since") != "" {
					w.WriteHeader(http.StatusNotModified)
					return
				}
				io.WriteString(w, "body")
			})
			c := client(t, u, nil)
			ctx := within(t, testTime)
			first, err := c.Get(ctx, u, 100)
			if err != nil || first.NotModified {
				t.Fatal(first, err)
			}
			again, err := c.GetNewer(ctx, u, 100, first)
			if err != nil || string(again.Body) != "body" {
				t.Fatal(again, err)
			}
			if got := asked.Get("If-None-Match"); got != tt.ifNone {
				t.Errorf("If-None-Match %q, want %q", got, tt.ifNone)
			}
			if got := asked.Get("If-Modified-Since"); got != tt.ifModified {
				t.Errorf("If-Modified-Since %q, want %q", got, tt.ifModified)
			}
			if want := tt.ifNone+tt.ifModified != ""; again.NotModified != want {
				t.Errorf("not modified: %v, want %v", again.NotModified, want)
			}
			if first.NotModified {
				t.Error("the kept document was written to")
			}
			if n := connections(c); n != 1 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// TestGetNewerStray: a 304 to an unconditional request is an error, and a 304
// never stands for another resource than the kept one.
func TestGetNewerStray(t *testing.T) {
	u := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNotModified) })
	var status *StatusError
	if _, err := client(t, u, nil).Get(within(t, testTime), u, 100); !errors.As(err, &status) || status.Code != 304 {
		t.Errorf("stray 304: %v", err)
	}

	turns := 0
	u = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/media.ts" {
			turns++
			http.Redirect(w, r, fmt.Sprintf("/edge%d", turns), http.StatusFound)
			return
		}
		w.Header().Set("Etag", `"1"`)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(r.URL.Path))
	})
	c := client(t, u, nil)
	first, err := c.Get(within(t, testTime), u, 100)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.GetNewer(within(t, testTime), u, 100, first)
	if err != nil || again.NotModified || string(again.Body) != "/edge3" {
		t.Errorf("redirected elsewhere: %+v, %v", again, err)
	}
}

// TestGetEnd: the end of a resource is found, whatever the server makes of a
// suffix range.
func TestGetEnd(t *testing.T) {
	body := noise(10_000)
	plain := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"1"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}
	part := func(contentRange string, n int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", contentRange)
			w.WriteHeader(http.StatusPartialContent)
			w.Write(body[:n])
		}
	}
	tests := []struct {
		name    string
		answer  http.HandlerFunc
		n       int64
		offset  int64
		failure bool
	}{
		{"end", plain, 1000, 9000, false},
		{"shorter", plain, 20_000, 0, false},
		{"no ranges", func(w http.ResponseWriter, r *http.Request) { w.Write(body) }, 1000, 0, false},
		{"the front", part("bytes 0-999/10000", 1000), 1000, 0, true},
		{"size unknown", part("bytes 9000-9999/*", 1000), 1000, 0, true},
		{"no Content-Range", part("", 1000), 1000, 0, true},
		{"too short", part("bytes 9000-9999/10000", 500), 1000, 0, true},
		{"status", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(416) }, 1000, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u := serve(t, tt.answer)
			d, err := client(t, u, nil).GetEnd(within(t, testTime), u, tt.n, 1<<20, nil)
			if (err != nil) != tt.failure {
				t.Fatal(err)
			}
			if err == nil && (d.Offset != tt.offset || !bytes.Equal(d.Body, body[tt.offset:])) {
				t.Errorf("%d bytes from %d", len(d.Body), d.Offset)
			}
		})
	}
}

// TestNginxNewer: nginx answers 304 for the whole and for the end, compressed
// or not, at the cost of headers.
func TestNginxNewer(t *testing.T) {
	for _, extra := range []string{"", gzipped} {
		forNginx(t, extra, func(t *testing.T, base string, connect connector) {
			u := parse(t, base+"/live.m3u8")
			c, m := connect(u)
			ctx := within(t, testTime)
			whole, err := c.Get(ctx, u, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			whole.Header.Set("Date", time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)) // the file is as new as the test
			before := m.Read()
			for _, ask := range []func() (*Document, error){
				func() (*Document, error) { return c.GetNewer(ctx, u, 1<<20, whole) },
				func() (*Document, error) { return c.GetEnd(ctx, u, 1000, 1<<20, whole) },
			} {
				if d, err := ask(); err != nil || !d.NotModified || !bytes.Equal(d.Body, whole.Body) {
					t.Errorf("%+v, %v", d, err)
				}
			}
			if n := m.Read().Sub(before); n.Down > 2*400 || n.Requests != 2 {
				t.Errorf("cost %+v", n)
			}
			d, err := c.GetEnd(ctx, u, 1000, 1<<20, nil)
			if err != nil || d.Offset != int64(len(whole.Body)-1000) || !bytes.Equal(d.Body, whole.Body[d.Offset:]) {
				t.Errorf("end: %d bytes from %d, %v", len(d.Body), d.Offset, err)
			}
		})
	}
}

// TestNginxModified: a rewritten file is fetched anew, even if it has the same
// size and date.
func TestNginxModified(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "live.m3u8")
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	u := parse(t, testserver.Nginx(t, dir)+"/live.m3u8")
	c := client(t, u, nil)
	first, err := c.Get(within(t, testTime), u, 100)
	if err != nil {
		t.Fatal(err)
	}
	write("two")
	if d, err := c.GetNewer(within(t, testTime), u, 100, first); err != nil || d.NotModified || string(d.Body) != "two" {
		t.Errorf("%+v, %v", d, err)
	}
}
