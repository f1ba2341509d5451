package hls

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	corpus  = "../../shared/corpus/files"
	eyevinn = "Eyevinn+hls-m3u8/m3u8/sample-playlists/"
	ether   = "etherlabsio+go-m3u8/test/fixtures/"
	iheart  = "iheartradio+open-m3u8/src/test/resources/"
	rust    = "rutgersc+m3u8-rs/sample-playlists/"
	shaka   = "shaka-project+shaka-player/test/test/assets/"
	videojs = "videojs+m3u8-parser/test/fixtures/integration/"
	vhs     = "videojs+http-streaming/test/manifests/"
	membran = "membraneframework+membrane_http_adaptive_stream_plugin/test/membrane_http_adaptive_stream/integration_test/fixtures/"
)

// corpusPlaylists are some of the files, with what a person read in them.
var corpusPlaylists = []struct {
	file        string
	count       string
	first, last string
}{
	{eyevinn + "bad-media-playlist-with-gap.m3u8", "vod 0", "", ""},
	{eyevinn + "media-playlist-with-gap.m3u8", "vod 13", "0 1.ts 0s+4.053s gap", "12 13.ts 48.064s+1.323s"},
	{eyevinn + "media-playlist-fmp4.m3u8", "live 6", "869763849 869763849.cmfv 0s+2s map(hls_init.cmfv) at 10:08:18", "869763854 869763854.cmfv 10s+2s map(hls_init2.cmfv) at 10:08:28"},
	{eyevinn + "media-playlist-low-latency.m3u8", "live 8", "242 fileSequence243.m4s 0s+4s map(fileSequence0.mp4) at 14:42:58.134", "250  32s+0s map(fileSequence0.mp4) at 14:43:30.134 part(filePart251.1.m4s 1s) part(filePart251.2.m4s 1s)"},
	{eyevinn + "media-playlist-with-byterange.m3u8", "live 3", "0 video.ts 0s+10s bytes(0+75232)", "2 video.ts 20s+10s bytes(834433+69864)"},
	{eyevinn + "media-playlist-with-defines.m3u8", "live 1", "0 Value1.ts 0s+10s", "0 Value1.ts 0s+10s"},
	{eyevinn + "media-playlist-with-discontinuity.m3u8", "live 4", "0 ad0.ts 0s+10s", "3 movieB.ts 28s+10s"},
	{eyevinn + "media-playlist-with-key.m3u8", "vod 3", "1 1.cmfv 0s+1.92s key(AES-128 https://magic.com/secret 00112233445566778899aabbccddeeff)", "3 3.cmfv 3.84s+1.92s key(AES-128 https://magic.com/secret 00112233445566778899aabbccddeeff)"},
	{eyevinn + "media-playlist-with-skip.m3u8", "live 6", "267 fileSequence267.mp4 0s+4s at 02:13:40.106", "273  24s+0s at 02:14:04.106 part(filePart273.0.mp4 334ms independent) part(filePart273.1.mp4 334ms) part(filePart273.2.mp4 334ms) part(filePart273.3.mp4 334ms)"},
	{eyevinn + "media-playlist-with-queryparam.m3u8", "imports the variable", "", ""},
	{eyevinn + "master-with-defines-invalid.m3u8", "imports the variable", "", ""},
	{eyevinn + "master-with-defines.m3u8", "master 5+0+0", "chunklist-b300000.m3u8 300000", "chunklist-b1500000.m3u8 1500000"},
	{eyevinn + "master-with-hlsv7.m3u8", "master 9+9+0", "sdr_720/prog_index.m3u8 3971374 2778321 1280x720 23.976 hvc1.2.4.L123.B0 SDR", "hdr10_2160/prog_index.m3u8 29983769 24833402 3840x2160 23.976 hvc1.2.4.L150.B0 PQ"},
	{eyevinn + "master-with-i-frame-stream-inf.m3u8", "master 4+4+0", "low/audio-video.m3u8 1280000", "audio-only.m3u8 65000 mp4a.40.5"},
	{ether + "encrypted.m3u8", "live 4", "7794 http://media.example.com/fileSequence52-A.ts 0s+2.833s key(AES-128 https://priv.example.com/key.php?r=52)", "7797 http://media.example.com/fileSequence53-A.ts 31.166s+15s key(AES-128 https://priv.example.com/key.php?r=53)"},
	{ether + "iframes.m3u8", "live 3", "0 segment1.ts 0s+4.12s bytes(376+9400)", "2 segment2.ts 7.68s+3.82s bytes(1880+10340)"},
	{ether + "mapPlaylist.m3u8", "vod 0", "", ""},
	{ether + "sessionData.m3u8", "master 0+0+0", "", ""},
	{ether + "timestampPlaylist.m3u8", "live 6", "1736515 20160408T084506-01-1736515.ts 0s+10s at 15:24:31", "1736520 20160408T084506-01-1736520.ts 50s+10s at 15:25:21"},
	{ether + "variantAngles.m3u8", "master 2+0+9", "Angle1/200kbs/prog_index.m3u8 300000 300001 mp4a.40.2,avc1.4d401e 200kbs aac", "Angle1/500kbs/prog_index.m3u8 754857 mp4a.40.2,avc1.4d401e 500kbs aac"},
	{"globocom+m3u8/tests/playlists/relative-playlist.m3u8", "vod 6", "0 /entire1.ts 0s+1h27m0s key(AES-128 ../key.bin 10ef8f758ca555115584bb5b3c687f52)", "5 .//entire6.ts 7h15m0s+1h27m0s key(AES-128 ../key.bin 10ef8f758ca555115584bb5b3c687f52)"},
	{iheart + "negativeDurationMediaPlaylist.m3u8", "live 3", "0 http://radio.promodj.com:8000/top100-192 0s+0s", "2 http://radio.promodj.com:8000/klubb-192 0s+0s"},
	{iheart + "mediaPlaylistWithInvalidByteRanges.m3u8", "unreadable byte range", "", ""},
	{iheart + "twoMediaPlaylists.m3u8", "vod 5", "0 http://media.example.com/first.ts 0s+9.009s", "4 http://media.example.com/fifth.ts 30.031s+9.011s"},
	{membran + "audio_video_tracks/index.m3u8", "master 1+0+1", "video_track.m3u8 121788 108733 1280x720 25 avc1.64001f audio_default_id", "video_track.m3u8 121788 108733 1280x720 25 avc1.64001f audio_default_id"},
	{membran + "audio_video_tracks/video_track.m3u8", "vod 2", "0 video_segment_0_video_track.m4s 0s+10s map(video_header_video_track_part_0.mp4)", "1 video_segment_1_video_track.m4s 10s+2s map(video_header_video_track_part_0.mp4)"},
	{rust + "master-playlist-with-blankline.m3u8", "master 4+0+0", "http://example.com/low.m3u8 1280000 1000000", "http://example.com/audio-only.m3u8 65000 mp4a.40.5"},
	{rust + "mediaplaylist-byterange.m3u8", "vod 8", "0 main.aac 0s+9.98458s bytes(0+86920)", "7 main.acc 1m9.98495s+10.0078s bytes(908141+137132)"},
	{shaka + "hls-iframe-only/media.m3u8", "vod 2", "0 segment--00001.mp4 0s+2.002002002s map(media.mp4)", "1 segment--00002.mp4 2.002002002s+2.002002002s map(media.mp4)"},
	{shaka + "hls-sample-aes/index.m3u8", "vod 10", "0 video.mp4 0s+8s bytes(1171+136434) map(video.mp4 0+1019) key(SAMPLE-AES-CTR data:text/plain;base64,q7onHovPVSu9LoakNKml2Q==)", "9 video.mp4 56.72s+3.28s bytes(778788+51869) map(video.mp4 0+1019) key(SAMPLE-AES-CTR data:text/plain;base64,q7onHovPVSu9LoakNKml2Q==)"},
	{shaka + "hls-ts-muxed-aac-h265/media.m3u8", "vod 4", "0 0.ts 0s+5s", "3 1.ts 15s+5s"},
	{videojs + "byteRange.m3u8", "vod 17", "0 hls_450k_video.ts 0s+10s", "16 hls_450k_video.ts 2m40s+1.4167s bytes(8353216+44556)"},
	{videojs + "dateTime.m3u8", "vod 2", "0 hls_450k_video.ts 0s+10s at 09:20:16.166", "1 hls_450k_video.ts 10s+10s at 09:20:26.166"},
	{videojs + "diff-init-key.m3u8", "live 11", "7794 http://media.example.com/fileSequence52-A.m4s 0s+2.833s map(http://media.example.com/init52.mp4 AES-128) key(AES-128 https://priv.example.com/key.php?r=52)", "7804 http://media.example.com/fileSequence54-A.m4s 1m50.166s+12s map(http://media.example.com/init54-E.mp4)"},
	{videojs + "emptyTargetDuration.m3u8", "master 4+0+0", "http://c.brightcove.com/services/mobile/streaming/index/rendition.m3u8?assetId=1824686811001&videoId=1824650741001 240000 396x224", "http://c.brightcove.com/services/mobile/streaming/index/rendition.m3u8?assetId=1824687660001&videoId=1824650741001 1928000 960x540"},
	{videojs + "extinf.m3u8", "vod 16", "0 hls_450k_video.ts 0s+10s bytes(0+522828)", "15 hls_450k_video.ts 2m14.7s+10s bytes(8021772+331444)"},
	{videojs + "fmp4.m3u8", "vod 2", "1 main.mp4 0s+6.006s bytes(720+5666510) map(main.mp4 0+720)", "2 main.mp4 6.006s+6.006s bytes(5667230+5861577) map(main.mp4 0+720)"},
	{videojs + "invalidMediaSequence.m3u8", "vod 4", "0 /test/ts-files/tvy7/8a5e2822668b5370f4eb1438b2564fb7ab12ffe1-hi720.ts 0s+6.64s", "3 /test/ts-files/tvy7/6cfa378684ffeb1c455a64dae6c103290a1f53d4-hi720.ts 19.32s+5s"},
	{videojs + "liveMissingSegmentDuration.m3u8", "vod 1", "0 /test/ts-files/tvy7/8a5e2822668b5370f4eb1438b2564fb7ab12ffe1-hi720.ts 0s+6.64s", "0 /test/ts-files/tvy7/8a5e2822668b5370f4eb1438b2564fb7ab12ffe1-hi720.ts 0s+6.64s"},
	{videojs + "llhls-byte-range.m3u8", "unreadable byte range", "", ""},
	{videojs + "llhls.m3u8", "live 7", "266 fileSequence266.mp4 0s+4.00008s map(init.mp4) at 02:13:36.106", "273  28.00056s+0s map(init.mp4) at 02:14:04.106 part(filePart273.0.mp4 333.34ms independent) part(filePart273.1.mp4 333.34ms) part(filePart273.2.mp4 333.34ms)"},
	{vhs + "audioOnlyAlternateAudio.m3u8", "master 1+0+3", "eng/prog_index.m3u8 195023 mp4a.40.2 audio", "eng/prog_index.m3u8 195023 mp4a.40.2 audio"},
}

