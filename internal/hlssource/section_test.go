package hlssource

import (
	"encoding/binary"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestSectionKept: the EXT-X-MAP resource is fetched once, as long as it stays
// the same and the stream continues.
func TestSectionKept(t *testing.T) {
	for _, name := range []string{"hls-fmp4", "hls-fmp4-byterange"} {
		t.Run(name, func(t *testing.T) {
			files := directory(t, testmedia.Make(t, name))
			web := newSite(t, files)
			s := source(t, web.URL+"/index.m3u8", nil, nil)
			cold := mustGrab(t, s)
			asked := web.took()
			if len(asked) != 4 {
				t.Errorf("the first grab asked for %q, want a playlist, a section and two ranges", asked)
			}
			if again := mustGrab(t, s); string(again.Data) != string(cold.Data) {
				t.Error("another picture the second time")
			}
			if got := web.took(); len(got) != 3 || got[1] != asked[2] || got[2] != asked[3] {
				t.Errorf("the second grab asked for %q, want a playlist and two ranges", got)
			}
		})
	}
}

// TestSectionChanges: after a discontinuity with another codec, or a restart of
// the encoder with new parameter sets under the same name, the section is
// fetched anew.
func TestSectionChanges(t *testing.T) {
	files := map[string]string{}
	for prefix, name := range map[string]string{"a-": "hls-fmp4", "b-": "hls-h265"} {
		for file, data := range directory(t, testmedia.Make(t, name)) {
			files[prefix+file] = data
		}
	}
	const head = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:5\n"
	const first = "#EXT-X-MAP:URI=\"a-init.mp4\"\n#EXTINF:2,\na-seg5.m4s\n"
	const then = first + "#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"b-init.mp4\"\n#EXTINF:2,\nb-seg0.m4s\n"
	web := newSite(t, files)
	files["index.m3u8"] = head + first
	s := source(t, web.URL+"/index.m3u8", nil, nil)
	want := func(asked string, codec keyframe.Codec) {
		t.Helper()
		if f := mustGrab(t, s); f.Codec != codec {
			t.Errorf("%v, want %v", f.Codec, codec)
		}
		if got := names(web.took()); got != asked {
			t.Errorf("asked for %q, want %q", got, asked)
		}
	}
	want("index.m3u8 a-init.mp4 a-seg5.m4s", keyframe.H264)
	files["index.m3u8"] = head + then
	want("index.m3u8 b-init.mp4 b-seg0.m4s", keyframe.H265)
	want("index.m3u8 b-seg0.m4s", keyframe.H265)

	files["b-init.mp4"], files["b-seg0.m4s"] = files["a-init.mp4"], files["a-seg0.m4s"]
	files["index.m3u8"] = strings.Replace(head+then, "SEQUENCE:5", "SEQUENCE:0", 1)
	want("index.m3u8 b-init.mp4 b-seg0.m4s", keyframe.H264)
}

// TestSectionOfTransportStream: the section has PAT and PMT (RFC 8216 3.2), so
// that segments do not need them.
func TestSectionOfTransportStream(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-ts"))
	var tables, rest strings.Builder
	for data := files["seg0.ts"]; data != ""; data = data[188:] {
		if pid := binary.BigEndian.Uint16([]byte(data[1:])) & 0x1fff; pid == 0 || pid == 0x1000 {
			tables.WriteString(data[:188])
		} else {
			rest.WriteString(data[:188])
		}
	}
	want := firstPTS(t, files["seg0.ts"])
	files["tables.ts"], files["rest.ts"] = tables.String()[:2*188], rest.String()
	files["index.m3u8"] = "#EXTM3U\n#EXT-X-MAP:URI=\"tables.ts\"\n#EXTINF:2,\nrest.ts\n"
	web := newSite(t, files)
	s := source(t, web.URL+"/index.m3u8", nil, nil)
	for range 2 {
		if f := mustGrab(t, s); f.PTS != want {
			t.Errorf("PTS %v, want %v", f.PTS, want)
		}
	}
	if got := names(web.took()); got != "index.m3u8 tables.ts rest.ts index.m3u8 rest.ts" {
		t.Errorf("asked for %q", got)
	}
}

// TestSectionWithMedia: of a file that has media after its moov box, no more than a
// range is read, and nothing else of it if the moov box is longer than that.
func TestSectionWithMedia(t *testing.T) {
	made := directory(t, testmedia.Make(t, "hls-fmp4"))
	init := made["init.mp4"]
	free := "\x00\x00\x40\x00free" + strings.Repeat("\x00", 16<<10-8)
	for name, section := range map[string]string{
		"media after it":           init + strings.Repeat(made["seg0.m4s"], 3),
		"media in one box":         init + "\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x02\x00\x10" + strings.Repeat("x", 2<<16),
		"filling before the movie": init[:binary.BigEndian.Uint32([]byte(init))] + free + init[binary.BigEndian.Uint32([]byte(init)):] + made["seg0.m4s"],
		"media to the file's end":  init + "\x00\x00\x00\x00mdat" + strings.Repeat("x", 2<<20),
		"no more than the movie":   init,
	} {
		web := newSite(t, map[string]string{
			"index.m3u8": "#EXTM3U\n#EXT-X-MAP:URI=\"all.mp4\"\n#EXTINF:2,\nseg0.m4s\n",
			"all.mp4":    section, "seg0.m4s": made["seg0.m4s"],
		})
		mustGrab(t, source(t, web.URL+"/index.m3u8", nil, nil))
		if last, times := farthest(t, web.took(), "all.mp4"); last > 24<<10 || times > 5 {
			t.Errorf("%s: read up to %d in %d ranges", name, last, times)
		}
	}
}

func TestSectionFaults(t *testing.T) {
	made := directory(t, testmedia.Make(t, "hls-fmp4"))
	sound := directory(t, testmedia.Make(t, "hls-audio-fmp4"))
	const playlist = "#EXTM3U\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:2,\nseg0.m4s\n"
	tests := []struct {
		name, playlist, section string
		answer                  http.HandlerFunc
		kind                    error
		text                    string
	}{
		{"missing", playlist, "", http.NotFound, &fetch.StatusError{}, "initialisation section: "},
		{"empty", playlist, "", nil, keyframe.ErrCorrupt, "initialisation section: "},
		{"HTML", playlist, "<html>no</html>", nil, keyframe.ErrCorrupt, "initialisation section: "},
		{"cut", playlist, made["init.mp4"][:700], nil, keyframe.ErrCorrupt, "cut short"},
		{"audio only", playlist, sound["init.mp4"], nil, keyframe.ErrNotFound, "audio"},
		{"too large", playlist, strings.Repeat("x", maxSection+1), nil, keyframe.ErrUnsupported, "too large"},
		{"part too large", strings.Replace(playlist, `mp4"`, `mp4",BYTERANGE="2000000@0"`, 1), "x", nil, keyframe.ErrUnsupported, "2000000 bytes"},
		{"none", strings.Replace(playlist, "#EXT-X-MAP", "#EXT-X-NOTHING", 1), "", nil, keyframe.ErrCorrupt, "without its init segment"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			web := newSite(t, map[string]string{"index.m3u8": tt.playlist, "init.mp4": tt.section, "seg0.m4s": made["seg0.m4s"]})
			if tt.answer != nil {
				web.answers["init.mp4"] = tt.answer
			}
			_, err := try(t, source(t, web.URL+"/index.m3u8", nil, nil))
			var status *fetch.StatusError
			if errors.As(tt.kind, &status) && !errors.As(err, &status) || status == nil && !errors.Is(err, tt.kind) {
				t.Fatalf("%v, want %T", err, tt.kind)
			}
			if !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%q, want %q in it", err, tt.text)
			}
		})
	}
}
