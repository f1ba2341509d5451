package hlssource

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestVideoRenditions: in a variant's VIDEO group, the rendition with
// DEFAULT=YES is shown, from its URI if it has one (RFC 8216 4.3.4.1).
func TestVideoRenditions(t *testing.T) {
	const (
		other    = `TYPE=VIDEO,GROUP-ID="low",NAME="side",URI="side.m3u8"`
		main     = `TYPE=VIDEO,GROUP-ID="low",NAME="main",DEFAULT=YES,URI="main.m3u8"`
		within   = `TYPE=VIDEO,GROUP-ID="low",NAME="main",DEFAULT=YES`
		elseways = `TYPE=VIDEO,GROUP-ID="high",NAME="main",DEFAULT=YES,URI="main.m3u8"`
		sound    = `TYPE=AUDIO,GROUP-ID="low",NAME="main",DEFAULT=YES,URI="main.m3u8"`
	)
	const iframes = "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1000,RESOLUTION=640x360,URI=\"iframes.m3u8\"\n"
	tests := []struct {
		name       string
		renditions []string
		attributes string
		more       string
		want       string
	}{
		{"default", []string{other, main}, `,VIDEO="low"`, "", "main.m3u8"},
		{"default in the variant's own", []string{other, within}, `,VIDEO="low"`, "", "own.m3u8"},
		{"no default", []string{other}, `,VIDEO="low"`, "", "own.m3u8"},
		{"another group", []string{elseways}, `,VIDEO="low"`, "", "own.m3u8"},
		{"no group", []string{main}, "", "", "own.m3u8"},
		{"no such group", nil, `,VIDEO="low"`, "", "own.m3u8"},
		{"audio", []string{sound}, `,VIDEO="low"`, "", "own.m3u8"},
		{"I-frames of nobody knows which", []string{main}, `,VIDEO="low"`, iframes, "main.m3u8"},
	}
	made := directory(t, testmedia.Make(t, "hls-ts"))
	for _, tt := range tests {
		list := "#EXTM3U\n"
		for _, r := range tt.renditions {
			list += "#EXT-X-MEDIA:" + r + "\n"
		}
		files := map[string]string{
			"master.m3u8": list + tt.more + "#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360" + tt.attributes + "\nown.m3u8\n",
			"own.m3u8":    live, "main.m3u8": live, "side.m3u8": live, "seg2.ts": made["seg2.ts"],
		}
		web := newSite(t, files)
		s := source(t, web.URL+"/master.m3u8", nil, nil)
		mustGrab(t, s)
		if got := names(web.took()); got != "master.m3u8 "+tt.want+" seg2.ts" {
			t.Errorf("%s: asked for %q, want %s", tt.name, got, tt.want)
		}
		mustGrab(t, s)
		if got := names(web.took()); got != tt.want+" seg2.ts" {
			t.Errorf("%s: then asked for %q, want %s", tt.name, got, tt.want)
		}
	}
}

// TestVariables: the media playlist imports variables from the master playlist,
// which takes its own from the address after redirects (EXT-X-DEFINE,
// draft-pantos-hls-rfc8216bis 4.4.2.3).
func TestVariables(t *testing.T) {
	made := directory(t, testmedia.Make(t, "hls-ts"))
	web := newSite(t, map[string]string{
		"cdn/master.m3u8": "#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM=\"token\"\n#EXT-X-DEFINE:NAME=\"dir\",VALUE=\"x/y\"\n" +
			"#EXT-X-STREAM-INF:BANDWIDTH=800000\n{$dir}/live.m3u8?t={$token}\n",
		"cdn/x/y/live.m3u8":      "#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"token\"\n#EXT-X-DEFINE:QUERYPARAM=\"t\"\n#EXTINF:2,\nseg-{$token}-{$t}.ts\n",
		"cdn/x/y/seg-abc-abc.ts": made["seg0.ts"],
	})
	web.answers["master.m3u8"] = http.RedirectHandler("/cdn/master.m3u8?token=abc", http.StatusFound).ServeHTTP
	s := source(t, web.URL+"/master.m3u8", nil, nil)
	for range 2 {
		mustGrab(t, s)
	}
	want := "master.m3u8 cdn/master.m3u8 cdn/x/y/live.m3u8 cdn/x/y/seg-abc-abc.ts cdn/x/y/live.m3u8 cdn/x/y/seg-abc-abc.ts"
	if got := names(web.took()); got != want {
		t.Errorf("asked for %q, want %q", got, want)
	}
}

