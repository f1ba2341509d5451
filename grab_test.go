package kfgrab_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	kfgrab "github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// samePicture checks that a snapshot shows the keyframe of data at index.
func samePicture(t *testing.T, snap *kfgrab.Snapshot, data []byte, index int) {
	t.Helper()
	want := testmedia.Hashes(t, data, "-skip_frame", "nokey")
	got := testmedia.Hashes(t, snap.Frame.Data, "-f", snap.Frame.Codec.String())
	if index >= len(want) || len(got) != 1 || got[0] != want[index] {
		t.Errorf("pictures %q, want number %d of %q", got, index, want)
	}
}

// formats are files of all kinds, with a keyframe every second.
var formats = []struct {
	name  string
	codec keyframe.Codec
	timed bool // At works
}{
	{"h264.ts", keyframe.H264, true},
	{"h265.ts", keyframe.H265, true},
	{"faststart.mp4", keyframe.H264, true},
	{"moov-last.mp4", keyframe.H264, true},
	{"fragmented.mp4", keyframe.H264, true},
	{"h265.mp4", keyframe.H265, true},
	{"h264.264", keyframe.H264, false},
	{"h265.265", keyframe.H265, false},
}

// TestGrabFormats: a file, a file URL, a pipe and nginx, with and without
// ranges, all give the same keyframe.
func TestGrabFormats(t *testing.T) {
	for _, tt := range formats {
		t.Run(tt.name, func(t *testing.T) {
			path := testmedia.Make(t, tt.name)
			data := read(t, path)
			local := grab(t, path, nil)
			samePicture(t, local, data, 0)
			if local.Frame.Codec != tt.codec || local.URL != path || local.Cost.Down == 0 || time.Since(local.Taken) > time.Minute {
				t.Errorf("%+v", local)
			}
			dir, name := filepath.Dir(path), filepath.Base(path)
			secure, roots := testserver.NginxTLS(t, dir)
			for url, o := range map[string]*kfgrab.Options{
				"file://" + path:                      nil,
				"-":                                   {Stdin: bytes.NewReader(data)},
				testserver.Nginx(t, dir) + "/" + name: nil,
				testserver.Nginx(t, dir, "max_ranges 0;") + "/" + name: nil,
				secure + "/" + name: {RootCAs: roots},
			} {
				if snap := grab(t, url, o); !bytes.Equal(snap.Frame.Data, local.Frame.Data) {
					t.Errorf("%s: another keyframe", url)
				}
			}
		})
	}
}

// TestGrabAt: a grab at a time takes the last keyframe at or before it, from a
// file, from a pipe and over HTTP.
func TestGrabAt(t *testing.T) {
	for _, tt := range formats {
		if !tt.timed {
			continue
		}
		path := testmedia.Make(t, tt.name)
		data := read(t, path)
		server := serve(t, filepath.Dir(path), nil)
		at := 1500 * time.Millisecond
		local := grab(t, path, &kfgrab.Options{At: at})
		samePicture(t, local, data, 1)
		for url, o := range map[string]*kfgrab.Options{
			"-":                                    {At: at, Stdin: bytes.NewReader(data)},
			server.URL + "/" + filepath.Base(path): {At: at},
		} {
			if snap := grab(t, url, o); !bytes.Equal(snap.Frame.Data, local.Frame.Data) {
				t.Errorf("%s from %s: another keyframe", tt.name, url)
			}
		}
	}
}

// TestGrabOrigin: every path of a live origin gives a keyframe, and its media
// time if the stream has one.
func TestGrabOrigin(t *testing.T) {
	o := startOrigin(t)
	tests := []struct {
		url    string
		opt    *kfgrab.Options
		codec  keyframe.Codec
		height int
		dated  bool
	}{
		{o.HLS(origin.TS), nil, keyframe.H264, 360, true},
		{o.HLS(origin.FMP4), nil, keyframe.H264, 360, true},
		{o.HLS(origin.TS), &kfgrab.Options{Width: 200}, keyframe.H264, 144, true},
		{o.Media(origin.FMP4, 1), nil, keyframe.H264, 240, true},
		{o.Newest(origin.TS), nil, keyframe.H264, 360, false},
		{o.RTSP(keyframe.H264), nil, keyframe.H264, 0, false},
		{o.RTSP(keyframe.H265), nil, keyframe.H265, 0, false},
	}
	for _, tt := range tests {
		snap := grab(t, tt.url, tt.opt)
		f := snap.Frame
		if f.Codec != tt.codec || tt.height > 0 && f.Info.Height != tt.height || snap.URL != tt.url {
			t.Errorf("%s: %v of height %d", snap.URL, f.Codec, f.Info.Height)
		}
		if tt.dated && (snap.MediaTime.IsZero() || snap.Taken.Sub(snap.MediaTime).Abs() > time.Minute) {
			t.Errorf("%s: taken at %v, media time %v", snap.URL, snap.Taken, snap.MediaTime)
		}
		sums := testmedia.Hashes(t, f.Data, "-f", f.Codec.String())
		if len(sums) != 1 {
			t.Errorf("%s: %d pictures", tt.url, len(sums))
		}
		if snap.Cost.Requests == 0 || snap.Cost.Down < int64(len(f.Data)) || snap.Cost.Up == 0 || snap.Cost.Elapsed <= 0 {
			t.Errorf("%s: cost %+v of %d bytes", tt.url, snap.Cost, len(f.Data))
		}
	}
}