func TestCorpusByHand(t *testing.T) {
	base := parseURL(t, "https://host/d/p.m3u8?Define2=x")
	for _, tt := range corpusPlaylists {
		data, err := os.ReadFile(filepath.Join(corpus, filepath.FromSlash(tt.file)))
		if err != nil {
			t.Skip("needs the corpus beside the repository:", err)
		}
		p, err := Parse(data, base, nil)
		if err != nil {
			if !strings.Contains(err.Error(), tt.count) {
				t.Errorf("%s: %v, want %q", tt.file, err, tt.count)
			}
			continue
		}
		count, first, last := summary(p)
		if count != tt.count || first != tt.first || last != tt.last {
			t.Errorf("%s:\n got %s\n     %s\n     %s\nwant %s\n     %s\n     %s", tt.file, count, first, last, tt.count, tt.first, tt.last)
		}
	}
}

// summary counts, and outlines the first and the last segment, edge or variant.
func summary(p *Playlist) (count, first, last string) {
	if m := p.Master; m != nil {
		count = fmt.Sprintf("master %d+%d+%d", len(m.Variants), len(m.IFrames), len(m.Renditions))
		if n := len(m.Variants); n > 0 {
			first, last = outlineVariant(m.Variants[0]), outlineVariant(m.Variants[n-1])
		}
		return count, first, last
	}
	m := p.Media
	count = fmt.Sprintf("live %d", len(m.Segments))
	if !m.Live {
		count = fmt.Sprintf("vod %d", len(m.Segments))
	}
	if n := len(m.Segments); n > 0 {
		first, last = outlineSegment(m.Segments[0]), outlineSegment(m.Segments[n-1])
	}
	if m.Edge != nil {
		last = outlineSegment(*m.Edge)
	}
	return count, first, last
}

