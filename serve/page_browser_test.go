package serve

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/kfgrab/kfgrab/config"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/credential"
)

// TestPages shows the pages in a browser, and does with them what people do.
func TestPages(t *testing.T) {
	browser := chromium(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, context.Context)
	}{
		{"screens", testScreens},
		{"view", testView},
		{"video", testVideo},
		{"dies", testDies},
		{"hang", testHang},
		{"hidden", testHidden},
		{"keyboard", testKeyboard},
		{"streams change", testStreamsChange},
		{"behind a prefix", testPrefix},
		{"signed in", testSignedIn},
		{"without scripts", testWithoutScripts},
		{"no decoder", testNoDecoder},
		{"service gone", testServiceGone},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, browser)
		})
	}
}

// scene makes a stream of one picture, drawn by a source of ffmpeg's.
func scene(t *testing.T, name, source string) config.Stream {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scene.mp4")
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", "1", "-pix_fmt", "yuv420p", "-c:v", "libx264", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return stream(t, name+"="+path)
}

// testScreens looks at both pages in light and dark, on a desk and on a phone.
func testScreens(t *testing.T, browser context.Context) {
	s := start(t, &Options{Streams: []config.Stream{
		stream(t, "Front door="+liveHLS(t)),
		scene(t, "Car park", "mandelbrot=size=1280x720"),
		scene(t, "Lobby", "gradients=size=1920x1080:c0=navy:c1=teal:c2=gold:n=3:x0=0:y0=0:x1=1920:y1=1080"),
		stream(t, "Gate=http://user:geheim@127.0.0.1:1/live.m3u8?token=geheim"),
		scene(t, "Hall", "sierpinski=size=640x480:seed=5"),
		scene(t, "Roof_of_the_northern_building", "smptehdbars=size=640x360"),
	}})
	for _, screen := range []struct {
		name  string
		setup []chromedp.Action[chromedp.Void]
		page  string // the colour behind everything
	}{
		{"light", []chromedp.Action[chromedp.Void]{desktop, light()}, "rgb(243, 244, 246)"},
		{"dark", []chromedp.Action[chromedp.Void]{desktop, dark()}, "rgb(16, 18, 22)"},
		{"phone", []chromedp.Action[chromedp.Void]{phone, light()}, "rgb(243, 244, 246)"},
		{"dark phone", []chromedp.Action[chromedp.Void]{phone, dark()}, "rgb(16, 18, 22)"},
	} {
		t.Run(screen.name, func(t *testing.T) {
			wall := openTab(t, browser, s, "/", screen.setup...)
			wall.await(tileOf("Gate") + `.querySelector('strong').checkVisibility()`)
			wall.await(`[...document.querySelectorAll('.tile')].slice(0, 3).every(t => /old|now/.test(t.innerText) && / today/.test(t.innerText))`)
			wall.await(`/1 failing/.test(document.getElementById('summary').innerText)`)
			view := openTab(t, browser, s, "/streams/Front%20door/view", screen.setup...)
			view.await(`document.querySelector('.picture > img').naturalWidth > 0 && document.querySelectorAll('dd').length > 5`)
			gone := openTab(t, browser, s, "/streams/Gate/view", screen.setup...)
			gone.await(`/Not available since .*connection refused/s.test(document.querySelector('.notice').innerText)`)
			for name, b := range map[string]*tab{"wall": wall, "view": view, "gone": gone} {
				b.shot(name)
				b.accessible()
				b.clean()
				if got := b.text(`getComputedStyle(document.body).backgroundColor`); got != screen.page {
					t.Errorf("%s: the page is %s", name, got)
				}
				if over := b.text(`document.documentElement.scrollWidth - innerWidth`); over != "0" {
					t.Errorf("%s: %s pixels wider than the screen", name, over)
				}
				if strings.Contains(b.text("document.documentElement.outerHTML"), "geheim") {
					t.Errorf("%s shows a secret", name)
				}
			}
		})
	}
}

func tileOf(name string) string {
	return fmt.Sprintf(`document.querySelector('[data-name=%q]')`, name)
}

