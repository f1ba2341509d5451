package kfgrab_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// TestPlaylistCountedInCharacters: a playlist at an address that does not look like
// one is read whole, though a server made by program answers the range with sizes in
// characters (PHP's mb_strlen).
func TestPlaylistCountedInCharacters(t *testing.T) {
	segment := read(t, testmedia.Make(t, "h264.ts"))
	name := strings.Repeat("ж", 900)
	master := "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"" + name + "\"\n#EXT-X-STREAM-INF:BANDWIDTH=1280000,AUDIO=\"a\"\nplay?id=2\n"
	media := "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nplay?id=3\n#EXT-X-ENDLIST\n"
	for _, sized := range []bool{true, false} {
		t.Run(fmt.Sprintf("Content-Length %v", sized), func(t *testing.T) {
			server := serve(t, "", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				text := map[string]string{"1": master, "2": media, "3": string(segment)}[r.URL.Query().Get("id")]
				if r.Header.Get("Range") == "" || text != master {
					w.Write([]byte(text))
					return
				}
				count := len([]rune(text))
				w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", count-1, count))
				if sized {
					text = text[:count]
				}
				w.WriteHeader(http.StatusPartialContent)
				w.(http.Flusher).Flush()
				w.Write([]byte(text))
			}))
			grab(t, server.URL+"/play?id=1", nil)
		})
	}
}