// TestCorpus: every playlist that others made gives an error or a sane answer
// (see checkPlaylist), and takes no more memory than its size justifies.
func TestCorpus(t *testing.T) {
	base := parseURL(t, "https://host/d/p.m3u8?Define2=x")
	read, refused := 0, 0
	for name, data := range corpusFiles(t) {
		var p *Playlist
		var err error
		limit := uint64(64<<10 + 60*len(data))
		if got := allocated(limit, func() { p, err = Parse(data, base, nil) }); got > limit && !raceDetector {
			t.Errorf("%s: %d bytes took %d bytes of memory", name, len(data), got)
		}
		read++
		if err != nil {
			refused++
			continue
		}
		checkPlaylist(t, data, p)
	}
	if read == 0 {
		t.Skip("needs the corpus beside the repository")
	}
	// Expected are the five of corpusPlaylists and the copies of two of them.
	if refused > 8 {
		t.Errorf("%d of %d playlists refused", refused, read)
	}
	t.Logf("%d playlists, %d refused", read, refused)
}

// corpusFiles returns the playlists beside the repository, or none if they are
// not there.
func corpusFiles(tb testing.TB) map[string][]byte {
	tb.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(corpus, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".m3u8") {
			return nil // the directory may be missing
		}
		data, err := os.ReadFile(path)
		files[path] = data
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return files
}