// accessible fails where something has no name for those who cannot see, or a control is
// too small for a finger.
func (b *tab) accessible() {
	b.t.Helper()
	for what, expression := range map[string]string{
		"pictures without alt":       `document.querySelectorAll('img:not([alt]), .picture > img[alt=""]').length`,
		"controls without a label":   `[...document.querySelectorAll('select, input')].filter(e => !e.labels[0]?.innerText.trim()).length`,
		"links without a text":       `[...document.querySelectorAll('a, button')].filter(e => !(e.ariaLabel || e.innerText.trim())).length`,
		"main landmarks too many":    `document.querySelectorAll('main').length - 1`,
		"first headings too many":    `document.querySelectorAll('h1').length - 1`,
		"controls of a small height": `[...document.querySelectorAll('select, button, fieldset label')].filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 40).length`,
		"regions that chatter":       `document.querySelectorAll('[aria-live], [role=status] *, .tile [role]').length`,
	} {
		if n := b.text(expression); n != "0" {
			b.t.Errorf("%s %s", n, what)
		}
	}
}

// colours are some of the picture's that is shown, by which one is told from another.
const colours = `(() => {
	const img = document.querySelector('.picture > img:not([hidden])');
	const canvas = document.createElement('canvas');
	canvas.width = canvas.height = 16;
	const context = canvas.getContext('2d');
	context.drawImage(img, 0, 0, 16, 16);
	return [...context.getImageData(0, 0, 16, 16).data].join();
})()`

// drawnColours says of colours whether they are those of a placeholder.
const drawnColours = `(c) => c.split(',').slice(0, 3).every((v, i) => Math.abs(v - [0x30, 0x34, 0x3c][i]) < 6)`

// testView refreshes a still, and looks at live keyframes: their reception ends with that.
func testView(t *testing.T, browser context.Context) {
	s := start(t, &Options{Streams: []config.Stream{stream(t, "door="+liveHLS(t)), scene(t, "tall", "testsrc=size=360x640")}})
	c := s.streams.Load().list[0]
	tall := openTab(t, browser, s, "/streams/tall/view", desktop)
	tall.await(`document.getElementById('stage').clientWidth * 16 / 9 - document.getElementById('stage').clientHeight < 2`)
	tall.shot("tall")
	b := openTab(t, browser, s, "/streams/door/view", desktop, remember(0))
	b.await(`document.querySelector('.picture > img').naturalWidth > 0`)
	first := b.text(colours)
	until(t, func() bool { return time.Since(c.taken()) > 2*minAge }) // a segment is two seconds
	b.do(chromedp.Click("#refresh"))
	b.await(colours + ` !== ` + fmt.Sprintf("%q", first))
	b.await(`/^Picture of /.test(document.getElementById('changes').innerText)`)
	if n := b.count("fresh=1"); n != 1 {
		t.Errorf("%d requests for a fresh one", n)
	}
	b.do(chromedp.Click("input[value=live]"))
	b.await(`document.querySelector('.state').innerText === 'live'`)
	for range 2 {
		b.await(colours + ` !== ` + fmt.Sprintf("%q", b.text(colours)))
	}
	b.shot("live")
	b.do(chromedp.Click("input[value=still]"))
	until(t, func() bool { return c.watching() == 0 })
	b.await(`document.getElementById('refresh').checkVisibility()`)
	b.clean()
}

func (c *camera) taken() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last.snapshot.Taken
}

func (c *camera) watching() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.viewers
}

// testVideo plays an HLS stream where the browser can, and none with a secret.
func testVideo(t *testing.T, browser context.Context) {
	source := liveHLS(t)
	secret := stream(t, "secret="+source+"?token=geheim")
	header := stream(t, "header="+source)
	header.Options.Header = http.Header{"Authorization": {"geheim"}}
	s := start(t, &Options{Streams: []config.Stream{stream(t, "door="+source), secret, header}})
	for _, name := range []string{"secret", "header"} {
		if b := openTab(t, browser, s, "/streams/"+name+"/view"); b.text(`document.querySelector('[value=video]') === null`) != "true" {
			t.Errorf("%s can be played", name)
		}
	}
	b := openTab(t, browser, s, "/streams/door/view", desktop)
	if b.text(`document.createElement('video').canPlayType('application/vnd.apple.mpegurl')`) == "" {
		if b.text(`document.getElementById('player').checkVisibility()`) == "true" {
			t.Error("a player that cannot play")
		}
		t.Skip("0 videos played: this browser cannot")
	}
	b.await(`document.getElementById('player').checkVisibility()`)
	b.clean()
	b.do(chromedp.Click("input[value=video]"))
	b.await(`document.querySelector('video').currentTime > 0`)
	b.await(`/plays this from 127/.test(document.getElementById('apart').innerText)`)
	b.shot("video")
}

