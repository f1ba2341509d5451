package fetch

import (
	"context"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kfgrab/kfgrab/internal/meter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noise returns n bytes that neither compress nor repeat.
func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

func parse(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// quiet is for servers whose complaints are part of a test.
var quiet = log.New(io.Discard, "", 0)

// serve runs h on loopback and returns its URL.
func serve(t testing.TB, h http.HandlerFunc) *url.URL {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = quiet
	s.Start()
	t.Cleanup(s.Close)
	return parse(t, s.URL+"/media.ts")
}

// client returns a Client and closes it before its server.
func client(t testing.TB, u *url.URL, o *Options) *Client {
	t.Helper()
	c := New(u, o)
	t.Cleanup(c.Close)
	return c
}

// raw answers the first request on every connection with the text answer, and
// then closes it.
func raw(t testing.TB, answer string) *url.URL {
	t.Helper()
	return listen(t, func(c net.Conn) { io.WriteString(c, answer) })
}

// listen passes each connection to handle once a request has arrived.
func listen(t testing.TB, handle func(net.Conn)) *url.URL {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 4096))
			handle(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return parse(t, "http://"+l.Addr().String()+"/media.ts?token=s3cret")
}

func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// testTime is far more than any test needs.
const testTime = 20 * time.Second

func counted(o *Options) (*Options, *meter.Counter) {
	m := new(meter.Counter)
	o.Meter = m
	return o, m
}

func connections(c *Client) int {
	c.dialer.mu.Lock()
	defer c.dialer.mu.Unlock()
	return len(c.dialer.open)
}
