package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

func TestGet(t *testing.T) {
	text := strings.Repeat("#EXTINF:6,\nseg.ts\n", 1000)
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"v1"`)
		if r.Header.Get("Accept-Encoding") != "gzip" || r.Header.Get("User-Agent") != DefaultUserAgent || r.Header.Get("Referer") != "" {
			t.Errorf("headers %v", r.Header)
		}
		w.Header().Set("Content-Encoding", "gzip")
		zw := gzip.NewWriter(w)
		io.WriteString(zw, text)
		zw.Close()
	})
	o, m := counted(&Options{})
	c := client(t, u, o)
	d, err := c.Get(within(t, testTime), u, 20_000)
	if err != nil || string(d.Body) != text || d.URL.String() != u.String() || d.Header.Get("Etag") != `"v1"` {
		t.Fatalf("%+v, %v", d, err)
	}
	if n := m.Read(); n.Requests != 1 || n.Down > 1000 || n.Up > 500 || n.Up == 0 {
		t.Errorf("cost %+v", n)
	}
	if c.Left() >= DefaultMaxBytes || c.Left() < DefaultMaxBytes-1000 {
		t.Errorf("%d left: the budget counts compressed bytes", c.Left())
	}
	if _, err := c.Get(within(t, testTime), u, int64(len(text))); err != nil {
		t.Errorf("as large as the limit: %v", err)
	}
	if _, err := c.Get(within(t, testTime), u, int64(len(text)-1)); !errors.Is(err, ErrTooLarge) || !errors.Is(err, keyframe.ErrUnsupported) {
		t.Errorf("larger than the limit: %v", err)
	}
}

// TestGetTooLarge: the body of a document that declares too large a size is not
// read.
func TestGetTooLarge(t *testing.T) {
	u := serve(t, unranged(noise(200_000), true))
	c := client(t, u, nil)
	if _, err := c.Get(within(t, testTime), u, 100_000); !errors.Is(err, ErrTooLarge) || c.Left() != DefaultMaxBytes {
		t.Errorf("%v, %d left", err, c.Left())
	}
}

func TestEmptyDocument(t *testing.T) {
	u := serve(t, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Encoding", "gzip") })
	c := client(t, u, nil)
	if d, err := c.Get(within(t, testTime), u, 10); err != nil || len(d.Body) != 0 {
		t.Errorf("%v", err)
	}
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		code      int
		challenge string
		user      *url.Userinfo
		want      string
	}{
		{401, "", nil, "give user and password"},
		{401, `Basic realm="x"`, url.UserPassword("u", "wrongpw"), "the credentials were refused"},
		{401, `Digest realm="x", nonce="n"`, nil, "give user and password"},
		{401, `NTLM`, nil, "the server wants NTLM"},
		{403, "", nil, "another User-Agent"},
		{407, "", nil, "give the proxy's user and password"},
		{404, "", nil, "not there, or no longer"},
		{410, "", nil, "not there, or no longer"},
		{429, "", nil, "busy"},
		{500, "", nil, "the server failed"},
		{302, "", nil, "not a redirect that can be followed"},
		{304, "", nil, "not a redirect that can be followed"},
		{418, "", nil, "status 418"},
		{599, "", nil, "status 599: the server failed"},
	} {
		u := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if c.challenge != "" {
				w.Header().Set("Www-Authenticate", c.challenge)
			}
			w.WriteHeader(c.code)
			if c.code != 304 {
				w.Write(bytes.Repeat([]byte("<html>secret page"), 10_000))
			}
		})
		u.RawQuery, u.User = "token=s3cret", c.user
		o, m := counted(&Options{})
		cl := client(t, u, o)
		r := cl.Open(within(t, testTime), u, Range{})
		_, fromGet := cl.Get(within(t, testTime), u, 1000)
		_, fromRead := r.Read(make([]byte, 10))
		r.Close()
		for _, err := range []error{fromGet, fromRead} {
			var status *StatusError
			if !errors.As(err, &status) || status.Code != c.code || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%d: %v", c.code, err)
			}
			for _, secret := range []string{"s3cret", "wrongpw", "<html>"} {
				if strings.Contains(fmt.Sprint(err), secret) {
					t.Errorf("%d: %v shows %s", c.code, err, secret)
				}
			}
		}
		if n := cl.Left(); n != DefaultMaxBytes {
			t.Errorf("%d: %d bytes charged", c.code, DefaultMaxBytes-n)
		}
		if m.Read().Requests != 2 {
			t.Errorf("%d: %d requests", c.code, m.Read().Requests)
		}
	}
}

// TestHeadersStayAtHome: of two hosts, distinguished by their ports, the second
// does not get the headers for the stream's own host.
func TestHeadersStayAtHome(t *testing.T) {
	var got []string
	note := func(where string, r *http.Request) {
		user, password, _ := r.BasicAuth()
		got = append(got, fmt.Sprintf("%s%s %s:%s %s %s %s", where, r.URL.Path, user, password,
			r.Header.Get("X-Token"), r.Header.Get("Referer"), r.Header.Get("User-Agent")))
	}
	other := serve(t, func(w http.ResponseWriter, r *http.Request) { note("other", r) })
	home := serve(t, func(w http.ResponseWriter, r *http.Request) {
		note("home", r)
		if r.URL.Path == "/away" {
			http.Redirect(w, r, other.String(), http.StatusFound)
		}
		if r.URL.Path == "/here" {
			http.Redirect(w, r, "/final", http.StatusTemporaryRedirect)
		}
	})
	home.User = url.UserPassword("u", "p")
	c := client(t, home, &Options{UserAgent: "ua", Header: http.Header{"X-Token": {"t"}, "referer": {"r"}}})
	plain := *home
	plain.User = nil
	foreign := *other
	foreign.User = url.UserPassword("a", "b")
	for _, u := range []*url.URL{home.JoinPath("../here"), plain.JoinPath("../away"), other, &foreign} {
		if _, err := c.Get(within(t, testTime), u, 1000); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"home/here u:p t r ua", "home/final u:p t r ua",
		"home/away u:p t r ua", "other/media.ts :   ua",
		"other/media.ts :   ua", "other/media.ts a:b   ua",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestHeadersEverywhere: of two hosts, 127.0.0.1 and localhost, both get the
// user's headers on request, except Host. Neither user and password of the URL
// nor cookies ever go to the second.
func TestHeadersEverywhere(t *testing.T) {
	for _, everywhere := range []bool{false, true} {
		var got []string
		note := func(where string, w http.ResponseWriter, r *http.Request) {
			user, password, _ := r.BasicAuth()
			got = append(got, fmt.Sprintf("%s%s %s:%s referer=%s cookie=%s host=%t", where, r.URL.Path, user, password,
				r.Header.Get("Referer"), r.Header.Get("Cookie"), r.Host == "cam.example"))
			http.SetCookie(w, &http.Cookie{Name: where, Value: "1"})
		}
		other := serve(t, func(w http.ResponseWriter, r *http.Request) { note("other", w, r) })
		other.Host = "localhost:" + other.Port()
		home := serve(t, func(w http.ResponseWriter, r *http.Request) {
			note("home", w, r)
			if r.URL.Path == "/away" {
				http.Redirect(w, r, other.String(), http.StatusFound)
			}
		})
		home.User = url.UserPassword("u", "p")
		c := client(t, home, &Options{
			HeadersEverywhere: everywhere,
			Header:            http.Header{"Referer": {"r"}, "Host": {"cam.example"}},
		})
		for _, u := range []*url.URL{home.JoinPath("../away"), home, other} {
			if _, err := c.Get(within(t, testTime), u, 1000); err != nil {
				t.Fatal(err)
			}
		}
		abroad := map[bool]string{false: "", true: "r"}[everywhere]
		want := []string{
			"home/away u:p referer=r cookie= host=true",
			"other/media.ts : referer=" + abroad + " cookie= host=false",
			"home/media.ts u:p referer=r cookie=home=1 host=true",
			"other/media.ts : referer=" + abroad + " cookie=other=1 host=false",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("everywhere %t: got\n%s\nwant\n%s", everywhere, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestUsersHeadersWin(t *testing.T) {
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Host, " ", r.Header.Get("User-Agent"), " ", r.Header.Get("Authorization"), " ", r.Header.Get("Range"))
	})
	u.User = url.UserPassword("u", "p")
	c := client(t, u, &Options{UserAgent: "a", Header: http.Header{
		"host": {"cam.example"}, "User-Agent": {"b"}, "Authorization": {"Bearer x"}, "Range": {"bytes=5-"},
	}})
	r := c.Open(within(t, testTime), u, Range{First: 10})
	defer r.Close()
	got, err := io.ReadAll(r)
	if want := "cam.example b Bearer x bytes=0-9"; err != nil || string(got) != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

func TestOrigin(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"https://h/a", "https://H:443/b?c", true},
		{"http://h/a", "HTTP://u:p@h:80/", true},
		{"http://h/", "https://h/", false},
		{"http://h/", "http://h:8080/", false},
		{"http://h/", "http://sub.h/", false},
		{"http://[::1]/", "http://[::1]:80/", true},
	} {
		if got := originOf(parse(t, c.a)) == originOf(parse(t, c.b)); got != c.same {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
}

func TestRedirects(t *testing.T) {
	data := noise(50_000)
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "keep-alive")
		switch path := r.URL.Path; path {
		case "/final":
			ranged(data)(w, r)
		case "/1", "/2", "/3", "/4":
			http.Redirect(w, r, "/"+string(path[1]+1), http.StatusFound)
		case "/5":
			http.Redirect(w, r, "/final?token=s3cret#fragment", http.StatusPermanentRedirect)
		case "/0":
			http.Redirect(w, r, "/1", http.StatusMovedPermanently)
		case "/self":
			http.Redirect(w, r, "/self", http.StatusFound)
		case "/wall":
			if _, err := r.Cookie("seen"); err == nil {
				ranged(data)(w, r)
				return
			}
			http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
			http.Redirect(w, r, "/wall", http.StatusFound)
		case "/ftp":
			w.Header().Set("Location", "ftp://u:s3cret@h/x")
			w.WriteHeader(302)
		case "/bad":
			w.Header().Set("Location", "http://u:s3cret@h:port/%zz")
			w.WriteHeader(302)
		case "/nohost":
			w.Header().Set("Location", "http:///x")
			w.WriteHeader(302)
		}
	})
	o, m := counted(&Options{})
	c := client(t, u, o)
	at := func(path string) *url.URL { return u.JoinPath(".." + path) }

	r := c.Open(within(t, testTime), at("/1"), Range{First: 20_000})
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	r.Close()
	if r.URL().Path != "/final" || r.URL().Fragment != "" {
		t.Errorf("final URL %v", r.URL())
	}
	if n := m.Read().Requests; n != 5+1+2 {
		t.Errorf("%d requests, want 5 redirects once and 3 ranges", n)
	}
	if _, err := c.Get(within(t, testTime), at("/wall"), 1e6); err != nil {
		t.Errorf("a cookie wall: %v", err)
	}
	for path, want := range map[string]string{
		"/0": "more than 5 redirects", "/self": "in a loop", "/ftp": "neither http nor https",
		"/bad": "malformed address", "/nohost": "no host",
	} {
		_, err := c.Get(within(t, testTime), at(path), 1e6)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestScheme(t *testing.T) {
	for _, s := range []string{"ftp://u:s3cret@h/x", "file:///etc/passwd", "http:opaque", "x"} {
		u := parse(t, s)
		c := client(t, u, nil)
		_, err := c.Get(within(t, testTime), u, 10)
		if !errors.Is(err, keyframe.ErrUnsupported) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(ranged(noise(100)))
	s.Config.ErrorLog = quiet
	s.StartTLS()
	t.Cleanup(s.Close)
	old := httptest.NewUnstartedServer(ranged(noise(100)))
	old.Config.ErrorLog = quiet
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	t.Cleanup(old.Close)
	u := parse(t, s.URL)

	for _, c := range []struct {
		name string
		url  string
		o    *Options
		want string
	}{
		{"unknown authority", s.URL, nil, "self-signed"},
		{"insecure", s.URL, &Options{InsecureTLS: true}, ""},
		{"too old", old.URL, &Options{InsecureTLS: true}, "no TLS 1.2 or later"},
		{"plain HTTP to TLS", "http://" + u.Host, nil, "status 400"},
	} {
		u := parse(t, c.url)
		_, err := client(t, u, c.o).Get(within(t, testTime), u, 1000)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	plain := serve(t, ranged(noise(100)))
	plain.Scheme = "https"
	if _, err := client(t, plain, nil).Get(within(t, testTime), plain, 1000); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("TLS to plain HTTP: %v", err)
	}
}

func TestUnreachable(t *testing.T) {
	s := httptest.NewServer(nil)
	s.Close()
	for _, c := range []struct{ url, want string }{
		{s.URL + "/a?token=s3cret", "connection refused"},
		{"http://u:s3cret@no-such-host.invalid/a", "o such host|name lookup failed"},
	} {
		u := parse(t, c.url)
		_, err := client(t, u, nil).Get(within(t, testTime), u, 1000)
		var failed *Error
		ok := false
		for _, want := range strings.Split(c.want, "|") {
			ok = ok || err != nil && strings.Contains(err.Error(), want)
		}
		if !ok || !errors.As(err, &failed) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", u.Redacted(), err)
		}
	}
}

// TestTLSResumption: after the idle connection is gone, the handshake does not
// cost another certificate chain.
func TestTLSResumption(t *testing.T) {
	var resumed []bool
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resumed = append(resumed, r.TLS.DidResume)
	}))
	t.Cleanup(s.Close)
	u := parse(t, s.URL)
	c := client(t, u, &Options{InsecureTLS: true})
	for range 2 {
		if _, err := c.Get(within(t, testTime), u, 10); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	if fmt.Sprint(resumed) != "[false true]" {
		t.Errorf("resumed: %v", resumed)
	}
}

// TestContextOver: a context that had already ended is not reported as a
// network failure.
func TestContextOver(t *testing.T) {
	u := serve(t, ranged(noise(100)))
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("why")
	cancel(why)
	c := client(t, u, nil)
	_, err := c.Get(ctx, u, 100)
	var failed *Error
	if !errors.Is(err, why) || errors.As(err, &failed) {
		t.Errorf("%v", err)
	}
}

// TestCloseWhileReading: Close ends a read under way, and all goroutines with
// it.
func TestCloseWhileReading(t *testing.T) {
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.Write(noise(10))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	c := client(t, u, nil)
	r := c.Open(within(t, testTime), u, Range{})
	if _, err := r.Peek(10); err != nil {
		t.Fatal(err)
	}
	c.Close()
	if _, err := r.Peek(11); err == nil {
		t.Error("read after the connection was closed")
	}
	r.Close()
	if n := connections(c); n != 0 {
		t.Errorf("%d connections open", n)
	}
}

// TestDialContextNoProxy: with DialContext no proxy is used, since a proxy
// would hide the servers from it.
func TestDialContextNoProxy(t *testing.T) {
	u := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "body") })
	var dialled []string
	c := client(t, u, &Options{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		return new(net.Dialer).DialContext(ctx, network, u.Host)
	}})
	doc, err := c.Get(within(t, testTime), parse(t, "http://stream.example/live"), 100)
	if err != nil || string(doc.Body) != "body" || !slices.Equal(dialled, []string{"stream.example:80"}) {
		t.Errorf("%v, connections to %q", err, dialled)
	}
	if c.transport.http1.Proxy != nil || c.transport.http2.Proxy != nil {
		t.Error("a proxy of the environment would be asked")
	}
}
