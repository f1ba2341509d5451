package serve

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/kfgrab/kfgrab/serve/internal/servetest"
)

// names is what the resolver of the tests knows: the addresses of a name, in
// the order of its answers; the last one repeats.
var names = struct {
	sync.Mutex
	of map[string][][4]byte
}{of: map[string][][4]byte{}}

func init() {
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe() // no datagrams: messages have their length in front (RFC 1035 4.2.2)
		go resolve(there)
		return here, nil
	}}
}

func knows(name string, addresses ...[4]byte) {
	names.Lock()
	defer names.Unlock()
	names.of[name+"."] = addresses
}

func resolve(conn net.Conn) {
	defer conn.Close()
	for {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		data := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, data); err != nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(data); err != nil {
			return
		}
		answerQuestion(&m)
		data, err := m.Pack()
		if err != nil {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(data))), data...)); err != nil {
			return
		}
	}
}

func answerQuestion(m *dnsmessage.Message) {
	names.Lock()
	defer names.Unlock()
	q := m.Questions[0]
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	list, known := names.of[strings.ToLower(q.Name.String())]
	switch {
	case !known:
		m.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}, Body: &dnsmessage.AResource{A: list[0]},
		}}
		if len(list) > 1 {
			names.of[strings.ToLower(q.Name.String())] = list[1:]
		}
	}
}

// camerasAndSecrets is a server that ?url= may reach, at 127.0.0.2, and one
// that it may not, at 127.0.0.1 and the same port.
type camerasAndSecrets struct {
	port     string
	reached  atomic.Int32 // connections to the secret server
	playlist atomic.Pointer[string]
}

func (c *camerasAndSecrets) at(host string) string { return "http://" + host + ":" + c.port }

func startCamerasAndSecrets(t *testing.T) *camerasAndSecrets {
	t.Helper()
	origin, err := url.Parse(servetest.LiveHLS(t))
	if err != nil {
		t.Fatal(err)
	}
	c := &camerasAndSecrets{}
	open, inner := c.listeners(t)
	_, c.port, _ = net.SplitHostPort(open.Addr().String())
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: origin.Host})
	serveAt(t, open, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close") // each request is another connection
		switch {
		case r.URL.Path == "/to":
			http.Redirect(w, r, r.URL.Query().Get("url"), http.StatusFound)
		case r.URL.Path == "/evil.m3u8":
			io.WriteString(w, *c.playlist.Load())
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	serveAt(t, inner, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { proxy.ServeHTTP(w, r) })).Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			c.reached.Add(1)
		}
	}
	return c
}

// listeners listen at the same port of two addresses.
func (c *camerasAndSecrets) listeners(t *testing.T) (open, inner net.Listener) {
	t.Helper()
	for range 20 {
		open, err := net.Listen("tcp", "127.0.0.2:0")
		if err != nil {
			t.Skip(err) // there is no second loopback address
		}
		_, port, _ := net.SplitHostPort(open.Addr().String())
		if inner, err = net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			return open, inner
		}
		open.Close()
	}
	t.Fatal("no port is free at both addresses")
	return nil, nil
}

func serveAt(t *testing.T, l net.Listener, h http.Handler) *httptest.Server {
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	t.Cleanup(s.Close)
	s.Start()
	return s
}

// TestByURL: ?url= shows allowed hosts to unrestricted clients, and has a cache
// of its own.
func TestByURL(t *testing.T) {
	c := startCamerasAndSecrets(t)
	s := start(t, &Options{Guard: Guard{Allow: "127.0.0.2"}, Streams: []Stream{stream(t, "door="+servetest.LiveHLS(t))}})
	camera := url.QueryEscape(c.at("127.0.0.2") + "/ts/master.m3u8")
	for path, mime := range map[string]string{
		"/snapshot.jpg?width=160&url=": "image/jpeg", "/snapshot.png?width=160&url=": "image/png", "/snapshot?width=160&url=": "image/jpeg",
		"/snapshot.mp4?url=": "video/mp4", "/latest.jpg?width=160&url=": "image/jpeg", "/stream/snapshot?width=160&url=": "image/jpeg",
	} {
		got := s.get(t, path+camera)
		if got.StatusCode != 200 || got.Header.Get("Content-Type") != mime {
			t.Errorf("%s: %s %s", path, got.Status, got.body[:min(200, len(got.body))])
		}
	}
	if state := s.get(t, "/snapshot.jpg?width=160&max_age=3600&url="+camera).Header.Get("X-Kfgrab-State"); state != "cached" {
		t.Errorf("again: %s", state)
	}
	if n, _, _ := s.pictures.cache.total(); n != 0 {
		t.Errorf("%d of the others' pictures", n)
	}
	if n, _, _ := s.pictures.guestCache.total(); n == 0 {
		t.Error("nothing is kept")
	}
	if got := s.get(t, "/streams"); strings.Contains(string(got.body), "127.0.0.2") {
		t.Errorf("it is listed: %s", got.body)
	}
	s.do(t, "DELETE", "/cache")
	if n, _, _ := s.pictures.guestCache.total(); n != 0 || s.guests.order.Len() != 0 {
		t.Errorf("%d are left", n)
	}
	for path, want := range map[string]int{
		"/snapshot.jpg": 400, "/snapshot.jpg?url=": 400, "/snapshot.gif?url=" + camera: 404, "/snapshot.jpg?width=0&url=" + camera: 400, "/latest.jpg": 200,
		"/snapshot.jpg?url=http://" + strings.Repeat("a", maxURL): 400,
	} {
		if got := s.get(t, path); got.StatusCode != want {
			t.Errorf("%.60s: %s, want %d", path, got.Status, want)
		}
	}
	off := start(t, &Options{})
	for _, path := range []string{"/snapshot.jpg?url=", "/latest.jpg?url=", "/snapshot?url="} {
		if got := off.get(t, path+camera); got.StatusCode != 403 {
			t.Errorf("where it is off: %s: %s", path, got.Status)
		}
	}
	if n := c.reached.Load(); n != 0 {
		t.Errorf("%d connections to what is secret", n)
	}
}

