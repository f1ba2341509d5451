package hlssource

import (
	"fmt"
	"strings"
	"testing"
)

// TestReceiveAfterGrab: what reads every picture, or looks for times, does not go on
// in the I-frame or image playlist that an earlier grab read.
func TestReceiveAfterGrab(t *testing.T) {
	files := tiledFiles(t)
	end := tsEnd(t, []byte(files["seg2.ts"]))
	files["iframes.m3u8"] = fmt.Sprintf("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-I-FRAMES-ONLY\n#EXTINF:2,\n#EXT-X-BYTERANGE:%d@0\nseg2.ts\n", end)
	files["iframed.m3u8"] = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,CODECS=\"avc1.64001e\"\nlive.m3u8\n" +
		"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9000,RESOLUTION=640x360,CODECS=\"avc1.64001e\",URI=\"iframes.m3u8\"\n"
	tests := []struct {
		name, master string
		options      *Options
		first        string
	}{
		{"I-frames", "iframed.m3u8", &Options{}, "iframes.m3u8"},
		{"tiles", "master.m3u8", allowed(160), "tiles.m3u8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			web := newSite(t, files)
			s := source(t, web.URL+"/"+tt.master, tt.options, nil)
			mustGrab(t, s)
			if got := names(web.took()); !strings.Contains(got, tt.first) {
				t.Fatalf("asked for %q", got)
			}
			all, err := follow(t, s, 20)
			if len(all) < 20 || !strings.Contains(names(web.took()), "live.m3u8") {
				t.Fatal(len(all), err)
			}
			for i, f := range all[:20] {
				if f.Codec.String() != "h264" || (i > 0 && f.AfterGap) {
					t.Fatalf("picture %d: %v, after a gap: %v", i, f.Codec, f.AfterGap)
				}
			}

			s = source(t, web.URL+"/"+tt.master, tt.options, nil)
			mustGrab(t, s)
			if _, err := s.Timeline(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
