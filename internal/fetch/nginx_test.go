package fetch

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/internal/testserver"
)

// files writes a segment and a long playlist, and returns their directory.
func files(t *testing.T) (dir string, segment, playlist []byte) {
	t.Helper()
	dir = t.TempDir()
	segment = noise(3_000_000)
	var b bytes.Buffer
	for i := range 5400 {
		fmt.Fprintf(&b, "#EXTINF:4.000000,\nsegment-%d.ts\n", i)
	}
	for name, data := range map[string][]byte{"seg.ts": segment, "live.m3u8": b.Bytes(), "empty.ts": nil} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, segment, b.Bytes()
}

const gzipped = "gzip on; gzip_types application/vnd.apple.mpegurl video/mp2t;"

// connector returns a client and its byte counter.
type connector func(*url.URL) (*Client, *meter.Counter)

// forNginx runs test over HTTP/1.1, over TLS, and over HTTP/2.
func forNginx(t *testing.T, extra string, test func(t *testing.T, base string, connect connector)) {
	dir, _, _ := files(t)
	connect := func(o *Options, http2 bool) connector {
		return func(u *url.URL) (*Client, *meter.Counter) {
			o, m := counted(o)
			c := client(t, u, o)
			if http2 {
				c.transport.insisting.Store(originOf(u), true)
			}
			return c, m
		}
	}
	t.Run("HTTP/1.1", func(t *testing.T) { test(t, testserver.Nginx(t, dir, extra), connect(&Options{}, false)) })
	base, roots := testserver.NginxTLS(t, dir, extra)
	t.Run("TLS", func(t *testing.T) { test(t, base, connect(&Options{RootCAs: roots}, false)) })
	t.Run("HTTP/2", func(t *testing.T) { test(t, base, connect(&Options{RootCAs: roots}, true)) })
}

func TestNginx(t *testing.T) {
	segment := noise(3_000_000)
	forNginx(t, gzipped, func(t *testing.T, base string, connect connector) {
		u := parse(t, base+"/seg.ts")
		c, m := connect(u)
		ctx := within(t, testTime)

		r := c.Open(ctx, u, Range{First: 100_000, Next: 10_000})
		got := make([]byte, 105_000)
		if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, segment[:len(got)]) {
			t.Fatal(err)
		}
		if n, err := r.ReadAt(got[:10], 2_999_995); n != 5 || err != io.EOF {
			t.Errorf("across the end: %d, %v", n, err)
		}
		r.Close()
		if n := m.Read(); n.Down > 125_000+6000 || n.Requests != 3 {
			t.Errorf("cost %+v", n)
		}
		if n := connections(c); n != 1 {
			t.Errorf("%d connections", n)
		}

		before := m.Read()
		d, err := c.Get(ctx, parse(t, base+"/live.m3u8"), 1<<20)
		if err != nil || !strings.HasSuffix(string(d.Body), "segment-5399.ts\n") {
			t.Fatal(err)
		}
		if n := m.Read().Sub(before); n.Down > int64(len(d.Body)/4) {
			t.Errorf("%d bytes for a playlist of %d", n.Down, len(d.Body))
		}

		r = c.Open(ctx, parse(t, base+"/empty.ts"), Range{})
		if got, err := io.ReadAll(r); len(got) != 0 || err != nil {
			t.Errorf("empty file: %d, %v", len(got), err)
		}
		r.Close()

		var status *StatusError
		if _, err := c.Get(ctx, parse(t, base+"/gone.m3u8"), 1000); !errors.As(err, &status) || status.Code != 404 {
			t.Errorf("gone: %v", err)
		}
		if n := connections(c); n != 1 {
			t.Errorf("%d connections at the end", n)
		}
	})
}

// TestNginxWithoutRanges: without ranges, the start of the segment is read, and
// not much more.
func TestNginxWithoutRanges(t *testing.T) {
	segment := noise(3_000_000)
	forNginx(t, "max_ranges 0;", func(t *testing.T, base string, connect connector) {
		u := parse(t, base+"/seg.ts")
		c, m := connect(u)
		r := c.Open(within(t, testTime), u, Range{First: 60_000})
		got := make([]byte, 100_000)
		if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, segment[:len(got)]) {
			t.Fatal(err)
		}
		r.Close()
		if r.Size() != int64(len(segment)) || fmt.Sprint(r.Ranges()[0].Code) != "200" || len(r.Ranges()) != 1 {
			t.Errorf("size %d, ranges %v", r.Size(), r.Ranges())
		}
		if n := m.Read().Down; n > 100_000+streamWindow+smallRead+8000 {
			t.Errorf("%d bytes down", n)
		}

		r = c.Open(within(t, testTime), u, Range{Offset: 1_000_000, Length: 50_000})
		defer r.Close()
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, segment[1_000_000:1_050_000]) {
			t.Errorf("byte range: %d, %v", len(got), err)
		}
		if _, err := r.ReadAt(got[:100], 10); err != nil || !bytes.Equal(got[:100], segment[1_000_010:1_000_110]) {
			t.Errorf("held: %v", err)
		}
		if len(r.Ranges()) != 1 {
			t.Errorf("ranges %v", r.Ranges())
		}
	})
}

// TestNginxInsistsOnGzip: media are read although nginx compresses them and
// therefore ignores ranges.
func TestNginxInsistsOnGzip(t *testing.T) {
	segment := noise(3_000_000)
	dir, _, _ := files(t)
	if err := os.Mkdir(filepath.Join(dir, "up"), 0o700); err != nil {
		t.Fatal(err)
	}
	upstream := testserver.Nginx(t, dir, gzipped)
	base := testserver.Nginx(t, dir, "location / { proxy_pass "+upstream+"; proxy_http_version 1.1; proxy_set_header Accept-Encoding gzip; }")
	u := parse(t, base+"/seg.ts")
	c := client(t, u, nil)
	r := c.Open(within(t, testTime), u, Range{})
	defer r.Close()
	got := make([]byte, 200_000)
	if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, segment[:len(got)]) {
		t.Fatal(err)
	}
	if n := r.Ranges(); len(n) != 1 || n[0].Code != 200 {
		t.Errorf("ranges %v", n)
	}
}

func TestNginxCertificate(t *testing.T) {
	dir, _, _ := files(t)
	base, _ := testserver.NginxTLS(t, dir)
	u := parse(t, base+"/live.m3u8")
	for _, o := range []*Options{nil, {RootCAs: x509.NewCertPool()}} {
		if _, err := client(t, u, o).Get(within(t, testTime), u, 1<<20); err == nil || !errors.As(err, new(*tls.CertificateVerificationError)) {
			t.Errorf("%v", err)
		}
	}
}

// TestParallelStreams: many streams at once each have their own Client, budget
// and meter.
func TestParallelStreams(t *testing.T) {
	dir, segment, _ := files(t)
	base := testserver.Nginx(t, dir)
	t.Run("streams", func(t *testing.T) {
		for i := range 16 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				u := parse(t, base+"/seg.ts")
				want := 10_000 * (i + 1)
				o, m := counted(&Options{MaxBytes: int64(want)})
				c := client(t, u, o)
				r := c.Open(within(t, testTime), u, Range{First: 4000})
				defer r.Close()
				got, err := io.ReadAll(r)
				if !errors.Is(err, ErrBudget) || !bytes.Equal(got, segment[:want]) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
				if n := m.Read(); n.Requests != len(r.Ranges()) || n.Down < int64(want) || n.Down > int64(want)+400*int64(n.Requests) {
					t.Errorf("%d bytes cost %+v", want, n)
				}
			})
		}
	})
}