// TestGrabByContent: formats are detected by content; file names and content
// types do not matter.
func TestGrabByContent(t *testing.T) {
	dir := filepath.Dir(testmedia.Make(t, "hls-ts"))
	stream := read(t, testmedia.Make(t, "h264.ts"))
	files := http.FileServer(http.Dir(dir))
	server := serve(t, "", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/live", "/live.ts":
			http.ServeFile(w, r, filepath.Join(dir, "index.m3u8"))
		case "/movie", "/movie.mp4":
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(stream))
		default:
			files.ServeHTTP(w, r)
		}
	}))
	first := read(t, filepath.Join(dir, "seg0.ts"))
	for _, name := range []string{"/live", "/live.ts"} {
		samePicture(t, grab(t, server.URL+name, nil), first, 0)
		requests, _, _ := server.took()
		if n := len(slices.DeleteFunc(requests, func(r string) bool { return !strings.HasPrefix(r, name) })); n != 1 {
			t.Errorf("%s was asked for %d times", name, n)
		}
	}
	for _, name := range []string{"/movie", "/movie.mp4"} {
		samePicture(t, grab(t, server.URL+name, nil), stream, 0)
	}
}

// TestGrabIndexBehind: if an MP4 file has its index at the end, only the index
// and the keyframe are read.
func TestGrabIndexBehind(t *testing.T) {
	path := testmedia.Make(t, "moov-last.mp4")
	data := read(t, path)
	moov := bytes.LastIndex(data, []byte("moov")) - 4
	server := serve(t, filepath.Dir(path), nil)
	for _, at := range []time.Duration{0, 2500 * time.Millisecond} {
		snap := grab(t, server.URL+"/"+filepath.Base(path), &kfgrab.Options{At: at})
		samePicture(t, snap, data, int(at/time.Second))
		requests, down, _ := server.took()
		if len(requests) > 4 || slices.ContainsFunc(requests, func(r string) bool { return !strings.Contains(r, "bytes=") }) {
			t.Errorf("at %v: %q", at, requests)
		}
		// The first range is a guess of 32 KiB.
		if most := int64(len(data)-moov) + int64(len(snap.Frame.Data)) + 36<<10; down > most {
			t.Errorf("at %v: %d bytes of %d, want %d at most", at, down, len(data), most)
		}
	}
}

// TestGrabOnCodec: OnCodec is called once, with the codec of the keyframe.
func TestGrabOnCodec(t *testing.T) {
	dir := filepath.Dir(testmedia.Make(t, "hls-fmp4"))
	server := serve(t, dir, nil)
	stream := testmedia.Make(t, "h265.ts")
	for url, want := range map[string]keyframe.Codec{server.URL + "/index.m3u8": keyframe.H264, stream: keyframe.H265} {
		var told []keyframe.Codec
		grab(t, url, &kfgrab.Options{OnCodec: func(c keyframe.Codec) { told = append(told, c) }})
		if !slices.Equal(told, []keyframe.Codec{want}) {
			t.Errorf("%s: told %v", url, told)
		}
	}
}

// TestProbe: Probe lists every rendition of a ladder, and a file.
func TestProbe(t *testing.T) {
	dir := filepath.Dir(testmedia.Make(t, "hls-ladder"))
	server := serve(t, dir, nil)
	list, err := open(t, server.URL+"/master.m3u8?key=t0ken", nil).Probe(t.Context())
	if err != nil || len(list) != 3 {
		t.Fatal(len(list), err)
	}
	for i, height := range []int{360, 180, 90} {
		r := list[i]
		if r.Index != i || r.Codec != keyframe.H264 || r.Info.Height != height || len(r.Tracks) != 2 || r.Err != nil || r.Attributes()["variant_bitrate"] == "" {
			t.Errorf("%d: %+v", i, r)
		}
	}
	list, err = open(t, testmedia.Make(t, "h264-audio.ts"), nil).Probe(t.Context())
	if err != nil || len(list) != 1 || list[0].Codec != keyframe.UnknownCodec || len(list[0].Tracks) != 1 || list[0].Attributes() != nil {
		t.Errorf("audio: %+v, %v", list, err)
	}
	if _, err := open(t, os.DevNull, nil).Probe(t.Context()); kfgrab.ClassOf(err) != kfgrab.BadStream {
		t.Errorf("nothing: %v", err)
	}
}
