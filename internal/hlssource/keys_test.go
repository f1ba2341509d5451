package hlssource

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

var (
	testKey  = []byte("0123456789abcdef")
	otherKey = []byte("fedcba9876543210")
	testIV   = [16]byte{1, 2, 3}
	ivText   = "IV=0x" + hex.EncodeToString(testIV[:])
)

func sequenceIV(n int64) (iv [16]byte) {
	binary.BigEndian.PutUint64(iv[8:], uint64(n))
	return iv
}

// sealSegments encrypts the media segments of files. Their IVs are their
// numbers, beginning with first.
func sealSegments(files map[string]string, first int64) map[string]string {
	out := maps.Clone(files)
	for name, data := range files {
		var n int64
		if _, err := fmt.Sscanf(name, "seg%d.", &n); err == nil {
			out[name] = string(seal([]byte(data), testKey, sequenceIV(first+n)))
		}
	}
	return out
}

// TestEncrypted: the picture equals that of the stream in the clear, the ranges
// differ by a few bytes at most, and the key is fetched once.
func TestEncrypted(t *testing.T) {
	for _, name := range []string{"hls-ts", "hls-fmp4", "hls-1080p-fmp4", "hls-h265"} {
		plain := directory(t, testmedia.Make(t, name))
		files := sealSegments(plain, 0)
		files["key"] = string(testKey)
		files["index.m3u8"] = strings.Replace(plain["index.m3u8"], "#EXTINF", "#EXT-X-KEY:METHOD=AES-128,URI=\"key\"\n#EXTINF", 1)
		ext := map[bool]string{true: "m4s", false: "ts"}[name != "hls-ts"]
		for _, o := range []*Options{nil, {Edge: hls.EdgeLast}, {At: 2500e6}} {
			clear, sealed := newSite(t, plain), newSite(t, files)
			from, to := source(t, clear.URL+"/index.m3u8", o, nil), source(t, sealed.URL+"/index.m3u8", o, nil)
			for _, pass := range []string{"cold", "again"} {
				want, got := mustGrab(t, from), mustGrab(t, to)
				if !bytes.Equal(got.Data, want.Data) || got.PTS != want.PTS {
					t.Errorf("%s, %+v, %s: another picture", name, o, pass)
				}
				asked := sealed.took()
				if keys := strings.Count(strings.Join(asked, " "), "key"); keys != map[string]int{"cold": 1, "again": 0}[pass] {
					t.Errorf("%s, %+v, %s: %d requests for the key", name, o, pass, keys)
				}
				last, times := farthest(t, clear.took(), "seg0."+ext)
				sealedLast, sealedTimes := farthest(t, asked, "seg0."+ext)
				if sealedLast > last+64 || sealedTimes != times {
					t.Errorf("%s, %+v, %s: %d ranges up to %d, in the clear %d up to %d", name, o, pass, sealedTimes, sealedLast, times, last)
				}
			}
		}
	}
}