// testDies watches a stream that goes away and comes back: on the wall, as a still and
// live.
func testDies(t *testing.T, browser context.Context) {
	l := newListed(t)
	door := stream(t, "door="+l.url)
	door.TTL = time.Second
	s := start(t, &Options{Streams: []config.Stream{door}})
	wall := openTab(t, browser, s, "/", desktop, light(), remember(2))
	still := openTab(t, browser, s, "/streams/door/view", desktop, light(), remember(2))
	live := openTab(t, browser, s, "/streams/door/view", desktop, dark(), remember(2))
	live.do(chromedp.Click("input[value=live]"))
	tabs := map[string]*tab{"wall": wall, "still": still, "live": live}
	for _, b := range tabs {
		b.await(`document.querySelector('.picture > img:not([hidden])').naturalWidth > 0`)
	}
	l.remove(t)
	for name, b := range tabs {
		b.await(`document.querySelector('.state').innerText === 'failing'`)
		b.await(`/door (fails|is back)/.test(document.getElementById('changes').innerText)`)
		b.shot(name + "-failing")
	}
	for _, b := range []*tab{wall, still} {
		b.await(`/since .*404/s.test(document.querySelector('.notice').innerText)`)
		b.await(`document.querySelector('.picture.failing > img').naturalWidth > 0 && / old/.test(document.querySelector('.age').innerText)`)
	}
	l.list(t, 1)
	for name, b := range tabs {
		b.await(`document.querySelector('.state').innerText !== 'failing'`)
		b.await(`/door is back/.test(document.getElementById('changes').innerText)`)
		b.await(`!document.querySelector('.notice').checkVisibility()`)
		b.await(`!(` + drawnColours + `)(` + colours + `)`)
		b.shot(name + "-back")
		b.clean()
	}
}

// testHang has streams that do not answer hold up no others, though there are more of them
// than pictures are asked for at a time.
func testHang(t *testing.T, browser context.Context) {
	h := hang(t)
	var streams []config.Stream
	for i := range 5 {
		streams = append(streams, stream(t, fmt.Sprintf("dead%d=%s/%d", i, h.URL, i)))
	}
	s := start(t, &Options{Streams: append(streams, stream(t, "door="+liveHLS(t)))})
	b := openTab(t, browser, s, "/", chromedp.EmulateViewport(1280, 1200), light(), remember(2))
	b.await(tileOf("door") + `.querySelector('.picture > img').naturalWidth > 0`)
	until(t, func() bool { return b.count("door/snapshot.jpg") > 3 })
	b.shot("wall")
	b.clean()
}

// testHidden has pages that nobody sees ask for nothing.
func testHidden(t *testing.T, browser context.Context) {
	s := start(t, &Options{Streams: []config.Stream{stream(t, "door="+liveHLS(t))}})
	c := s.streams.Load().list[0]
	wall := openTab(t, browser, s, "/", remember(2))
	live := openTab(t, browser, s, "/streams/door/view", remember(2))
	live.do(chromedp.Click("input[value=live]"))
	until(t, func() bool { return c.watching() == 1 })
	wall.await(`document.querySelector('.picture > img').naturalWidth > 0`)
	wall.hidden(true)
	live.hidden(true)
	until(t, func() bool { return c.watching() == 0 })
	before := wall.count("/s")
	seen := openTab(t, browser, s, "/", remember(2))
	until(t, func() bool { return seen.count("snapshot.jpg") > 2 })
	if n := wall.count("/s") - before; n > 1 { // one may have been under way
		t.Errorf("%d requests of a page that nobody sees", n)
	}
	wall.hidden(false)
	live.hidden(false)
	until(t, func() bool { return wall.count("/s") > before+1 && c.watching() == 1 })
}

// testKeyboard goes from the wall to live keyframes and back without a mouse.
func testKeyboard(t *testing.T, browser context.Context) {
	s := start(t, &Options{Streams: []config.Stream{stream(t, "door="+liveHLS(t)), stream(t, "gate="+liveHLS(t))}})
	b := openTab(t, browser, s, "/", desktop, light())
	focused := func(want string) {
		t.Helper()
		b.do(chromedp.KeyEvent(kb.Tab))
		if got := b.text(`document.activeElement.labels?.[0].innerText || document.activeElement.innerText`); strings.TrimSpace(got) != want {
			t.Errorf("the focus is on %q, want %q", got, want)
		}
		if b.text(`document.activeElement.matches(':focus-visible')`) != "true" {
			t.Errorf("it is not seen to be on %q", want)
		}
	}
	b.await(`document.querySelector('select').options.length > 3`)
	b.do(chromedp.KeyEvent(kb.Tab)) // the interval
	focused("door")
	b.shot("tile")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.await(`document.querySelector('.controls')?.checkVisibility()`)
	focused("Streams")
	focused("Still")
	b.do(chromedp.KeyEvent(kb.ArrowRight))
	b.await(`/^Live/.test(document.querySelector('.picture > img:not([hidden])').alt)`)
	b.shot("choice")
	b.do(chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift)), chromedp.KeyEvent(kb.Enter))
	b.await(`document.querySelectorAll('.tile').length === 2`)
	b.clean()
}

