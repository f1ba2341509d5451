package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kfgrab/kfgrab/keyframe"
)

// ranged serves data as net/http does.
func ranged(data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "media.ts", time.Time{}, bytes.NewReader(data))
	}
}

// unranged ignores Range, with or without a Content-Length.
func unranged(data []byte, length bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if length {
			w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		}
		w.Write(data[:1])
		w.(http.Flusher).Flush()
		w.Write(data[1:])
	}
}

func TestSequential(t *testing.T) {
	data := noise(300_000)
	c := client(t, serve(t, ranged(data)), nil)
	u := serve(t, ranged(data))
	r := c.Open(within(t, testTime), u, Range{First: 100_000, Next: 20_000})
	if r.Size() != -1 || len(r.Ranges()) != 0 {
		t.Errorf("size %d and requests %v before the first read", r.Size(), r.Ranges())
	}
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	want := "[{0 100000 206 100000} {100000 20000 206 20000} {120000 30000 206 30000} {150000 37500 206 37500} {187500 46875 206 46875} {234375 58593 206 58593} {292968 7032 206 7032}]"
	if got := fmt.Sprint(r.Ranges()); got != want {
		t.Errorf("ranges %s\nwant   %s", got, want)
	}
	if r.Size() != int64(len(data)) {
		t.Errorf("size %d", r.Size())
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("read at the end: %d, %v", n, err)
	}
	r.Close()
	if _, err := r.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("read after Close: %v", err)
	}
}