// TestKeys: each segment gets the key and the IV that apply to it.
func TestKeys(t *testing.T) {
	plain := directory(t, testmedia.Make(t, "hls-ts"))
	want := plain["seg2.ts"]
	sealed := func(key []byte, iv [16]byte) string { return string(seal([]byte(want), key, iv)) }
	const tail = "#EXTINF:2,\nseg2.ts\n"
	data := base64.StdEncoding.EncodeToString(testKey)
	tests := []struct {
		name, playlist, segment string
		keys                    string // requested
	}{
		{"explicit IV", "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"," + ivText + "\n" + tail, sealed(testKey, testIV), "k"},
		{"IV is the number", "#EXT-X-MEDIA-SEQUENCE:77\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n" + tail, sealed(testKey, sequenceIV(77)), "k"},
		{"a key with the end of its line", "#EXT-X-KEY:METHOD=AES-128,URI=\"line\"," + ivText + "\n" + tail, sealed(testKey, testIV), "line"},
		{"a key with an end as Windows has it", "#EXT-X-KEY:METHOD=AES-128,URI=\"crlf\"," + ivText + "\n" + tail, sealed(testKey, testIV), "crlf"},
		{"number of a later segment", "#EXT-X-MEDIA-SEQUENCE:300\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:2,\nseg1.ts\n" + tail, sealed(testKey, sequenceIV(301)), "k"},
		{"rotation", "#EXT-X-KEY:METHOD=AES-128,URI=\"other\"\n#EXTINF:2,\nseg1.ts\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"," + ivText + "\n" + tail, sealed(testKey, testIV), "k"},
		{"one of several", "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://a\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",KEYFORMAT=\"identity\"," + ivText + "\n#EXT-X-KEY:METHOD=AES-128,URI=\"w\",KEYFORMAT=\"com.widevine\"\n" + tail, sealed(testKey, testIV), "k"},
		{"in the playlist", "#EXT-X-KEY:METHOD=AES-128,URI=\"data:application/octet-stream;base64," + data + "\"," + ivText + "\n" + tail, sealed(testKey, testIV), ""},
		{"in the playlist without padding", "#EXT-X-KEY:METHOD=AES-128,URI=\"DATA:;base64," + strings.TrimRight(data, "=") + "\"," + ivText + "\n" + tail, sealed(testKey, testIV), ""},
		{"in the playlist as text", "#EXT-X-KEY:METHOD=AES-128,URI=\"data:,01234567%389abcdef\"," + ivText + "\n" + tail, sealed(testKey, testIV), ""},
		{"a byte range", "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"," + ivText + "\n#EXT-X-BYTERANGE:" + fmt.Sprint(len(sealed(testKey, testIV))) + "@5\n" + tail, "12345" + sealed(testKey, testIV) + "rest", "k"},
		{"a wrong IV spoils one block", "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"," + ivText + "\n" + tail, string(seal([]byte(strings.Repeat("G\x1f\xff\x10"+strings.Repeat("\xff", 184), 2)+want), testKey, sequenceIV(5))), "k"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			web := newSite(t, map[string]string{"index.m3u8": "#EXTM3U\n" + tt.playlist, "seg2.ts": tt.segment, "k": string(testKey), "line": string(testKey) + "\n", "crlf": string(testKey) + "\r\n", "other": string(otherKey)})
			f := mustGrab(t, source(t, web.URL+"/index.m3u8", nil, nil))
			if f.PTS != firstPTS(t, want) || !strings.Contains(want, string(f.Data[len(f.Data)-100:])) {
				t.Error("another picture")
			}
			if got := strings.TrimSpace(strings.NewReplacer("index.m3u8", "", "seg2.ts", "").Replace(names(web.took()))); got != tt.keys {
				t.Errorf("asked for %q", got)
			}
		})
	}
}

// TestNoKey: the error says why a stream cannot be decrypted.
func TestNoKey(t *testing.T) {
	plain := directory(t, testmedia.Make(t, "hls-ts"))
	sealed := sealSegments(plain, 0)
	const last = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-KEY:METHOD=%s\n#EXTINF:2,\nseg1.ts\n#EXTINF:2,\nseg2.ts\n"
	tests := []struct {
		name, key, answer string
		kind              error
		text              string
		asked             string
	}{
		{"another key", `AES-128,URI="k"`, string(otherKey), keyframe.ErrCorrupt, "decryption failed: wrong key or IV", "index.m3u8 k seg2.ts k seg1.ts"},
		{"short", `AES-128,URI="k"`, "0123", keyframe.ErrCorrupt, "4 bytes; a key has 16", ""},
		{"a page", `AES-128,URI="k"`, strings.Repeat("<p>", 400), keyframe.ErrCorrupt, "more than 512 bytes", ""},
		{"no URI", `AES-128`, "", keyframe.ErrCorrupt, "URI", "index.m3u8"},
		{"no key in it", `AES-128,URI="data:;base64,AAAA"`, "", keyframe.ErrCorrupt, "data: URI", "index.m3u8"},
		{"another scheme", `AES-128,URI="ftp://a/k"`, "", keyframe.ErrUnsupported, `"ftp"`, "index.m3u8"},
		{"FairPlay by its scheme", `SAMPLE-AES,URI="skd://a"`, "", keyframe.ErrUnsupported, "FairPlay", "index.m3u8"},
		{"FairPlay", `SAMPLE-AES,URI="skd://a",KEYFORMAT="com.apple.streamingkeydelivery"`, "", keyframe.ErrUnsupported, "encrypted with FairPlay (com.apple.streamingkeydelivery)", "index.m3u8"},
		{"Widevine", `SAMPLE-AES-CTR,URI="data:,a",KEYFORMAT="urn:uuid:EDEF8BA9-79D6-4ACE-A3C8-27DCD51D21ED"`, "", keyframe.ErrUnsupported, "Widevine (urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed)", "index.m3u8"},
		{"PlayReady", `SAMPLE-AES,URI="a",KEYFORMAT="com.microsoft.playready"`, "", keyframe.ErrUnsupported, "PlayReady (com.microsoft.playready)", "index.m3u8"},
		{"two systems", "SAMPLE-AES,URI=\"a\",KEYFORMAT=\"com.microsoft.playready\"\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://a\",KEYFORMAT=\"com.apple.streamingkeydelivery\"", "", keyframe.ErrUnsupported, "PlayReady (com.microsoft.playready), FairPlay (com.apple.streamingkeydelivery)", "index.m3u8"},
		{"a system of its own", `AES-128,URI="k",KEYFORMAT="org.example"`, "", keyframe.ErrUnsupported, `the key format "org.example"`, "index.m3u8"},
		{"another method", `AES-256,URI="k"`, "", keyframe.ErrUnsupported, `the method "AES-256"`, "index.m3u8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := maps.Clone(sealed)
			files["index.m3u8"], files["k"] = fmt.Sprintf(last, tt.key), tt.answer
			web := newSite(t, files)
			_, err := try(t, source(t, web.URL+"/index.m3u8", nil, nil))
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%v, want %q", err, tt.text)
			}
			if got := names(web.took()); tt.asked != "" && got != tt.asked {
				t.Errorf("asked for %q, want %q", got, tt.asked)
			}
		})
	}
}

