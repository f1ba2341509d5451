package hls

import (
	"bytes"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kfgrab/kfgrab/keyframe"
)

func parseURL(tb testing.TB, raw string) *url.URL {
	tb.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

// traps are playlists on which the library alone panics, errs or misreads, and
// some that servers write against the standard. They seed the fuzzer.
var traps = []struct {
	name, playlist string
	want           string // as outline writes it
}{
	{"blank line after key before the first segment", "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n\n#EXTINF:4,\na.ts\n", "0 a.ts 0s+4s key(AES-128 k)"},
	{"blank line after map before the first segment", "#EXTM3U\n#EXT-X-MAP:URI=\"i\"\n\n#EXTINF:4,\na.ts\n", "0 a.ts 0s+4s map(i)"},
	{"key and nothing else", "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n\n", ""},
	{"map and nothing else", "#EXTM3U\n#EXT-X-MAP:URI=\"i\"\n", ""},
	{"key and a URI without EXTINF", "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\na.ts\n", ""},
	{"Widevine tags cut short", "#EXTM3U\n#WV-CYPHER-VERSION\n#WV-VIDEO-RESOLUTION\n#EXTINF:4,\na.ts\n", "0 a.ts 0s+4s"},
	{"blank line after EXTINF", "#EXTM3U\n#EXTINF:4,\n\na.ts\n", "0 a.ts 0s+4s"},
	{"EXTINF at the end", "#EXTM3U\n#EXTINF:4,\na.ts\n#EXTINF:4,\n", "0 a.ts 0s+4s"},
	{"two EXTINF", "#EXTM3U\n#EXTINF:22,\n#EXTINF:4,\na.ts\n", "0 a.ts 0s+4s"},
	{"range without URI of its own", "#EXTM3U\n#EXT-X-BYTERANGE:5@7\nlost.ts\n#EXTINF:4,\na.ts\n", "0 a.ts 0s+4s"},
	{"key of a lost URI", "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\nlost.ts\n#EXTINF:4,\na.ts\n", "0 a.ts 0s+4s key(AES-128 k)"},
	{"no newline at the end", "#EXTM3U\n#EXTINF:4,\na.ts", "0 a.ts 0s+4s"},
	{"CRLF, BOM and indentation", "\xef\xbb\xbf#EXTM3U\r\n #EXTINF:4,\r\n\ta.ts\r\n\u00a0\r\n#EXT-X-ENDLIST\r\n", "vod\n0 a.ts 0s+4s"},
	{"comment before the header", "# made by hand\n\n#EXTM3U\n#EXTINF:4,\na.ts\n", "0 a.ts 0s+4s"},
	{"header with attributes", "#EXTM3U url-tvg=\"x\"\n#EXTINF:4,\na.ts\n", "0 a.ts 0s+4s"},
	{"durations that are none", "#EXTM3U\n#EXTINF:-1,x\na\n#EXTINF:NaN,\nb\n#EXTINF:Inf,\nc\n#EXTINF:\nd\n#EXTINF\ne\n#EXTINF:1.2.3,\nf\n#EXTINF:2;x,\ng\n#EXTINF:3 ,\nh\n", "0 a 0s+0s\n1 b 0s+0s\n2 c 0s+0s\n3 d 0s+0s\n4 e 0s+0s\n5 f 0s+0s\n6 g 0s+2s\n7 h 2s+3s"},
	{"a duration past all bounds", "#EXTM3U\n#EXTINF:" + strings.Repeat("9", 400) + ",\na\n", "0 a 0s+27h46m40s"},
	{"a duration of many digits", "#EXTM3U\n#EXTINF:" + strings.Repeat("0", 400) + "6.006" + strings.Repeat("0", 400) + "1,\na\n", "0 a 0s+6.006s"},
	{"dates with offsets", "#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2024-01-01T01:00:00.5+01:00\n#EXTINF:4,\na\n#EXT-X-PROGRAM-DATE-TIME:2024-01-01T01:00:10+0100\n#EXTINF:4,\nb\n#EXT-X-PROGRAM-DATE-TIME: 2023-12-31T23:00:20-01\n#EXTINF:4,\nc\n", "0 a 0s+4s at 01:00:00.5\n1 b 4s+4s at 01:00:10\n2 c 8s+4s at 23:00:20"},
	{"ranges without any offset", "#EXTM3U\n#EXTINF:4,\n#EXT-X-BYTERANGE:10\na.ts\n#EXT-X-BYTERANGE:20\n#EXTINF:4,\na.ts\n#EXT-X-BYTERANGE:30\n#EXTINF:4,\nb.ts\n", "0 a.ts 0s+4s bytes(0+10)\n1 a.ts 4s+4s bytes(10+20)\n2 b.ts 8s+4s bytes(0+30)"},
	{"range after the whole resource", "#EXTM3U\n#EXTINF:4,\na\n#EXTINF:4,\n#EXT-X-BYTERANGE:5\na\n", "0 a 0s+4s\n1 a 4s+4s bytes(0+5)"},
	{"range after the map's", "#EXTM3U\n#EXT-X-MAP:URI=\"a\",BYTERANGE=\"7\"\n#EXTINF:4,\n#EXT-X-BYTERANGE:5\na\n#EXTINF:4,\n#EXT-X-BYTERANGE:6\na\n", "0 a 0s+4s bytes(7+5) map(a 0+7)\n1 a 4s+4s bytes(12+6) map(a 0+7)"},
	{"range after the map's, of another resource", "#EXTM3U\n#EXT-X-MAP:URI=\"i\",BYTERANGE=\"7\"\n#EXTINF:4,\n#EXT-X-BYTERANGE:5\na\n", "0 a 0s+4s bytes(0+5) map(i 0+7)"},
	{"ranges with and without offset", "#EXTM3U\n#EXTINF:4,\n#EXT-X-BYTERANGE:10@5\na.ts\n#EXT-X-BYTERANGE:20\n#EXTINF:4,\na.ts\n#EXT-X-BYTERANGE:30\n#EXTINF:4,\na.ts\n", "0 a.ts 0s+4s bytes(5+10)\n1 a.ts 4s+4s bytes(15+20)\n2 a.ts 8s+4s bytes(35+30)"},
	{"map and key go on", "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1F\n#EXT-X-MAP:URI=\"i\",BYTERANGE=\"9@1\"\n#EXTINF:4,\na\n#EXTINF:4,\nb\n#EXT-X-KEY:METHOD=NONE\n#EXT-X-MAP:URI=\"j\",BYTERANGE=\"8\"\n#EXTINF:4,\nc\n", "0 a 0s+4s map(i 1+9 AES-128) key(AES-128 k 0000000000000000000000000000001f)\n1 b 4s+4s map(i 1+9 AES-128) key(AES-128 k 0000000000000000000000000000001f)\n2 c 8s+4s map(j 0+8)"},
	{"keys of several systems", "#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n#EXTINF:4,\na\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k2\"\n#EXTINF:4,\nb\n", "0 a 0s+4s key(SAMPLE-AES skd://x com.apple.streamingkeydelivery) key(SAMPLE-AES k)\n1 b 4s+4s key(SAMPLE-AES skd://x com.apple.streamingkeydelivery) key(SAMPLE-AES k2)"},
	{"key after EXTINF is that segment's", "#EXTM3U\n#EXTINF:4,\na\n#EXTINF:4,\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\nb\n", "0 a 0s+4s\n1 b 4s+4s key(AES-128 k)"},
	{"gap and discontinuity are one segment's", "#EXTM3U\n#EXTINF:4,\na\n#EXT-X-GAP\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\nb\n#EXTINF:4,\nc\n", "0 a 0s+4s\n1 b 4s+4s gap discontinuity\n2 c 8s+4s"},
	{"dates count on and back", "#EXTM3U\n#EXTINF:4,\na\n#EXT-X-PROGRAM-DATE-TIME:2024-01-01T00:00:10.5Z\n#EXTINF:4,\nb\n#EXTINF:4,\nc\n#EXT-X-PROGRAM-DATE-TIME:yesterday\n#EXTINF:4,\nd\n", "0 a 0s+4s at 00:00:06.5\n1 b 4s+4s at 00:00:10.5\n2 c 8s+4s at 00:00:14.5\n3 d 12s+4s at 00:00:18.5"},
	{"delta update", "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:10\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXTINF:4,\na\n", "13 a 0s+4s"},
	{"sequence that is none", "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:later\n#EXTINF:4,\na\n", "0 a 0s+4s"},
	{"a VOD without end", "#EXTM3U\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:4,\na\n", "vod\n0 a 0s+4s"},
	{"parts of a segment and of the edge", "#EXTM3U\n#EXT-X-MAP:URI=\"i\"\n#EXT-X-PART:DURATION=1,URI=\"a.0\",INDEPENDENT=YES,BYTERANGE=\"5@0\"\n#EXT-X-PART:DURATION=1,URI=\"a.0\",BYTERANGE=\"6\"\n#EXTINF:2,\na\n#EXT-X-PART:DURATION=1,URI=\"b.0\",GAP=YES\n", "0 a 0s+2s map(i) part(a.0 1s 0+5 independent) part(a.0 1s 5+6)\nedge 1  2s+0s map(i) part(b.0 1s gap)"},
	{"comma and equals sign in quotes", "#EXTM3U\n#EXT-X-MAP:URI=\"i,METHOD=x?a=b\" , BYTERANGE=\"1@2\"\n#EXTINF:4,\na\n", "0 a 0s+4s map(i,METHOD=x?a=b 2+1)"},
	{"a quote that never ends", "#EXTM3U\n#EXT-X-MAP:URI=\"i,BYTERANGE=1\n#EXTINF:4,\na\n", "0 a 0s+4s map(i,BYTERANGE=1)"},
	{"tags behind one without a name", "#EXTM3U\n#EXT:\n#EXT:#EXTINF:4,\n#EXT:#EXT-X-GAP\n#EXTINF:4,\na\n", "0 a 0s+4s"},
	{"tags of a master in a media playlist", "#EXTM3U\n#EXTINF:4,\na\n#EXT-X-STREAM-INF:BANDWIDTH=1\nb\n", "0 a 0s+4s"},
	{"images and their tiles", "#EXTM3U\n#EXT-X-IMAGES-ONLY\n#EXTINF:1,\na\n#EXTINF:5,\n#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=3x2,DURATION=1\nb\n#EXTINF:9,\nc\n", "0 a 0s+1s image 0\n1 b 1s+5s image 4 tiles(3x2 160x90 1s)\n2 c 6s+9s image 5 tiles(3x2 160x90 1s)"},
	{"images of a recording", "#EXTM3U\n#EXT-X-IMAGES-ONLY\n#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=3x2,DURATION=1\n#EXTINF:5,\na\n#EXT-X-ENDLIST\n", "vod\n0 a 0s+5s image 0 tiles(3x2 160x90 1s)"},
	{"tiles of no images", "#EXTM3U\n#EXTINF:4,\n#EXT-X-TILES:RESOLUTION=x,LAYOUT=0x0,DURATION=-1\na\n", "0 a 0s+4s tiles(0x0 0x0 0s)"},
	{"only the header", "#EXTM3U", ""},

	{"master that ends in EXT-X-START", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=5\na\n#EXT-X-START:TIME-OFFSET=1\n", "master\na 5"},
	{"master that ends in EXT-X-VERSION", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=5\na\n#EXT-X-VERSION:3\n", "master\na 5"},
	{"master with a target duration", "#EXTM3U\n#EXT-X-TARGETDURATION:\n#EXT-X-STREAM-INF:BANDWIDTH=5\n\na\n", "master\na 5"},
	{"images of a master", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=5\na\n#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1,RESOLUTION=160x90,CODECS=\"jpeg\",URI=\"i\"\n#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1\n", "master\na 5\nimages i 1 160x90 jpeg"},
	{"variant without URI", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=5\n#EXT-X-STREAM-INF:BANDWIDTH=6\na\nb\n#EXT-X-STREAM-INF:BANDWIDTH=7\n", "master\na 6"},
	{"I-frame variant between a variant and its URI", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=5\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i\"\na\n", "master\na 5\ni-frames i 1"},
	{"I-frame variants without URI", "#EXTM3U\n#EXT-X-I-FRAME-STREAM-INF\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1\n#EXT-X-STREAM-INF\na\n", "master\na 0"},
	{"attributes that the library reads otherwise", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=\"5\",NAME=\"a,BANDWIDTH=7\", CODECS = avc1\na\n", "master\na 5 avc1 a,BANDWIDTH=7"},
	{"bandwidth over 32 bits", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=5000000000,AVERAGE-BANDWIDTH=-2\na\n", "master\na 5000000000"},
	{"variant in full", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=5,AVERAGE-BANDWIDTH=4,RESOLUTION=640X360,CODECS=\"avc1.64,mp4a.40.2\",FRAME-RATE=25,VIDEO-RANGE=SDR,PATHWAY-ID=\"p\",AUDIO=\"au\",VIDEO=\"vi\",NAME=\"low\"\na\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"s\",PATHWAY-ID=\"p\"\n#EXT-X-INDEPENDENT-SEGMENTS\n", "master\na 5 4 640x360 25 avc1.64,mp4a.40.2 SDR p vi au low\nsteered to p\nindependent"},
	{"size that is none", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=5,RESOLUTION=640\na\n#EXT-X-STREAM-INF:BANDWIDTH=5,RESOLUTION=99999x1\nb\n#EXT-X-STREAM-INF:BANDWIDTH=5,FRAME-RATE=NaN\nc\n", "master\na 5\nb 5\nc 5"},
	{"renditions only", "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"n\",LANGUAGE=\"en\",DEFAULT=YES,URI=\"au.m3u8\"\n#EXT-X-MEDIA:TYPE=VIDEO\n", "master\nrendition AUDIO g n en true au.m3u8\nrendition VIDEO    false "},
	{"session data only", "#EXTM3U\n#EXT-X-SESSION-DATA:DATA-ID=\"x\"\n", "master"},

	{"variables", "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"x?t=1\"\n#EXT-X-DEFINE:NAME=\"b\",VALUE=\"{$a}2\"\n#EXT-X-DEFINE:QUERYPARAM=\"token\"\n#EXT-X-MAP:URI=\"{$b}&{$token}\"\n#EXTINF:4,\n{$a}\n", "0 x?t=1 0s+4s map(x?t=12&s e)"},
	{"what looks like a variable", "#EXTM3U\n#EXTINF:4,\n{$a}\n", "0 {$a} 0s+4s"},
	{"a variable that makes a URI a tag", "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"#EXTINF:9,\"\n#EXTINF:4,\n{$a}\n#EXTINF:4,\nb\n", "0 b 0s+4s"},
	{"a variable that makes a URI blank", "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\" \"\n#EXTINF:4,\n{$a}\n#EXTINF:4,\nb\n", "0 b 0s+4s"},
	{"a variable that makes a URI a tag after a blank", "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\" #EXT\"\n#EXTINF:4,\n{$a}\n#EXTINF:4,\nb\n", "0 b 0s+4s"},
	{"a variable that makes a URI nothing", "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"\"\n#EXTINF:4,\n{$a}\n#EXTINF:4,\nb\n", "0 b 0s+4s"},
}

func TestParse(t *testing.T) {
	base := parseURL(t, "https://host/live/index.m3u8?token=s%20e")
	for _, tt := range traps {
		t.Run(tt.name, func(t *testing.T) {
			data := []byte(tt.playlist)
			p, err := Parse(data, base, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, outline(p)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if string(data) != tt.playlist {
				t.Error("Parse changed its input")
			}
		})
	}
}

func TestParseHeader(t *testing.T) {
	const playlist = `#EXTM3U
#EXT-X-TARGETDURATION:4
#EXT-X-PART-INF:PART-TARGET=0.334
#EXT-X-MEDIA-SEQUENCE:264
#EXT-X-DISCONTINUITY-SEQUENCE:7
#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=24.0,HOLD-BACK=12,PART-HOLD-BACK=1.000,CAN-BLOCK-RELOAD=YES,CAN-SKIP-DATERANGES=YES
#EXT-X-START:TIME-OFFSET=-12.5,PRECISE=YES
#EXT-X-I-FRAMES-ONLY
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-SKIP:SKIPPED-SEGMENTS=3
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p",BYTERANGE-START=5,BYTERANGE-LENGTH=6
#EXT-X-RENDITION-REPORT:URI="../1M/index.m3u8",LAST-MSN=273,LAST-PART=2
#EXT-X-RENDITION-REPORT:URI="../4M/index.m3u8"
`
	p, err := Parse([]byte(playlist), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &Media{
		TargetDuration:        4 * time.Second,
		PartTarget:            334 * time.Millisecond,
		MediaSequence:         264,
		DiscontinuitySequence: 7,
		Live:                  true,
		IFramesOnly:           true,
		IndependentSegments:   true,
		ServerControl: ServerControl{
			CanBlockReload: true, CanSkipUntil: 24 * time.Second, CanSkipDateRanges: true,
			HoldBack: 12 * time.Second, PartHoldBack: time.Second,
		},
		RenditionReports: []RenditionReport{{URI: URI{Text: "../1M/index.m3u8"}, LastSequence: 273, LastPart: 2}, {URI: URI{Text: "../4M/index.m3u8"}, LastSequence: -1, LastPart: -1}},
		Start:            &StartPoint{Offset: -12500 * time.Millisecond, Precise: true},
		Skipped:          3,
	}
	if diff := cmp.Diff(want, p.Media); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// faulty playlists are refused, and the error names the fault.
var faulty = []struct {
	name, playlist, want string
	kind                 error
}{
	{"range that is none", "#EXTM3U\n#EXTINF:4,\n#EXT-X-BYTERANGE:5@\na\n", "unreadable byte range", keyframe.ErrCorrupt},
	{"range of nothing", "#EXTM3U\n#EXTINF:4,\n#EXT-X-BYTERANGE:0@5\na\n", "unreadable byte range", keyframe.ErrCorrupt},
	{"range that overflows", "#EXTM3U\n#EXTINF:4,\n#EXT-X-BYTERANGE:9223372036854775807@1\na\n", "out of range", keyframe.ErrCorrupt},
	{"range that goes on past all bounds", "#EXTM3U\n#EXTINF:4,\n#EXT-X-BYTERANGE:9223372036854775806@1\na\n#EXTINF:4,\n#EXT-X-BYTERANGE:1\na\n", "out of range", keyframe.ErrCorrupt},
	{"negative range", "#EXTM3U\n#EXTINF:4,\n#EXT-X-BYTERANGE:5@-1\na\n", "out of range", keyframe.ErrCorrupt},
	{"range of a map", "#EXTM3U\n#EXT-X-MAP:URI=\"i\",BYTERANGE=\"x\"\n", "EXT-X-MAP", keyframe.ErrCorrupt},
	{"IV that is none", "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,IV=0xZZ\n", "IV", keyframe.ErrCorrupt},
	{"IV too long", "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,IV=0x" + strings.Repeat("0", 33) + "\n", "IV", keyframe.ErrCorrupt},
	{"sequence past all bounds", "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n#EXTINF:4,\na\n", "out of range", keyframe.ErrCorrupt},
	{"skip past all bounds", "#EXTM3U\n#EXT-X-SKIP:SKIPPED-SEGMENTS=99999999999\n#EXTINF:4,\na\n", "EXT-X-SKIP", keyframe.ErrCorrupt},
	{"skip after a segment", "#EXTM3U\n#EXTINF:4,\na\n#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXTINF:4,\nb\n", "EXT-X-SKIP", keyframe.ErrCorrupt},
	{"unknown variable", "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n#EXTINF:4,\n{$c}\n", `"c" is not defined`, keyframe.ErrCorrupt},
	{"variable without end", "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n#EXTINF:4,\n{$a\n", "not defined", keyframe.ErrCorrupt},
	{"no such parameter", "#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM=\"a\"\n", "query parameter", keyframe.ErrCorrupt},
	{"parameter with a line break", "#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM=\"break\"\n", "has a quote or a control character", keyframe.ErrCorrupt},
	{"parameter with a quote", "#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM=\"quote\"\n", "has a quote or a control character", keyframe.ErrCorrupt},
	{"import without a master", "#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"a\"\n", "address of the master", keyframe.ErrUnsupported},
}

func TestParseFaulty(t *testing.T) {
	base := parseURL(t, "https://user:secret@host/live/index.m3u8?break=a%0Ab&quote=a%22b")
	for _, tt := range faulty {
		_, err := Parse([]byte(tt.playlist), base, nil)
		switch {
		case !errors.Is(err, tt.kind), !strings.Contains(err.Error(), tt.want):
			t.Errorf("%s: error %v, want one with %q that wraps %v", tt.name, err, tt.want, tt.kind)
		case strings.ContainsAny(err.Error(), "\n"), strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: error shows too much: %v", tt.name, err)
		}
	}
}

func TestParseImport(t *testing.T) {
	master, err := Parse([]byte("#EXTM3U\n#EXT-X-DEFINE:NAME=\"token\",VALUE=\"t1\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse([]byte("#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"token\"\n#EXTINF:4,\na?{$token}\n"), nil, master.Master)
	if err != nil || p.Media.Segments[0].URI.Text != "a?t1" {
		t.Errorf("got %v, %v", p, err)
	}
	_, err = Parse([]byte("#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"other\"\n"), nil, master.Master)
	if !errors.Is(err, keyframe.ErrCorrupt) || !strings.Contains(err.Error(), "no variable") {
		t.Errorf("importing an unknown variable: %v", err)
	}
}

func TestParseNotAPlaylist(t *testing.T) {
	ts := bytes.Repeat(append([]byte{0x47}, make([]byte, 187)...), 3)
	tests := []struct{ data, want string }{
		{"", "empty"},
		{" \n\n", "blank"},
		{"\xef\xbb\xbf <!DOCTYPE HTML><p>", "HTML"},
		{"\n<html><body>403", "HTML"},
		{"<?xml version=\"1.0\"?>\n<html>", "HTML"},
		{"<?xml version=\"1.0\"?><MPD xmlns=\"\">", "DASH"},
		{"<Error><Code>AccessDenied</Code>", "XML"},
		{`{"error":"gone"}`, "JSON"},
		{"[]", "JSON"},
		{"\x1f\x8b\x08\x00", "gzip"},
		{string(ts), "transport stream"},
		{"\x00\x00\x00\x18ftypmp42", "MP4"},
		{"\x00\x01\x02\x03", "binary"},
		{"#EXT-X-VERSION:3\n#EXTM3U\n#EXTINF:1,\na\n", "does not begin with #EXTM3U"},
		{"not found", "text"},
		{"# only\n# comments", "text"},
	}
	for _, tt := range tests {
		_, err := Parse([]byte(tt.data), nil, nil)
		if !errors.Is(err, keyframe.ErrCorrupt) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.20q: error %v, want one with %q", tt.data, err, tt.want)
		}
		if IsPlaylist([]byte(tt.data)) {
			t.Errorf("%.20q: taken for a playlist", tt.data)
		}
	}
}
