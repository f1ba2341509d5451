package hlssource

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
)

// TestNginxEncryptedParts: a partial segment is encrypted like a segment, from
// its beginning and with its own padding, whether it is a file or a byte range
// (draft-pantos-hls-rfc8216bis 4.4.4.4, 6.2.3). Without an IV attribute, the IV
// is the number of its parent segment.
func TestNginxEncryptedParts(t *testing.T) {
	const sequence = 41 // of the parent segment
	for _, container := range []struct{ recipe, ending, section string }{{"hls-ts", "ts", ""}, {"hls-fmp4", "m4s", "#EXT-X-MAP:URI=\"init.mp4\"\n"}} {
		files := directory(t, testmedia.Make(t, container.recipe))
		name := func(n int) string { return fmt.Sprintf("seg%d.%s", n, container.ending) }
		newest := whole(t, files, &list(t, files, "index.m3u8").Segments[2])
		want := testmedia.Hashes(t, newest)[0]
		for iv, number := range map[string][16]byte{"," + ivText: testIV, "": sequenceIV(sequence)} {
			parts := []string{string(seal([]byte(files[name(1)]), testKey, number)), string(seal([]byte(files[name(2)]), testKey, number))}
			for _, ranged := range []bool{false, true} {
				for _, ended := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s, IV %q, ranges %v, ended %v", container.recipe, iv, ranged, ended), func(t *testing.T) {
						dir := t.TempDir()
						for name, data := range map[string]string{
							"key": string(testKey), "init.mp4": files["init.mp4"], name(0): files[name(0)],
							"part0": parts[0], "part1": parts[1], "parts": "before" + parts[0] + parts[1] + "behind",
						} {
							write(t, filepath.Join(dir, name), data)
						}
						write(t, filepath.Join(dir, "live.m3u8"), lowLatencyUnder(sequence, iv, container.section, name(0), parts, ranged, ended))
						s := source(t, testserver.Nginx(t, dir)+"/live.m3u8", nil, nil)
						for range 2 {
							f := mustGrab(t, s)
							if got := testmedia.Hashes(t, f.Data, "-f", "h264"); len(got) != 1 || got[0] != want {
								t.Errorf("pictures %q, want %s", got, want)
							}
						}
					})
				}
			}
		}
	}
}

// TestPartsOfOneCipher: parts are byte ranges of a segment that is encrypted
// from end to end, which the draft does not provide for. A transport stream
// loses a packet and goes on. For fMP4, the newest segment serves.
func TestPartsOfOneCipher(t *testing.T) {
	for _, tt := range []struct {
		recipe, name, section string
		picture               int // index in the segment
	}{
		{"hls-ts", "seg2.ts", "", 25},
		{"hls-fmp4", "seg2.m4s", "#EXT-X-MAP:URI=\"init.mp4\"\n", 0},
	} {
		files := directory(t, testmedia.Make(t, tt.recipe))
		want := testmedia.Hashes(t, whole(t, files, &list(t, files, "index.m3u8").Segments[2]))[tt.picture]
		sealed := string(seal([]byte(files[tt.name]), testKey, testIV))
		for _, cut := range []int{188 * 100, 188*100 + 16*10} {
			list := lowLatencyUnder(41, ","+ivText, tt.section, "seg1", []string{sealed[:cut], sealed[cut:]}, true, true)
			web := newSite(t, map[string]string{
				"live.m3u8": strings.Replace(list, "missing", tt.name, 1),
				"parts":     "before" + sealed, tt.name: sealed, "init.mp4": files["init.mp4"], "key": string(testKey),
			})
			f := mustGrab(t, source(t, web.URL+"/live.m3u8", nil, nil))
			if got := testmedia.Hashes(t, f.Data, "-f", "h264"); len(got) != 1 || got[0] != want {
				t.Errorf("%s cut at %d: pictures %q, want %s", tt.name, cut, got, want)
			}
		}
	}
}

// lowLatencyUnder lists a segment in the clear and after it two parts under a
// key, as files or as ranges. If ended, they are parts of a whole segment that
// is missing.
func lowLatencyUnder(sequence int, iv, section, first string, parts []string, ranged, ended bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=2\n#EXT-X-MEDIA-SEQUENCE:%d\n%s", sequence-1, section)
	fmt.Fprintf(&b, "#EXTINF:2,\n%s\n#EXT-X-KEY:METHOD=AES-128,URI=\"key\"%s\n", first, iv)
	for i, data := range parts {
		uri := fmt.Sprintf("URI=\"part%d\"", i)
		switch {
		case ranged && i == 0:
			uri = fmt.Sprintf("URI=\"parts\",BYTERANGE=\"%d@%d\"", len(data), len("before"))
		case ranged:
			uri = fmt.Sprintf("URI=\"parts\",BYTERANGE=\"%d\"", len(data))
		}
		fmt.Fprintf(&b, "#EXT-X-PART:DURATION=2,INDEPENDENT=YES,%s\n", uri)
	}
	if ended {
		b.WriteString("#EXTINF:4,\nmissing\n")
	}
	return b.String()
}