// TestKeyRefused: if the key is denied, no other segment is tried, and no media
// are fetched.
func TestKeyRefused(t *testing.T) {
	files := sealSegments(directory(t, testmedia.Make(t, "hls-ts")), 0)
	files["index.m3u8"] = "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k?token=s3cret\"\n#EXTINF:2,\nseg0.ts\n#EXTINF:2,\nseg1.ts\n"
	web := newSite(t, files)
	for _, code := range []int{401, 403} {
		web.answers["k"] = status(code)
		_, err := try(t, source(t, web.URL+"/index.m3u8", nil, nil))
		var refusal *fetch.StatusError
		if !errors.As(err, &refusal) || refusal.Code != code || strings.Contains(err.Error(), "s3cret") ||
			!strings.Contains(err.Error(), "cannot fetch the decryption key") {
			t.Errorf("%v", err)
		}
		if got := names(web.took()); got != "index.m3u8 k" {
			t.Errorf("asked for %q", got)
		}
	}
}

// TestKeyChanges: a key that changes at its address is fetched anew.
func TestKeyChanges(t *testing.T) {
	plain := directory(t, testmedia.Make(t, "hls-ts"))
	files := sealSegments(plain, 0)
	files["index.m3u8"] = "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:2,\nseg0.ts\n"
	files["k"] = string(testKey)
	web := newSite(t, files)
	s := source(t, web.URL+"/index.m3u8", nil, nil)
	first := mustGrab(t, s)
	files["k"] = string(otherKey)
	files["seg0.ts"] = string(seal([]byte(plain["seg0.ts"]), otherKey, [16]byte{}))
	if f := mustGrab(t, s); !bytes.Equal(f.Data, first.Data) {
		t.Error("another picture")
	}
}

// TestKeyHeaders: requests for keys carry the user's headers for the stream's
// origin, and cookies.
func TestKeyHeaders(t *testing.T) {
	files := sealSegments(directory(t, testmedia.Make(t, "hls-ts")), 0)
	list := "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:2,\nseg0.ts\n"
	web := newSite(t, files)
	web.answers["index.m3u8"] = func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
		fmt.Fprint(w, list)
	}
	web.answers["k"] = func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("session"); err != nil || c.Value != "1" || r.Header.Get("X-Token") != "t" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Write(testKey)
	}
	mustGrab(t, source(t, web.URL+"/index.m3u8", nil, &fetch.Options{Header: http.Header{"X-Token": {"t"}}}))
}

// TestEncryptedSection: an encrypted EXT-X-MAP works if its key has an IV.
func TestEncryptedSection(t *testing.T) {
	plain := directory(t, testmedia.Make(t, "hls-fmp4"))
	want := mustGrab(t, source(t, newSite(t, plain).URL+"/index.m3u8", nil, nil))
	files := map[string]string{"k": string(testKey)}
	files["init.mp4"] = string(seal([]byte(plain["init.mp4"]), testKey, testIV))
	files["seg0.m4s"] = string(seal([]byte(plain["seg0.m4s"]), testKey, testIV))
	list := func(key string) string {
		return "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"" + key + "\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:2,\nseg0.m4s\n"
	}
	web := newSite(t, files)
	files["index.m3u8"] = list("," + ivText)
	s := source(t, web.URL+"/index.m3u8", nil, nil)
	for range 2 {
		if f := mustGrab(t, s); !bytes.Equal(f.Data, want.Data) {
			t.Error("another picture")
		}
	}
	if got := strings.Count(names(web.took()), "k"); got != 1 {
		t.Errorf("%d requests for the key", got)
	}
	files["index.m3u8"] = list("")
	if _, err := try(t, source(t, web.URL+"/index.m3u8", nil, nil)); !errors.Is(err, keyframe.ErrCorrupt) || !strings.Contains(err.Error(), "without IV") {
		t.Error(err)
	}
	files["index.m3u8"], files["k"] = list(","+ivText), string(otherKey)
	if _, err := try(t, source(t, web.URL+"/index.m3u8", nil, nil)); !errors.Is(err, errWrongKey) {
		t.Error(err)
	}
}