// testStreamsChange has the wall follow the configuration.
func testStreamsChange(t *testing.T, browser context.Context) {
	s := start(t, &Options{})
	b := openTab(t, browser, s, "/", desktop, light())
	b.await(`/No streams/.test(document.body.innerText)`)
	b.shot("none")
	if err := s.Set([]config.Stream{stream(t, "Tür 1="+liveHLS(t))}); err != nil {
		t.Fatal(err)
	}
	b.await(tileOf("Tür 1") + `?.querySelector('.picture > img').naturalWidth > 0`)
	b.do(chromedp.Click(".tile a"))
	b.await(`document.querySelector('.view .picture > img')?.naturalWidth > 0`)
	b.clean()
}

// proxied is a service behind a proxy that serves it below /cams/, unless it is cut off.
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

func testPrefix(t *testing.T, browser context.Context) {
	s, _ := proxied(t, start(t, &Options{Streams: []config.Stream{stream(t, "Front door="+liveHLS(t))}}))
	b := openTab(t, browser, s, "/cams/", desktop)
	b.await(`document.querySelector('.picture > img')?.naturalWidth > 0 && / today/.test(document.querySelector('.facts').innerText)`)
	b.do(chromedp.Click(".tile a"))
	b.await(`document.querySelector('.view .picture > img')?.naturalWidth > 0 && document.querySelectorAll('dd').length > 5`)
	b.do(chromedp.Click("input[value=live]"))
	b.await(`document.querySelector('.state').innerText === 'live'`)
	b.do(chromedp.Click("nav a"))
	b.await(`document.querySelectorAll('.tile').length === 1`)
	b.clean()
}

// testSignedIn has a browser that has asked for name and password use them for all that the
// pages ask for, and shows what this client may see.
func testSignedIn(t *testing.T, browser context.Context) {
	token, hash := credential.NewToken()
	s := start(t, &Options{
		Streams: []config.Stream{stream(t, "door="+liveHLS(t)), stream(t, "gate="+liveHLS(t))},
		Guard:   Guard{Clients: []config.Client{{Name: "anna", Hash: hash, Streams: []string{"door"}}}},
	})
	s.url = strings.Replace(s.url, "http://", "http://anna:"+token+"@", 1)
	b := openTab(t, browser, s, "/", desktop)
	b.await(`document.querySelectorAll('.tile').length === 1 && ` + tileOf("door") + `.querySelector('.picture > img').naturalWidth > 0`)
	b.do(chromedp.Click(".tile a"))
	b.await(`document.querySelectorAll('dd').length > 5`)
	b.do(chromedp.Click("input[value=live]"))
	b.await(`document.querySelector('.state').innerText === 'live' && document.querySelector('.picture > img:not([hidden])').naturalWidth > 0`)
	b.clean()
}

// testWithoutScripts has pictures, those that say why there is none among them, and links.
func testWithoutScripts(t *testing.T, browser context.Context) {
	s := start(t, &Options{Streams: []config.Stream{stream(t, "door="+liveHLS(t)), stream(t, "gate=http://127.0.0.1:1/live.m3u8")}})
	b := openTab(t, browser, s, "/", desktop, light(), noScripts())
	loaded := `[...document.images].every(i => i.complete && i.naturalWidth > 0)`
	b.await(`document.images.length === 3 && ` + loaded)
	b.shot("wall")
	b.do(chromedp.Click(".tile a"))
	b.await(`document.querySelector('.view') && document.images.length === 2 && ` + loaded)
	b.shot("view")
	b.clean()
}

// testNoDecoder says what is missing, on the page and in the pictures.
func testNoDecoder(t *testing.T, browser context.Context) {
	s := start(t, &Options{Streams: []config.Stream{stream(t, "door="+liveHLS(t))}, Decoder: decode.Decoder{Path: "/nonexistent/ffmpeg"}})
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

// testServiceGone says so, and goes on when the service is back.
func testServiceGone(t *testing.T, browser context.Context) {
	s, cut := proxied(t, start(t, &Options{Streams: []config.Stream{stream(t, "door="+liveHLS(t))}}))
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