// TestKeepAlive: one connection carries all ranges of all resources, even if a
// read stopped a little before the end of one.
func TestKeepAlive(t *testing.T) {
	var conns atomic.Int32
	s := httptest.NewUnstartedServer(ranged(noise(200_000)))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	u := parse(t, s.URL)
	c := client(t, u, nil)
	for range 3 {
		r := c.Open(within(t, testTime), u, Range{First: 60_000, Next: 10_000})
		if _, err := io.ReadFull(r, make([]byte, 80_000)); err != nil {
			t.Fatal(err)
		}
		if _, err := r.ReadAt(make([]byte, 10), 150_000); err != nil {
			t.Fatal(err)
		}
		r.Close()
		if _, err := c.Get(within(t, testTime), u, 0); err != nil {
			t.Fatal(err)
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// TestKeepAliveChunked: the chunk that ends a chunked part is read, since
// otherwise the connection could not carry the next request.
func TestKeepAliveChunked(t *testing.T) {
	data := noise(5000)
	var conns atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, to := asked(r)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(data)))
		w.WriteHeader(206)
		w.(http.Flusher).Flush()
		w.Write(data[from:to])
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	u := parse(t, s.URL)
	c := client(t, u, nil)
	r := c.Open(within(t, testTime), u, Range{First: 1000, Next: 1000})
	if got, err := io.ReadAll(io.LimitReader(r, 5000)); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func asked(r *http.Request) (from, to int64) {
	var last int64
	fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &last)
	return from, last + 1
}

func TestReadAtHoldsWhatItFetched(t *testing.T) {
	data := noise(100_000)
	u := serve(t, ranged(data))
	c := client(t, u, nil)
	r := c.Open(within(t, testTime), u, Range{Offset: 1000, Length: 90_000, First: 4000})
	defer r.Close()
	if head, err := r.Peek(16); err != nil || !bytes.Equal(head, data[1000:1016]) {
		t.Fatalf("peek: %x, %v", head, err)
	}
	for _, at := range []struct{ off, n int64 }{{0, 16}, {3990, 10}, {50_000, 8}, {50_004, 100}, {3000, 2000}, {50_000, 104}, {0, 5000}} {
		p := make([]byte, at.n)
		if n, err := r.ReadAt(p, at.off); err != nil || !bytes.Equal(p, data[1000+at.off:][:at.n]) {
			t.Fatalf("%d at %d: %d, %v", at.n, at.off, n, err)
		}
	}
	want := "[{1000 4000 206 4000} {51000 8 206 8} {51008 96 206 96} {5000 1000 206 1000}]"
	if got := fmt.Sprint(r.Ranges()); got != want {
		t.Errorf("ranges %s\nwant   %s", got, want)
	}
	if n, err := r.ReadAt(make([]byte, 20), 89_990); n != 10 || err != io.EOF {
		t.Errorf("across the end: %d, %v", n, err)
	}
	if n, err := r.ReadAt(make([]byte, 20), 90_000); n != 0 || err != io.EOF {
		t.Errorf("behind the end: %d, %v", n, err)
	}
	if r.Size() != 90_000 {
		t.Errorf("size %d", r.Size())
	}
	if p, err := r.Peek(100_000); len(p) != 90_000 || err != io.EOF {
		t.Errorf("peek past the end: %d, %v", len(p), err)
	}
}

// server treats ranges in one of the ways that servers do.
func (s server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	size := int64(len(s.data))
	from, to := asked(r)
	switch {
	case s.mode == "ignores", s.mode == "ignores, chunked":
		unranged(s.data, s.mode == "ignores")(w, r)
		return
	case from >= size:
		if s.mode != "size unknown" {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", size))
		}
		w.WriteHeader(416)
		return
	}
	total := strconv.FormatInt(size, 10)
	to = min(to, size)
	switch s.mode {
	case "longer":
		to = min(size, to+100)
	case "starts earlier":
		from = max(0, from-50)
	case "shorter, sometimes":
		if s.requests.Add(1) <= 5 {
			to = from + (to-from+1)/2
		}
	case "size unknown":
		total = "*"
	}
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%s", from, to-1, total))
	w.Header().Set("Content-Length", strconv.FormatInt(to-from, 10))
	w.WriteHeader(206)
	w.Write(s.data[from:to])
}

type server struct {
	mode     string
	data     []byte
	requests *atomic.Int32
}

// TestResourceProperty: whatever the server makes of ranges and the reader of
// offsets, the bytes are right. From a proper server, no byte comes twice.
func TestResourceProperty(t *testing.T) {
	data := noise(20_000)
	for _, mode := range []string{"proper", "size unknown", "ignores", "ignores, chunked", "longer", "starts earlier", "shorter, sometimes"} {
		t.Run(mode, func(t *testing.T) {
			srv := server{mode, data, new(atomic.Int32)}
			u := serve(t, srv.ServeHTTP)
			c := client(t, u, nil)
			ctx := within(t, testTime)
			rapid.Check(t, func(rt *rapid.T) {
				srv.requests.Store(0)
				c.StartJob()
				rng := Range{
					Offset: rapid.Int64Range(0, 19_999).Draw(rt, "offset"),
					Length: rapid.Int64Range(0, 25_000).Draw(rt, "length"),
					First:  rapid.Int64Range(1, 5000).Draw(rt, "first"),
					Next:   rapid.Int64Range(500, 5000).Draw(rt, "next"),
				}
				want := data[rng.Offset:]
				if rng.Length > 0 {
					want = want[:min(rng.Length, int64(len(want)))]
				}
				r := c.Open(ctx, u, rng)
				defer r.Close()
				readSome(rt, r, want)
				var seen spans
				for _, f := range r.Ranges() {
					got := span{f.Offset, f.Offset + f.Bytes}
					if mode == "proper" && got.length() > 0 && seen.firstGap(got) != got {
						rt.Fatalf("fetched twice: %v", r.Ranges())
					}
					seen = seen.add(got)
				}
			})
		})
	}
}

func readSome(t *rapid.T, r *Resource, want []byte) {
	pos := 0
	for range rapid.IntRange(1, 8).Draw(t, "reads") {
		n := rapid.IntRange(1, 8000).Draw(t, "n")
		p := make([]byte, n)
		if rapid.Bool().Draw(t, "sequential") {
			got, err := io.ReadFull(r, p)
			expect := want[pos:min(pos+n, len(want))]
			if !bytes.Equal(p[:got], expect) || (err == nil) != (got == n) {
				t.Fatalf("read %d at %d: %d, %v; %v", n, pos, got, err, r.Ranges())
			}
			pos += got
			continue
		}
		off := rapid.IntRange(0, len(want)+10).Draw(t, "off")
		got, err := r.ReadAt(p, int64(off))
		expect := want[min(off, len(want)):min(off+n, len(want))]
		if !bytes.Equal(p[:got], expect) || got < n && err != io.EOF || got == n && err != nil {
			t.Fatalf("%d at %d: %d, %v; %v", n, off, got, err, r.Ranges())
		}
	}
}

func TestGzippedMedia(t *testing.T) {
	data := bytes.Repeat(noise(1000), 100)
	var zipped bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	zw.Write(data)
	zw.Close()
	for _, ranges := range []bool{false, true} {
		u := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			if ranges {
				ranged(zipped.Bytes())(w, r)
			} else {
				unranged(zipped.Bytes(), true)(w, r)
			}
		})
		c := client(t, u, nil)
		r := c.Open(within(t, testTime), u, Range{})
		if head, err := r.Peek(10); err != nil || !bytes.Equal(head, data[:10]) {
			t.Errorf("ranges %v: peek: %v", ranges, err)
		}
		p := make([]byte, 100)
		if _, err := r.ReadAt(p, 60_000); err != nil || !bytes.Equal(p, data[60_000:60_100]) {
			t.Errorf("ranges %v: at 60000: %v", ranges, err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
			t.Errorf("ranges %v: %d bytes, %v", ranges, len(got), err)
		}
		if r.Size() != int64(len(data)) {
			t.Errorf("ranges %v: size %d", ranges, r.Size())
		}
		r.Close()
	}
}

