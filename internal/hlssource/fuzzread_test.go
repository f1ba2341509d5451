package hlssource

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// FuzzKeyframe: whatever a server sends, the result is a keyframe or a
// classified error, and every request is for an address in a playlist.
func FuzzKeyframe(f *testing.F) {
	stream := string(read(f, testmedia.Make(f, "tiny.ts")))
	movie := directory(f, testmedia.Make(f, "hls-tiny-fmp4"))
	seed := func(playlist, first, second string) { f.Add(playlist, first, second, uint16(0)) }
	f.Add("#EXTM3U\n#EXT-X-ENDLIST\n#EXTINF:1,\na\n#EXTINF:1,\nb\n", stream, stream, uint16(1500))
	seed(live, stream, "")
	seed("#EXTM3U\n#EXTINF:1,\na\n#EXTINF:1,\nb\n", "<html>", stream)
	seed("#EXTM3U\n#EXT-X-MAP:URI=\"a\"\n#EXTINF:1,\nb\n", movie["init.mp4"], movie["seg0.m4s"])
	seed("#EXTM3U\n#EXT-X-MAP:URI=\"a\",BYTERANGE=\"9@2\"\n#EXTINF:1,\n#EXT-X-BYTERANGE:99@7\nb\n", movie["init.mp4"], movie["seg0.m4s"])
	seed("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n", "#EXTM3U\n#EXTINF:1,\nb\n", stream)
	seed("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n#EXT-X-DEFINE:NAME=\"x\",VALUE=\"b\"\n", "#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"x\"\n#EXTINF:1,\n{$x}\n", stream)

	files := map[string]string{}
	web := newSite(f, files)
	base, err := url.Parse(web.URL + "/index.m3u8")
	if err != nil {
		f.Fatal(err)
	}
	client := fetch.New(base, &fetch.Options{MaxBytes: 1 << 20})
	f.Cleanup(client.Close)
	f.Fuzz(func(t *testing.T, playlist, first, second string, at uint16) {
		clear(files)
		files["index.m3u8"], files["a"], files["b"] = playlist, first, second
		allowed := map[string]bool{"index.m3u8": true}
		master, here := named(allowed, playlist, base, nil)
		if master != nil {
			_, a := named(allowed, first, base, master)
			_, b := named(allowed, second, base, master)
			here = here && a && b
		}
		if !here {
			t.Skip("leads to another server")
		}
		client.StartJob()
		s := New(client, base, &Options{At: time.Duration(at) * time.Millisecond})
		frame, err := s.Keyframe(context.Background())
		var status *fetch.StatusError
		var transfer *fetch.Error
		switch {
		case (frame == nil) == (err == nil):
			t.Errorf("frame %v, error %v", frame != nil, err)
		case err == nil && (len(frame.Data) == 0 || frame.Codec == keyframe.UnknownCodec):
			t.Errorf("an empty frame of %v", frame.Codec)
		case err != nil && !errors.Is(err, keyframe.ErrNotFound) && !errors.Is(err, keyframe.ErrCorrupt) &&
			!errors.Is(err, keyframe.ErrUnsupported) && !errors.As(err, &status) && !errors.As(err, &transfer):
			t.Errorf("an error of no kind: %v", err)
		case err != nil && (strings.Contains(err.Error(), "\n") || len(err.Error()) > 2000):
			t.Errorf("bad text %q", err)
		}
		for _, asked := range web.took() {
			if name, _, _ := strings.Cut(asked, " "); !allowed[name] {
				t.Errorf("%q asked for, which no playlist names", name)
			}
		}
	})
}

// named adds the addresses in a playlist. here is false if one of them is on
// another server.
func named(allowed map[string]bool, text string, base *url.URL, parent *hls.Master) (master *hls.Master, here bool) {
	p, err := hls.Parse([]byte(text), base, parent)
	if err != nil {
		return nil, true
	}
	var list []hls.URI
	if p.Master != nil {
		for _, v := range p.Master.Variants {
			list = append(list, v.URI)
		}
	} else {
		for _, s := range p.Media.Segments {
			list = append(list, s.URI)
			if s.Map != nil {
				list = append(list, s.Map.URI)
			}
		}
	}
	for _, uri := range list {
		u, err := uri.Resolve()
		switch {
		case err != nil:
		case u.Host != base.Host:
			return nil, false
		default:
			allowed[strings.TrimPrefix(u.Path, "/")] = true
		}
	}
	return p.Master, true
}
