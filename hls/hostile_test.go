package hls

import (
	"bytes"
	"fmt"
	"strings"
)

// hostile playlists of about n bytes each make one step expensive.
var hostile = map[string]func(n int) []byte{
	"dvr":                     fill("#EXTM3U\n#EXT-X-TARGETDURATION:2\n", "#EXTINF:2.000,\nseg-%06d.ts?token="+strings.Repeat("a", 220)+"\n"),
	"dated dvr":               fill("#EXTM3U\n", "#EXTINF:2.000,\n#EXT-X-PROGRAM-DATE-TIME:2024-01-01T00:00:00.000Z\nseg-%06d.ts\n"),
	"tiny segments":           fill("#EXTM3U\n", "#EXTINF:\na\n"),
	"keys":                    fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n"),
	"key and map per segment": fill("#EXTM3U\n#EXT-X-TARGETDURATION:2\n", "#EXT-X-KEY:METHOD=AES-128,URI=\"k,%d\",IV=0x1,KEYFORMAT=\"identity\",KEYFORMATVERSIONS=\"1\",KEYID=0x1\n#EXT-X-MAP:URI=\"i,%d\",BYTERANGE=\"9@9\"\n#EXTINF:2,\nseg%d.m4s\n"),
	"key per segment":         fill("#EXTM3U\n", "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1\n#EXTINF:1,\na\n"),
	"key formats":             fill("#EXTM3U\n", "#EXT-X-KEY:METHOD=AES-128,KEYFORMAT=\"%d\"\n#EXTINF:1,\na\n"),
	"maps":                    fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-MAP:URI=\"i\",BYTERANGE=\"1@1\"\n"),
	"parts":                   fill("#EXTM3U\n", "#EXT-X-PART:URI=\"p\",BYTERANGE=1@1\n"),
	"reports":                 fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-RENDITION-REPORT:URI=p\n"),
	"bad dates":               fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-PROGRAM-DATE-TIME:"+strings.Repeat("9", 60000)+"\n"),
	"rotating keys":           fill("#EXTM3U\n", repeat(maxKeys, "#EXT-X-KEY:KEYFORMAT=\"%d\"\n")+"#EXTINF:1,\na\n"),
	"keys and maps":           fill("#EXTM3U\n"+repeat(maxKeys, "#EXT-X-KEY:KEYFORMAT=\"%d\"\n"), "#EXT-X-KEY:KEYFORMAT=\"0\"\n#EXT-X-MAP:URI=\"i\"\n"),
	"keys, fewer attributes":  fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-KEY:a=b\n"),
	"attributes":              fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-KEY:"+strings.Repeat("a=b,", 16000)+"\n"),
	"least attributes":        fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-KEY:"+strings.Repeat("=,", 30000)+"\n"),
	"unclosed quotes":         fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-KEY:"+strings.Repeat("a=\"", 20000)+"\n"),
	"long name":               fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-KEY:"+strings.Repeat("a", 60000)+"\n"),
	"no attributes":           fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-KEY:"+strings.Repeat(`,"`, 16000)+"\n"),
	"blank lines":             fill("#EXTM3U\n", "\n"),
	"comments":                fill("#EXTM3U\n", "# "+strings.Repeat("c", 60000)+"\n"),
	"dates that end wrong":    fill("#EXTM3U\n", "#EXTINF:1,\n#EXT-X-PROGRAM-DATE-TIME:2024-01-01T00:00:00.123456789+01:0x\na\n"),
	"sequences":               fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-MEDIA-SEQUENCE:1844674407370955161\n"),
	"playlist types":          fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-PLAYLIST-TYPE:"+strings.Repeat("E", 60000)+"\n"),
	"target durations":        fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-TARGETDURATION:9007199254740993.00000000001\n"),
	"exact durations":         fill("#EXTM3U\n", "#EXTINF:9007199254740993.00000000000000000001,\na\n"),
	"long durations":          fill("#EXTM3U\n", "#EXTINF:"+strings.Repeat("9", 60000)+",\na\n"),
	"wide blanks":             fill("#EXTM3U\n", strings.Repeat("\u2003", 20000)+"\n"),
	"wide URIs":               fill("#EXTM3U\n", "#EXTINF:1,\n"+strings.Repeat("\u2003", 20000)+"a\n"),
	"next lines":              fill("#EXTM3U\n", strings.Repeat("\u0085", 30000)+"\n"),
	"byte ranges":             fill("#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:1@0\na\n", "#EXTINF:1,\n#EXT-X-BYTERANGE:1\na\n"),
	"most parts": func(n int) []byte {
		return fill("#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2020-01-01T00:00:00Z\n", "#EXT-X-PART:URI=\"p\",INDEPENDENT=YES,DURATION=1.0000001\n")(min(n, maxParts*58))
	},
	"discontinuities":         fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-DISCONTINUITY\n"),
	"unread tags":             fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-DATERANGE:"+strings.Repeat("a=b,", 15000)+"\n"),
	"no header":               fill("", "# "+strings.Repeat("c", 20)+"\n"),
	"orphans":                 fill("#EXTM3U\n#EXTINF:1,\na\n", "b\n"),
	"unpaired EXTINF":         fill("#EXTM3U\n", "#EXTINF:1,\n"),
	"tags":                    fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT\n"),
	"variants":                fill("#EXTM3U\n", "#EXT-X-STREAM-INF:BANDWIDTH=1\na\n"),
	"variant, long":           fill("#EXTM3U\n", "#EXT-X-STREAM-INF:"+strings.Repeat("a=b,", 16000)+"\na\n"),
	"variant, lines of 12 kB": fill("#EXTM3U\n", "#EXT-X-STREAM-INF:"+strings.Repeat("a=b,", 3000)+"\na\n"),
	"video renditions":        fill("#EXTM3U\n", "#EXT-X-MEDIA:TYPE=VIDEO,DEFAULT=YES,URI=\"a\",GROUP-ID=\"%d\"\n"),
	"image variants":          fill("#EXTM3U\n#EXT-X-STREAM-INF:\na\n", "#EXT-X-IMAGE-STREAM-INF:URI=i\n"),
	"tiles":                   fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-TILES:\n"),
	"tiles per image":         fill("#EXTM3U\n#EXT-X-IMAGES-ONLY\n", "#EXT-X-TILES:LAYOUT=9x9,DURATION=1\n#EXTINF:\na\n"),
	"i-frame variants":        fill("#EXTM3U\n", "#EXT-X-I-FRAME-STREAM-INF:URI=i\n"),
	// For this master of 83 kB, the library alone took 68 s and 21.7 GB.
	"renditions": func(n int) []byte {
		media := fill("#EXTM3U\n", "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"n%d\",URI=\"a%d.m3u8\"\n")(n / 2)
		return append(media, fill("", "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nv%d.m3u8\n")(n/2)...)
	},
	"definitions":               fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-DEFINE:NAME=\"n%d\",VALUE=\"v\"\n"),
	"query definitions":         fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-DEFINE:QUERYPARAM=\"q\"\n"),
	"expansion":                 fill("#EXTM3U\n#EXT-X-DEFINE:NAME=\"n\",VALUE=\""+strings.Repeat("v", 60000)+"\"\n", "#EXTINF:1,\n{$n}\n"),
	"doubling":                  fill("#EXTM3U\n#EXT-X-DEFINE:NAME=\"n\",VALUE=\"vv\"\n", "#EXT-X-DEFINE:NAME=\"n\",VALUE=\"{$n}{$n}\"\n"),
	"empty variables":           fill("#EXTM3U\n#EXT-X-DEFINE:NAME=\"n\",VALUE=\"\"\n", "#EXTINF:1,\n"+strings.Repeat("{$n}", 16000)+"\n"),
	"long definitions":          fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-DEFINE:NAME=\"n\",VALUE=\""+strings.Repeat("v", 60000)+"\"\n"),
	"open braces":               fill("#EXTM3U\n#EXT-X-DEFINE:NAME=\"n\",VALUE=\"\"\n", "#EXTINF:1,\n"+strings.Repeat("{", 60000)+"\n"),
	"four variables":            fill("#EXTM3U\n#EXT-X-DEFINE:NAME=\"n\",VALUE=\"v\"\n", "#EXTINF:1,\n{$n}{$n}{$n}{$n}\n"),
	"attributes of definitions": fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-DEFINE:"+strings.Repeat("a=b,", 16000)+"\n"),
	"definition expansion":      fill("#EXTM3U\n#EXT-X-DEFINE:NAME=\"n\",VALUE=\""+strings.Repeat("v", 60000)+"\"\n", "#EXT-X-DEFINE:NAME=\"n%d\",VALUE=\"{$n}\"\n"),
}

// fill repeats a block, in which %d is its number, up to n bytes or the maximum
// number of lines.
func fill(head, block string) func(n int) []byte {
	lines := strings.Count(block, "\n")
	numbered := strings.Contains(block, "%")
	format := strings.ReplaceAll(block, "%d", "%[1]d")
	return func(n int) []byte {
		out := bytes.NewBufferString(head)
		for i := 0; out.Len()+len(block) <= n && i < (maxLines-10-strings.Count(head, "\n"))/lines; i++ {
			if numbered {
				fmt.Fprintf(out, format, i)
			} else {
				out.WriteString(block)
			}
		}
		return out.Bytes()
	}
}

// repeat returns n blocks, in which %d is the number.
func repeat(n int, block string) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, block, i)
	}
	return out.String()
}
