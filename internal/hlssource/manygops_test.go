package hlssource

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// TestIFramesOfManyGOPs: Shaka Packager lists one I-frame for each fMP4 segment, of
// however many GOPs, with the index of all of them in its range. A time after the
// second one gets the keyframe that the rendition itself has for it.
func TestIFramesOfManyGOPs(t *testing.T) {
	for _, recipe := range []string{"hls-fmp4", "hls-h265"} {
		files := directory(t, testmedia.Make(t, recipe))
		iframes := "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-I-FRAMES-ONLY\n#EXT-X-MAP:URI=\"init.mp4\"\n"
		media := list(t, files, "index.m3u8")
		for i := range media.Segments {
			seg := &media.Segments[i]
			data := whole(t, files, seg)
			f, err := fmp4.NewMovie(bytes.NewReader(data), int64(len(data)), nil).Keyframe()
			if err != nil {
				t.Fatal(err)
			}
			segment := []byte(files[seg.URI.Text])
			iframes += fmt.Sprintf("#EXTINF:2,\n#EXT-X-BYTERANGE:%d@0\n%s\n", mp4End(t, segment, f), seg.URI.Text)
		}
		files["iframes.m3u8"] = iframes + "#EXT-X-ENDLIST\n"
		files["master.m3u8"] = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360\nindex.m3u8\n" +
			"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9000,RESOLUTION=640x360,URI=\"iframes.m3u8\"\n"
		web := newSite(t, files)

		for _, at := range []time.Duration{0, 500 * time.Millisecond, time.Second, 1500 * time.Millisecond, 2 * time.Second, 3200 * time.Millisecond, 5 * time.Second} {
			want := mustGrab(t, source(t, web.URL+"/index.m3u8", &Options{At: at}, nil))
			web.took()
			got := mustGrab(t, source(t, web.URL+"/master.m3u8", &Options{At: at}, nil))
			if got.PTS != want.PTS {
				t.Errorf("%s at %v: the picture of %v, want that of %v", recipe, at, got.PTS, want.PTS)
			}
			second := at%(2*time.Second) >= time.Second
			if turned := strings.Contains(names(web.took()), "index.m3u8"); turned != second {
				t.Errorf("%s at %v: the rendition itself was read: %v", recipe, at, turned)
			}
		}
	}
}
