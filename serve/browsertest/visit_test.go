package browsertest

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/kfgrab/kfgrab/internal/credential"
	"github.com/kfgrab/kfgrab/serve"
	"github.com/kfgrab/kfgrab/serve/internal/servetest"
)

// testHidden: hidden tabs send no requests.
func testHidden(t *testing.T, browser context.Context) {
	s := start(t, &serve.Options{Streams: []serve.Stream{stream(t, "door="+servetest.LiveHLS(t))}})
	wall := openTab(t, browser, s, "/", remember(2))
	live := openTab(t, browser, s, "/streams/door/view", remember(2))
	live.do(chromedp.Click("input[value=live]"))
	servetest.Until(t, func() bool { return s.report(t, "door").Viewers == 1 })
	wall.await(`document.querySelector('.picture > img').naturalWidth > 0`)
	wall.hidden(true)
	live.hidden(true)
	servetest.Until(t, func() bool { return s.report(t, "door").Viewers == 0 })
	before := wall.count("/s")
	seen := openTab(t, browser, s, "/", remember(2))
	servetest.Until(t, func() bool { return seen.count("snapshot.jpg") > 2 })
	if n := wall.count("/s") - before; n > 1 { // one may have been under way
		t.Errorf("%d requests of a page that nobody sees", n)
	}
	wall.hidden(false)
	live.hidden(false)
	servetest.Until(t, func() bool { return wall.count("/s") > before+1 && s.report(t, "door").Viewers == 1 })
}

// testKeyboard goes from the wall to live keyframes and back without a mouse.
func testKeyboard(t *testing.T, browser context.Context) {
	s := start(t, &serve.Options{Streams: []serve.Stream{stream(t, "door="+servetest.LiveHLS(t)), stream(t, "gate="+servetest.LiveHLS(t))}})
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

// testStreamsChange: the wall follows the configuration.
func testStreamsChange(t *testing.T, browser context.Context) {
	s := start(t, &serve.Options{})
	b := openTab(t, browser, s, "/", desktop, light())
	b.await(`/No streams/.test(document.body.innerText)`)
	b.shot("none")
	if err := s.Set([]serve.Stream{stream(t, "Tür 1="+servetest.LiveHLS(t))}); err != nil {
		t.Fatal(err)
	}
	b.await(tileOf("Tür 1") + `?.querySelector('.picture > img').naturalWidth > 0`)
	b.do(chromedp.Click(".tile a"))
	b.await(`document.querySelector('.view .picture > img')?.naturalWidth > 0`)
	b.clean()
}

func testPrefix(t *testing.T, browser context.Context) {
	s, _ := proxied(t, start(t, &serve.Options{Streams: []serve.Stream{stream(t, "Front door="+servetest.LiveHLS(t))}}))
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

// testSignedIn: after signing in, all requests of the pages use the
// credentials, and show what this client may see.
func testSignedIn(t *testing.T, browser context.Context) {
	token, hash := credential.NewToken()
	s := start(t, &serve.Options{
		Streams: []serve.Stream{stream(t, "door="+servetest.LiveHLS(t)), stream(t, "gate="+servetest.LiveHLS(t))},
		Guard:   serve.Guard{Clients: []serve.Client{{Name: "anna", Hash: hash, Streams: []string{"door"}}}},
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

// testWithoutScripts: without scripts, the pages show pictures, errors among
// them, and links.
func testWithoutScripts(t *testing.T, browser context.Context) {
	s := start(t, &serve.Options{Streams: []serve.Stream{stream(t, "door="+servetest.LiveHLS(t)), stream(t, "gate=http://127.0.0.1:1/live.m3u8")}})
	b := openTab(t, browser, s, "/", desktop, light(), noScripts())
	loaded := `[...document.images].every(i => i.complete && i.naturalWidth > 0)`
	b.await(`document.images.length === 3 && ` + loaded)
	b.shot("wall")
	b.do(chromedp.Click(".tile a"))
	b.await(`document.querySelector('.view') && document.images.length === 2 && ` + loaded)
	b.shot("view")
	b.clean()
}