func TestBudget(t *testing.T) {
	data := noise(100_000)
	for name, h := range map[string]http.HandlerFunc{"ranges": ranged(data), "no ranges": unranged(data, true), "chunked": unranged(data, false)} {
		t.Run(name, func(t *testing.T) {
			u := serve(t, h)
			c := client(t, u, &Options{MaxBytes: 30_000})
			for range 2 {
				c.StartJob()
				r := c.Open(within(t, testTime), u, Range{First: 20_000})
				got, err := io.ReadAll(r)
				r.Close()
				if len(got) != 30_000 || !errors.Is(err, ErrBudget) || !errors.Is(err, keyframe.ErrNotFound) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
				if c.Left() != 0 {
					t.Errorf("%d left", c.Left())
				}
				_, err = c.Get(within(t, testTime), u, 0)
				if !errors.Is(err, ErrBudget) && !errors.Is(err, ErrTooLarge) {
					t.Errorf("document: %v", err)
				}
			}
			c.StartJob()
			r := c.Open(within(t, testTime), u, Range{})
			defer r.Close()
			_, err := r.ReadAt(make([]byte, 10), 90_000)
			if name == "ranges" && err != nil || name != "ranges" && (!errors.Is(err, ErrBudget) || c.Left() < 20_000) {
				t.Errorf("far away: %v, %d left", err, c.Left())
			}
		})
	}
}

// TestBudgetExact: a body as large as the budget is read whole.
func TestBudgetExact(t *testing.T) {
	data := noise(30_000)
	u := serve(t, unranged(data, false))
	c := client(t, u, &Options{MaxBytes: 30_000})
	if d, err := c.Get(within(t, testTime), u, 0); err != nil || len(d.Body) != 30_000 {
		t.Errorf("%v", err)
	}
}