// TestForgery: no URL, redirect, playlist or name leads to a connection to a
// host that is not allowed.
func TestForgery(t *testing.T) {
	c := startCamerasAndSecrets(t)
	knows("inner.test", [4]byte{127, 0, 0, 1})
	knows("cloud.test", [4]byte{169, 254, 169, 254})
	knows("camera.test", [4]byte{127, 0, 0, 2})
	s := start(t, &Options{Guard: Guard{Allow: "127.0.0.2, *.test"}})
	inner := func(host string) string { return c.at(host) + "/ts/master.m3u8" }
	to := func(target string) string { return c.at("127.0.0.2") + "/to?url=" + url.QueryEscape(target) }
	refused := []string{
		inner("127.0.0.1"), inner("localhost"), inner("LOCALHOST."), inner("127.1"), inner("2130706433"), inner("0x7f000001"), inner("0177.0.0.1"),
		inner("0.0.0.0"), inner("[::1]"), inner("[::ffff:127.0.0.1]"), inner("[::ffff:7f00:1]"), inner("[0:0:0:0:0:ffff:127.0.0.1]"), inner("[::127.0.0.1]"),
		inner("[64:ff9b::7f00:1]"), inner("127.0.0.2@127.0.0.1"), inner("user:127.0.0.2@127.0.0.1"), inner("127.0.0.1#@127.0.0.2"), inner("inner.test"), inner("INNER.TEST."),
		inner("cloud.test"), "http://169.254.169.254/latest/meta-data/", inner("camera.test.evil.example"), "http://127.0.0.1:" + c.port + "\\@127.0.0.2/",
		to(inner("127.0.0.1")), to(inner("inner.test")), to(inner("[::ffff:127.0.0.1]")), to(to(inner("127.0.0.1"))), to("http://127.0.0.1:" + c.port), to("//127.0.0.1:" + c.port + "/"),
		"rtsp://127.0.0.1:" + c.port + "/", "rtsp://inner.test:" + c.port + "/", "rtsps://127.0.0.1:" + c.port + "/", "rtsp+http://127.0.0.1:" + c.port + "/", "rtsp+ws://inner.test:" + c.port + "/",
		"file:///etc/passwd", "/etc/passwd", "-", "udp://127.0.0.1:1234", "udp://127.0.0.2:1234", "ftp://127.0.0.2/", "gopher://127.0.0.2/", "data:image/png;base64,", "a=http://127.0.0.1:" + c.port + "/",
	}
	for _, rawURL := range refused {
		got := s.get(t, "/snapshot.mp4?url="+url.QueryEscape(rawURL))
		if got.StatusCode != 403 && got.StatusCode != 400 && got.StatusCode != 502 {
			t.Errorf("%s: %s %s", rawURL, got.Status, got.body)
		}
		if strings.Contains(string(got.body), "root:") {
			t.Errorf("%s: %s", rawURL, got.body)
		}
	}
	for _, uri := range []string{inner("127.0.0.1"), inner("inner.test"), to(inner("127.0.0.1")), "file:///etc/passwd"} {
		for _, playlist := range []string{
			"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n" + uri + "\n",
			"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n" + uri + "\n",
			"#EXTM3U\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"" + uri + "\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\n" + uri + "\n",
			"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=AES-128,URI=\"" + uri + "\"\n#EXTINF:2,\n" + c.at("127.0.0.2") + "/ts/master.m3u8\n",
			"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"" + uri + "\"\n#EXTINF:2,\n" + c.at("127.0.0.2") + "/ts/master.m3u8\n",
		} {
			c.playlist.Store(&playlist)
			got := s.get(t, "/snapshot.mp4?fresh=1&url="+url.QueryEscape(c.at("127.0.0.2")+"/evil.m3u8?"+url.QueryEscape(playlist)))
			if got.StatusCode < 400 || strings.Contains(string(got.body), "root:") {
				t.Errorf("%s: %s", playlist, got.Status)
			}
		}
	}
	if n := c.reached.Load(); n != 0 {
		t.Errorf("%d connections to what is secret", n)
	}
	if got := s.get(t, "/snapshot.mp4?url="+url.QueryEscape(inner("camera.test"))); got.StatusCode != 200 {
		t.Errorf("a name of what is allowed: %s %s", got.Status, got.body)
	}
}

