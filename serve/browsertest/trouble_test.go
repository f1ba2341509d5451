package browsertest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/serve"
	"github.com/kfgrab/kfgrab/serve/internal/servetest"
)

// testDies watches a stream that fails and recovers: on the wall, as a still
// and live.
func testDies(t *testing.T, browser context.Context) {
	l := servetest.NewPlaylist(t)
	door := stream(t, "door="+l.URL)
	door.TTL = time.Second
	s := start(t, &serve.Options{Streams: []serve.Stream{door}})
	wall := openTab(t, browser, s, "/", desktop, light(), remember(2))
	still := openTab(t, browser, s, "/streams/door/view", desktop, light(), remember(2))
	live := openTab(t, browser, s, "/streams/door/view", desktop, dark(), remember(2))
	live.do(chromedp.Click("input[value=live]"))
	tabs := map[string]*tab{"wall": wall, "still": still, "live": live}
	for _, b := range tabs {
		b.await(`document.querySelector('.picture > img:not([hidden])').naturalWidth > 0`)
	}
	l.Remove(t)
	for name, b := range tabs {
		b.await(`document.querySelector('.state').innerText === 'failing'`)
		b.await(`/door (fails|is back)/.test(document.getElementById('changes').innerText)`)
		b.shot(name + "-failing")
	}
	for _, b := range []*tab{wall, still} {
		b.await(`/since .*404/s.test(document.querySelector('.notice').innerText)`)
		b.await(`document.querySelector('.picture.failing > img').naturalWidth > 0 && / old/.test(document.querySelector('.age').innerText)`)
	}
	l.List(t, 1)
	for name, b := range tabs {
		b.await(`document.querySelector('.state').innerText !== 'failing'`)
		b.await(`/door is back/.test(document.getElementById('changes').innerText)`)
		b.await(`!document.querySelector('.notice').checkVisibility()`)
		b.await(`!(` + drawnColours + `)(` + colours + `)`)
		b.shot(name + "-back")
		b.clean()
	}
}

// testHang: streams that hang delay no others, even if there are more of them
// than requests at a time.
func testHang(t *testing.T, browser context.Context) {
	h := servetest.Hang(t)
	var streams []serve.Stream
	for i := range 5 {
		streams = append(streams, stream(t, fmt.Sprintf("dead%d=%s/%d", i, h.URL, i)))
	}
	s := start(t, &serve.Options{Streams: append(streams, stream(t, "door="+servetest.LiveHLS(t)))})
	b := openTab(t, browser, s, "/", chromedp.EmulateViewport(1280, 1200), light(), remember(2))
	b.await(tileOf("door") + `.querySelector('.picture > img').naturalWidth > 0`)
	servetest.Until(t, func() bool { return b.count("door/snapshot.jpg") > 3 })
	b.shot("wall")
	b.clean()
}

// proxied returns the service behind a proxy that serves it below /cams/, until
// it is cut off.
func proxied(t *testing.T, s *service) (behind *service, cut *atomic.Bool) {
	t.Helper()
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }, FlushInterval: -1}
	cut = new(atomic.Bool)
	web := httptest.NewServer(http.StripPrefix("/cams", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cut.Load() {
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	})))
	t.Cleanup(func() {
		web.CloseClientConnections()
		web.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	return &service{s.Server, web.URL, s.client}, cut
}

// testNoDecoder: the pages and pictures say that ffmpeg is missing.
func testNoDecoder(t *testing.T, browser context.Context) {
	s := start(t, &serve.Options{Streams: []serve.Stream{stream(t, "door="+servetest.LiveHLS(t))}, Decoder: decode.Decoder{Path: "/nonexistent/ffmpeg"}})
	for name, path := range map[string]string{"wall": "/", "view": "/streams/door/view"} {
		b := openTab(t, browser, s, path, desktop, light())
		b.await(`(` + drawnColours + `)(` + colours + `)`)
		if name == "wall" {
			b.await(`/no ffmpeg/.test(document.getElementById('trouble').innerText)`)
		}
		b.await(`document.querySelector('.picture > img').alt === 'door: no picture' && document.querySelector('.state').innerText === 'no picture'`)
		b.shot(name)
		b.clean()
	}
}

// testServiceGone: the pages say that the service does not answer, and recover
// with it.
func testServiceGone(t *testing.T, browser context.Context) {
	s, cut := proxied(t, start(t, &serve.Options{Streams: []serve.Stream{stream(t, "door="+servetest.LiveHLS(t))}}))
	wall := openTab(t, browser, s, "/cams/", desktop, light(), remember(2))
	view := openTab(t, browser, s, "/cams/streams/door/view", desktop, light(), remember(2))
	tabs := map[string]*tab{"wall": wall, "view": view}
	for _, b := range tabs {
		b.await(`document.querySelector('.picture > img').naturalWidth > 0`)
	}
	cut.Store(true)
	for name, b := range tabs {
		b.await(`/does not answer/.test(document.getElementById('trouble').innerText)`)
		b.shot(name)
	}
	cut.Store(false)
	for _, b := range tabs {
		b.await(`!document.getElementById('trouble').checkVisibility()`)
	}
}