func TestGzipBomb(t *testing.T) {
	var zipped bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	io.CopyN(zw, zeros{}, 8<<20)
	zw.Close()
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(zipped.Bytes())
	})
	c := client(t, u, &Options{MaxBytes: 1 << 20})
	if _, err := c.Get(within(t, testTime), u, 4<<20); !errors.Is(err, ErrTooLarge) {
		t.Errorf("document: %v", err)
	}
	c.StartJob()
	r := c.Open(within(t, testTime), u, Range{})
	defer r.Close()
	if n, err := io.Copy(io.Discard, r); !errors.Is(err, ErrBudget) || n > 1<<20 {
		t.Errorf("media: %d bytes, %v", n, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestBrokenAnswers(t *testing.T) {
	const part = "HTTP/1.1 206 Partial Content\r\n"
	for _, c := range []struct {
		name, answer string
		want         string // in the error
	}{
		{"wrong start", part + "Content-Range: bytes 5000-5009/9000\r\nContent-Length: 10\r\n\r\n0123456789", "sent bytes 5000-5009"},
		{"no Content-Range", part + "Content-Length: 10\r\n\r\n0123456789", "without a proper Content-Range"},
		{"impossible Content-Range", part + "Content-Range: bytes 0-9/5\r\nContent-Length: 10\r\n\r\n0123456789", "without a proper Content-Range"},
		{"several parts", part + "Content-Type: multipart/byteranges; boundary=x\r\nContent-Length: 4\r\n\r\n--x-", "several parts"},
		{"body shorter than its length", part + "Content-Range: bytes 0-9/10\r\nContent-Length: 10\r\n\r\n012", "closed the connection too early"},
		{"body shorter than its range", part + "Content-Range: bytes 0-9/10\r\nContent-Length: 3\r\n\r\n012", "sent 3 bytes and called them bytes 0-9"},
		{"chunks without end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n012\r\n", "closed the connection too early"},
		{"whole, short", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n012", "closed the connection too early"},
		{"nothing", "", "closed the connection too early"},
		{"not HTTP", "RTSP/1.0 200 OK\r\n\x1b[31m\r\n\r\n", "the answer is not HTTP"},
		{"endless header", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 100<<10) + "\r\n\r\n", "header"},
		{"unknown coding", "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\n012", `content encoding "br"`},
		{"not gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 30\r\n\r\n012345678901234567890123456789", "the answer's compression is damaged"},
		{"gzip that breaks off", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "closed the connection too early"},
		{"gzip of which a part is sent", part + "Content-Encoding: gzip\r\nContent-Range: bytes 0-9/10\r\nContent-Length: 10\r\n\r\n0123456789", "asked for the whole"},
		{"length that is none", "HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n0123456789", "not valid HTTP"},
		{"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -10\r\n\r\n0123456789", "not valid HTTP"},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Length: 5\r\n\r\n0123456789", "not valid HTTP"},
		{"chunk without a length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nten\r\n0123456789", "not valid HTTP"},
		{"another unit", part + "Content-Range: seconds 0-9/10\r\nContent-Length: 10\r\n\r\n0123456789", "without a proper Content-Range"},
		{"status of its own", "HTTP/1.1 099 Hm\r\nContent-Length: 0\r\n\r\n", "status 99"},
		{"refused range", "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */5000\r\nContent-Length: 0\r\n\r\n", "status 416"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := raw(t, c.answer)
			cl := client(t, u, nil)
			r := cl.Open(within(t, testTime), u, Range{First: 10})
			defer r.Close()
			_, err := io.ReadAll(r)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %q", err, c.want)
			}
			if strings.Contains(err.Error(), "s3cret") || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("error %q", err)
			}
			if errors.Is(err, io.EOF) {
				t.Errorf("%v is io.EOF", err)
			}
		})
	}
}