// TestDiscontinuity: the segment before a discontinuity has its own
// initialisation section, and the section after the discontinuity is not used
// for it.
func TestDiscontinuity(t *testing.T) {
	files := map[string]string{}
	for prefix, name := range map[string]string{"a-": "hls-fmp4", "b-": "hls-h265"} {
		for file, data := range directory(t, testmedia.Make(t, name)) {
			files[prefix+file] = data
		}
	}
	files["index.m3u8"] = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n" +
		"#EXT-X-MAP:URI=\"a-init.mp4\"\n#EXTINF:2,\na-seg5.m4s\n" +
		"#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"b-init.mp4\"\n#EXTINF:2,\nb-seg0.m4s\n"
	web := newSite(t, files)
	s := source(t, web.URL+"/index.m3u8", nil, nil)
	want := func(codec keyframe.Codec, asked string) {
		t.Helper()
		f := mustGrab(t, s)
		if got := names(web.took()); got != asked || f.Codec != codec {
			t.Errorf("%v, asked for %q, want %v of %q", f.Codec, got, codec, asked)
		}
		if n := len(testmedia.Hashes(t, f.Data, "-f", codec.String())); n != 1 {
			t.Errorf("%d pictures are decoded, want 1", n)
		}
	}
	want(keyframe.H265, "index.m3u8 b-init.mp4 b-seg0.m4s")
	web.answers["b-seg0.m4s"] = http.NotFound
	want(keyframe.H264, "index.m3u8 b-seg0.m4s a-init.mp4 a-seg5.m4s")
	delete(web.answers, "b-seg0.m4s")
	want(keyframe.H265, "index.m3u8 b-init.mp4 b-seg0.m4s")
}

// TestTwoHosts: a playlist on one host leads to segments on another, with
// redirects of both. The user's headers go to the stream's own host unless they
// are wanted everywhere. The credentials in the URL only ever go to their own
// host. Cookies go back to where they came from.
func TestTwoHosts(t *testing.T) {
	made := directory(t, testmedia.Make(t, "hls-ts"))
	for _, everywhere := range []bool{false, true} {
		var told []string
		note := func(where string, next http.HandlerFunc) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				user, password, _ := r.BasicAuth()
				told = append(told, strings.Join([]string{where + r.URL.RequestURI(), user + password, r.Header.Get("Referer"), r.Header.Get("Origin"), r.Header.Get("Cookie")}, "|"))
				http.SetCookie(w, &http.Cookie{Name: where, Value: "1", Path: "/"})
				next(w, r)
			}
		}
		send := func(data string) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(data)) }
		}
		away, home := newSite(t, nil), newSite(t, nil)
		abroad := strings.Replace(away.URL, "127.0.0.1", "localhost", 1)
		home.answers["live.m3u8"] = note("home", http.RedirectHandler("/t/live.m3u8?token=1", http.StatusFound).ServeHTTP)
		home.answers["t/live.m3u8"] = note("home", send("#EXTM3U\n#EXTINF:2,\nseg.ts?token=2\n"))
		home.answers["t/seg.ts"] = note("home", http.RedirectHandler(abroad+"/seg.ts?token=3", http.StatusTemporaryRedirect).ServeHTTP)
		away.answers["seg.ts"] = note("away", send(made["seg0.ts"]))

		u, _ := url.Parse(home.URL)
		u.User = url.UserPassword("u", "p")
		mustGrab(t, source(t, u.String()+"/live.m3u8", nil, &fetch.Options{
			HeadersEverywhere: everywhere,
			Header:            http.Header{"Referer": {"r"}, "Origin": {"o"}},
		}))
		want := []string{
			"home/live.m3u8|up|r|o|", "home/t/live.m3u8?token=1|up|r|o|home=1",
			"home/t/seg.ts?token=2|up|r|o|home=1", "away/seg.ts?token=3||||",
		}
		if everywhere {
			want[3] = "away/seg.ts?token=3||r|o|"
		}
		if strings.Join(told, "\n") != strings.Join(want, "\n") {
			t.Errorf("everywhere %t: got\n%s\nwant\n%s", everywhere, strings.Join(told, "\n"), strings.Join(want, "\n"))
		}
	}
}
