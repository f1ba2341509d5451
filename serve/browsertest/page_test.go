package browsertest

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kfgrab/kfgrab/serve"
	"github.com/kfgrab/kfgrab/serve/internal/servetest"
)

// TestPages shows the pages in a browser and does what people do with them.
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

// scene makes a stream of one picture, drawn by ffmpeg.
func scene(t *testing.T, name, source string) serve.Stream {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scene.mp4")
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", "1", "-pix_fmt", "yuv420p", "-c:v", "libx264", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return stream(t, name+"="+path)
}

// testScreens looks at both pages, light and dark, on a desktop and a phone.
func testScreens(t *testing.T, browser context.Context) {
	s := start(t, &serve.Options{Streams: []serve.Stream{
		stream(t, "Front door="+servetest.LiveHLS(t)),
		scene(t, "Car park", "mandelbrot=size=1280x720"),
		scene(t, "Lobby", "gradients=size=1920x1080:c0=navy:c1=teal:c2=gold:n=3:x0=0:y0=0:x1=1920:y1=1080"),
		stream(t, "Gate=http://user:geheim@127.0.0.1:1/live.m3u8?token=geheim"),
		scene(t, "Hall", "sierpinski=size=640x480:seed=5"),
		scene(t, "Roof_of_the_northern_building", "smptehdbars=size=640x360"),
	}})
	for _, screen := range []struct {
		name  string
		setup []chromedp.Action[chromedp.Void]
		page  string // background colour of the page
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

// accessible fails if something has no name for screen readers, or a control is
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

// colours evaluates to some pixels of the picture shown, to distinguish it from
// others.
const colours = `(() => {
	const img = document.querySelector('.picture > img:not([hidden])');
	const canvas = document.createElement('canvas');
	canvas.width = canvas.height = 16;
	const context = canvas.getContext('2d');
	context.drawImage(img, 0, 0, 16, 16);
	return [...context.getImageData(0, 0, 16, 16).data].join();
})()`

// drawnColours reports whether colours are those of a placeholder.
const drawnColours = `(c) => c.split(',').slice(0, 3).every((v, i) => Math.abs(v - [0x30, 0x34, 0x3c][i]) < 6)`

// testView refreshes a still and watches live keyframes, which end after that.
func testView(t *testing.T, browser context.Context) {
	s := start(t, &serve.Options{Streams: []serve.Stream{stream(t, "door="+servetest.LiveHLS(t)), scene(t, "tall", "testsrc=size=360x640")}})
	tall := openTab(t, browser, s, "/streams/tall/view", desktop)
	tall.await(`document.getElementById('stage').clientWidth * 16 / 9 - document.getElementById('stage').clientHeight < 2`)
	tall.shot("tall")
	b := openTab(t, browser, s, "/streams/door/view", desktop, remember(0))
	b.await(`document.querySelector('.picture > img').naturalWidth > 0`)
	first := b.text(colours)
	servetest.Until(t, func() bool { return s.report(t, "door").Picture.Age > 2 }) // a segment is two seconds
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
	servetest.Until(t, func() bool { return s.report(t, "door").Viewers == 0 })
	b.await(`document.getElementById('refresh').checkVisibility()`)
	b.clean()
}

// testVideo plays an HLS stream if the browser can, and none with a secret.
func testVideo(t *testing.T, browser context.Context) {
	source := servetest.LiveHLS(t)
	secret := stream(t, "secret="+source+"?token=geheim")
	header := stream(t, "header="+source)
	header.Options.Header = http.Header{"Authorization": {"geheim"}}
	s := start(t, &serve.Options{Streams: []serve.Stream{stream(t, "door="+source), secret, header}})
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