// TestOddAnswers: odd but unambiguous answers are accepted.
func TestOddAnswers(t *testing.T) {
	const part = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/10\r\n"
	for _, c := range []struct{ name, answer string }{
		{"bytes behind the body", part + "Content-Length: 10\r\n\r\n0123456789abcdefghij"},
		{"part without a length", part + "\r\n0123456789"},
		{"whole without a length", "HTTP/1.1 200 OK\r\n\r\n0123456789"},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n0123456789"},
		{"chunks and a length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n"},
		{"chunked part", part + "Transfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n"},
		{"the same length twice", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Length: 10\r\n\r\n0123456789"},
		{"early hints", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + part + "Content-Length: 10\r\n\r\n0123456789"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := raw(t, c.answer)
			r := client(t, u, nil).Open(within(t, testTime), u, Range{First: 10})
			defer r.Close()
			if got, err := io.ReadAll(r); err != nil || string(got) != "0123456789" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// TestShortAnswersWithoutEnd: a server cannot force one request per byte.
func TestShortAnswersWithoutEnd(t *testing.T) {
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		from, _ := asked(r)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/1000", from, from))
		w.WriteHeader(206)
		w.Write([]byte{1})
	})
	c := client(t, u, nil)
	r := c.Open(within(t, testTime), u, Range{})
	defer r.Close()
	if _, err := io.ReadAll(r); err == nil || !strings.Contains(err.Error(), "less than asked for") || len(r.Ranges()) > maxShort+1 {
		t.Errorf("%d requests, %v", len(r.Ranges()), err)
	}
}

func TestEndOfFile(t *testing.T) {
	data := noise(1000)
	u := serve(t, ranged(data))
	c := client(t, u, nil)
	ctx := within(t, testTime)

	r := c.Open(ctx, u, Range{})
	if n, err := r.ReadAt(make([]byte, 10), 1000); n != 0 || err != io.EOF || r.Size() != 1000 {
		t.Errorf("at the end: %d, %v, size %d", n, err, r.Size())
	}
	r.Close()

	// The playlist promises a byte range that the file does not have.
	r = c.Open(ctx, u, Range{Offset: 2000, Length: 100})
	var status *StatusError
	if _, err := r.Read(make([]byte, 10)); !errors.As(err, &status) || status.Code != 416 {
		t.Errorf("promised range: %v", err)
	}
	r.Close()

	r = c.Open(ctx, u, Range{Offset: -1, Length: 100})
	if _, err := r.Read(make([]byte, 10)); !errors.Is(err, keyframe.ErrCorrupt) {
		t.Errorf("impossible range: %v", err)
	}
	if _, err := r.ReadAt(make([]byte, 10), -5); !errors.Is(err, keyframe.ErrCorrupt) {
		t.Errorf("impossible offset: %v", err)
	}
	r.Close()

	empty := serve(t, ranged(nil))
	r = c.Open(ctx, empty, Range{})
	if got, err := io.ReadAll(r); len(got) != 0 || err != nil || r.Size() != 0 {
		t.Errorf("empty file: %d, %v, size %d", len(got), err, r.Size())
	}
	r.Close()
}

// TestStalledServer: requests to servers that accept and never answer, send
// only headers, or trickle end with the context. The error has its cause.
func TestStalledServer(t *testing.T) {
	headers := "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
	for _, c := range []struct{ name, answer string }{
		{"mute", ""},
		{"half a header", "HTTP/1.1 200 OK\r\nConte"},
		{"headers only", headers},
		{"one byte", headers + "G"},
	} {
		t.Run(c.name, func(t *testing.T) {
			said := make(chan struct{})
			over := make(chan struct{})
			u := listen(t, func(conn net.Conn) {
				io.WriteString(conn, c.answer)
				close(said)
				<-over
			})
			defer close(over)
			cl := client(t, u, nil)
			why := errors.New("the user went away")
			ctx, cancel := context.WithCancelCause(context.Background())
			go func() { <-said; cancel(why) }()
			r := cl.Open(ctx, u, Range{})
			_, err := io.ReadAll(r)
			r.Close()
			if !errors.Is(err, why) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%v", err)
			}
		})
	}
}
