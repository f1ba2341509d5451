package hlssource

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// made are streams that ffmpeg writes, with the requests that a grab takes if
// the server knows ranges: playlists, initialisation section, and ranges of the
// segment.
var made = []struct {
	name, playlist, media string // media: the playlist whose picture it is
	requests              int
}{
	{"hls-ts", "index.m3u8", "", 2},
	{"hls-dated", "index.m3u8", "", 2},
	{"hls-byterange", "index.m3u8", "", 2},
	{"hls-fmp4", "index.m3u8", "", 4},
	{"hls-fmp4-byterange", "index.m3u8", "", 4},
	{"hls-1080p-fmp4", "index.m3u8", "", 4},
	{"hls-h265", "index.m3u8", "", 4},
	{"hls-ladder", "master.m3u8", "0.m3u8", 3},
}

// TestNginx: every server gives the same first picture of each stream.
func TestNginx(t *testing.T) {
	for _, tt := range made {
		t.Run(tt.name, func(t *testing.T) {
			path := testmedia.Make(t, tt.name)
			files := directory(t, path)
			mediaName := tt.media
			if mediaName == "" {
				mediaName = tt.playlist
			}
			var first *keyframe.Frame
			check := func(base string, o fetch.Options) int {
				o.Meter = new(meter.Counter)
				f := mustGrab(t, source(t, base+"/"+tt.playlist, nil, &o))
				if first == nil {
					first = f
					seg := list(t, files, mediaName).Segments[0]
					want := testmedia.Hashes(t, whole(t, files, &seg))[0]
					if got := testmedia.Hashes(t, f.Data, "-f", f.Codec.String()); len(got) != 1 || got[0] != want {
						t.Errorf("pictures %q, want one of %q", got, want)
					}
				}
				if !bytes.Equal(f.Data, first.Data) || f.PTS != first.PTS || !f.Time.Equal(first.Time) {
					t.Errorf("another picture than from the first server")
				}
				return o.Meter.Read().Requests
			}
			dir := filepath.Dir(path)
			if got := check(testserver.Nginx(t, dir), fetch.Options{}); got != tt.requests {
				t.Errorf("%d requests, want %d", got, tt.requests)
			}
			check(testserver.Nginx(t, dir, "max_ranges 0;"), fetch.Options{})
			base, roots := testserver.NginxTLS(t, dir)
			check(base, fetch.Options{RootCAs: roots})
		})
	}
}

// TestNginxDated: the time of day is that of the playlist.
func TestNginxDated(t *testing.T) {
	path := testmedia.Make(t, "hls-dated")
	want := list(t, directory(t, path), "index.m3u8").Segments[0].ProgramDateTime
	base := testserver.Nginx(t, filepath.Dir(path))
	if f := mustGrab(t, source(t, base+"/index.m3u8", nil, nil)); want.IsZero() || !f.Time.Equal(want) {
		t.Errorf("taken at %v, want %v", f.Time, want)
	}
}

// TestNginxGzip: playlists are compressed, segments are not.
func TestNginxGzip(t *testing.T) {
	dir := filepath.Dir(testmedia.Make(t, "hls-ts"))
	base := testserver.Nginx(t, dir, "gzip on; gzip_min_length 1; gzip_types application/vnd.apple.mpegurl video/mp2t;")
	plain := mustGrab(t, source(t, testserver.Nginx(t, dir)+"/index.m3u8", nil, nil))
	if f := mustGrab(t, source(t, base+"/index.m3u8", nil, nil)); !bytes.Equal(f.Data, plain.Data) {
		t.Error("another picture than without compression")
	}
}