// TestEncryptedIFrames: the byte range of a keyframe within an encrypted
// segment is widened to whole blocks, and takes one request.
func TestEncryptedIFrames(t *testing.T) {
	data := []byte(directory(t, testmedia.Make(t, "hls-ts"))["seg0.ts"])
	end := tsEnd(t, data)
	for _, offset := range []int64{0, 188, 188 * 3} {
		padded := append(bytes.Repeat(append([]byte("G\x1f\xff\x10"), bytes.Repeat([]byte{0xff}, 184)...), int(offset/188)), data...)
		web := newSite(t, map[string]string{
			"index.m3u8": fmt.Sprintf("#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-I-FRAMES-ONLY\n#EXT-X-MEDIA-SEQUENCE:9\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:2,\n#EXT-X-BYTERANGE:%d@%d\nseg.ts\n#EXT-X-ENDLIST\n", end, offset),
			"seg.ts":     string(seal(padded, testKey, sequenceIV(9))), "k": string(testKey),
		})
		f := mustGrab(t, source(t, web.URL+"/index.m3u8", nil, nil))
		if !bytes.Contains(data[:end], f.Data[len(f.Data)-100:]) || f.PTS != firstPTS(t, string(data)) || f.OpenEnd {
			t.Errorf("at %d: another picture", offset)
		}
		last, times := farthest(t, web.took(), "seg.ts")
		if times != 1 || last >= offset+end+16 {
			t.Errorf("at %d: %d ranges up to %d of %d", offset, times, last, offset+end)
		}
	}
}

// TestNginxEncrypted: streams that ffmpeg encrypts decrypt, with an IV in the
// playlist or the number as IV, and with one key for all segments or a new one
// for each.
func TestNginxEncrypted(t *testing.T) {
	clip := testmedia.Make(t, "h264.ts")
	want := testmedia.Hashes(t, read(t, clip))
	for name, info := range map[string]struct {
		iv    string
		flags []string
	}{
		"IV in the playlist":   {hex.EncodeToString(testIV[:]), nil},
		"IV is the number":     {"", nil},
		"rotation":             {"", []string{"-hls_flags", "periodic_rekey"}},
		"rotation, IV is told": {hex.EncodeToString(testIV[:]), []string{"-hls_flags", "periodic_rekey"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "k.bin"), string(testKey))
			write(t, filepath.Join(dir, "info"), "k.bin\nk.bin\n"+info.iv+"\n")
			args := append([]string{"-c", "copy", "-f", "hls", "-hls_time", "1", "-hls_list_size", "0", "-hls_key_info_file", "info", "-hls_segment_filename", "seg%d.ts"}, info.flags...)
			run(t, dir, "ffmpeg", append(append([]string{"-v", "error", "-nostdin", "-i", clip}, args...), "index.m3u8")...)
			plain := t.TempDir()
			run(t, plain, "ffmpeg", "-v", "error", "-nostdin", "-i", clip, "-c", "copy", "-f", "hls", "-hls_time", "1", "-hls_list_size", "0", "-hls_segment_filename", "seg%d.ts", "index.m3u8")
			whole := mustGrab(t, source(t, testserver.Nginx(t, dir, "max_ranges 0;")+"/index.m3u8", nil, nil))
			if got := testmedia.Hashes(t, whole.Data, "-f", "h264"); len(got) != 1 || got[0] != want[0] {
				t.Errorf("without ranges: pictures %q", got)
			}
			var down [2]int64
			for i, root := range []string{plain, dir} {
				o := fetch.Options{Meter: new(meter.Counter)}
				f := mustGrab(t, source(t, testserver.Nginx(t, root)+"/index.m3u8", nil, &o))
				if got := testmedia.Hashes(t, f.Data, "-f", "h264"); len(got) != 1 || got[0] != want[0] {
					t.Errorf("pictures %q", got)
				}
				down[i] = o.Meter.Read().Down
			}
			// The answer with the key has some 240 bytes of headers. EXT-X-KEY
			// is in the playlist once, or with every segment.
			list := int64(len(read(t, filepath.Join(dir, "index.m3u8"))) - len(read(t, filepath.Join(plain, "index.m3u8"))))
			if more := down[1] - down[0] - list; more < 16 || more > 64+16+300 {
				t.Errorf("%d bytes more than in the clear", more)
			}
			t.Logf("in the clear %d bytes, encrypted %d", down[0], down[1])
		})
	}
}

func write(t testing.TB, path, data string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func run(t testing.TB, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %.500s", name, err, out)
	}
}