// TestChangingName: a name is checked at each connection, since its addresses
// may change.
func TestChangingName(t *testing.T) {
	c := startCamerasAndSecrets(t)
	s := start(t, &Options{Guard: Guard{Allow: "127.0.0.2, moving.test"}})
	for good := range 4 { // number of answers with a good address
		addresses := append(make([][4]byte, 0, 5), [4]byte{127, 0, 0, 1})
		for range good {
			addresses = append([][4]byte{{127, 0, 0, 2}}, addresses...)
		}
		knows("moving.test", addresses...)
		camera := url.QueryEscape(c.at("moving.test") + fmt.Sprintf("/ts/master.m3u8?%d", good))
		for range 3 {
			s.get(t, "/snapshot.mp4?fresh=1&url="+camera)
		}
		if n := c.reached.Load(); n != 0 {
			t.Fatalf("%d connections to what is secret after %d good answers", n, good)
		}
	}
	knows("moving.test", [4]byte{127, 0, 0, 2})
	if got := s.get(t, "/snapshot.mp4?url="+url.QueryEscape(c.at("moving.test")+"/ts/master.m3u8?again")); got.StatusCode != 200 {
		t.Errorf("good answers alone: %s %s", got.Status, got.body)
	}
}

// TestGuests: the number of streams is bounded, and those in use stay.
func TestGuests(t *testing.T) {
	h := servetest.Hang(t)
	s := start(t, &Options{Guard: Guard{Allow: "127.0.0.1"}})
	hangs := func(i int) string { return "/snapshot.jpg?url=" + url.QueryEscape(fmt.Sprintf("%s/?%d", h.URL, i)) }
	gone := "http://127.0.0.1:1/"
	for i := range 2 * maxGuests {
		if got := s.get(t, "/snapshot.jpg?url="+url.QueryEscape(gone+fmt.Sprint(i))); got.StatusCode != 502 {
			t.Errorf("%s", got.Status)
		}
	}
	if n := s.guests.order.Len(); n != maxGuests || len(s.guests.byURL) != n {
		t.Errorf("%d streams", n)
	}
	if _, n := s.guests.sumCounts(); n.failures != 2*maxGuests {
		t.Errorf("%+v", n)
	}
	ctx, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range maxGuests {
		r, err := http.NewRequestWithContext(ctx, "GET", s.url+hangs(i), nil)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			if res, err := s.client.Do(r); err == nil {
				res.Body.Close()
			}
		})
	}
	inUse := func() (n int) {
		s.guests.mu.Lock()
		defer s.guests.mu.Unlock()
		for e := s.guests.order.Front(); e != nil; e = e.Next() {
			n += e.Value.(*guest).users
		}
		return n
	}
	servetest.Until(t, func() bool { return inUse() == maxGuests })
	if got := s.get(t, "/snapshot.jpg?url="+url.QueryEscape(gone)); got.StatusCode != 503 || got.Header.Get("Retry-After") == "" {
		t.Errorf("one too many: %s %v", got.Status, got.Header)
	}
	leave()
	all.Wait()
	servetest.Until(t, func() bool { return inUse() == 0 })
	if got := s.get(t, "/snapshot.jpg?url="+url.QueryEscape(gone)); got.StatusCode != 502 {
		t.Errorf("when the others have gone: %s", got.Status)
	}
	if err := s.SetGuard(Guard{Allow: "192.0.2.1"}); err != nil {
		t.Fatal(err)
	}
	if n := s.guests.order.Len(); n != 0 {
		t.Errorf("%d streams by a list that holds no more", n)
	}
	if got := s.get(t, "/snapshot.jpg?url="+url.QueryEscape(gone)); got.StatusCode != 403 {
		t.Errorf("not allowed any more: %s", got.Status)
	}
}

// TestCredentialsOfGuests: a client without the password does not get another
// client's picture.
func TestCredentialsOfGuests(t *testing.T) {
	origin, err := url.Parse(servetest.LiveHLS(t))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: origin.Host})
	camera := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != "geheim" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer camera.Close()
	var log sharedText
	s := start(t, &Options{Guard: Guard{Allow: "127.0.0.1"}, Logger: textLogger(&log)})
	of := func(user string) *answered {
		return s.get(t, "/snapshot.mp4?max_age=3600&url="+url.QueryEscape(strings.Replace(camera.URL, "http://", "http://"+user, 1)+"/ts/master.m3u8"))
	}
	if got := of("user:geheim@"); got.StatusCode != 200 {
		t.Fatalf("%s %s", got.Status, got.body)
	}
	for _, user := range []string{"", "user:wrong@", "user@"} {
		if got := of(user); got.StatusCode != 502 || strings.Contains(string(got.body), "geheim") {
			t.Errorf("%q: %s %s", user, got.Status, got.body)
		}
	}
	if text := log.String() + string(s.get(t, "/metrics").body); strings.Contains(text, "geheim") || strings.Contains(text, camera.URL[7:]) {
		t.Errorf("it is told: %s", text)
	}
}
