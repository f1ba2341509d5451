package bench

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"strings"
	"time"
)

// Case is one kind of stream on one kind of server.
type Case struct {
	Name, What string
	server     string // the name of one of the origin's
	ladder     bool   // has several renditions to choose from
	build      func(m *media, step int) (*stage, error)
}

// The origin's servers.
const (
	plainServer   = "plain"
	noRangeServer = "no-ranges"
	tlsServer     = "tls"
)

// Cases lists all cases.
func Cases() []Case {
	return []Case{
		{"ts", "MPEG-TS, three renditions, 6 s segments, 2 s GOP", plainServer, true, tsStage},
		{"fmp4", "fMP4, three renditions", plainServer, true, fmp4Stage},
		{"byterange", "MPEG-TS, one file with EXT-X-BYTERANGE", plainServer, false, byteRangeStage},
		{"ll-hls", "Low-Latency HLS, fMP4 parts of half a second", plainServer, false, partsStage},
		{"iframe", "MPEG-TS with I-frame playlists of byte ranges", plainServer, true, iframeStage},
		{"aes128", "MPEG-TS, AES-128", plainServer, false, aesStage},
		{"dvr", "MPEG-TS, DVR playlist of 6 h (5,400 segments), gzip, delta updates", plainServer, false, dvrStage},
		{"h265", "H.265 in fMP4", plainServer, false, h265Stage},
		{"gop10", "MPEG-TS, GOPs and segments of 10 s", plainServer, false, longGOPStage},
		{"no-range", "MPEG-TS, three renditions, from a server without ranges", noRangeServer, true, tsStage},
		{"tls-h2", "MPEG-TS, three renditions, over TLS with HTTP/2 offered", tlsServer, true, tsStage},
	}
}

const (
	avcCodecs  = "avc1.640028,mp4a.40.2"
	hevcCodecs = "hvc1.1.6.L120.90,mp4a.40.2"
)

// newStage returns a stage with a master playlist. Media playlists are at
// CASE/RENDITION.m3u8, media sets below SET/.
func newStage(dir string, renditions []Rendition, codecs string, extra ...string) *stage {
	return &stage{
		master: dir + "/master.m3u8",
		media:  dir + "/" + renditions[0].Name + ".m3u8",
		files:  map[string]string{dir + "/master.m3u8": masterPlaylist(renditions, codecs, extra...)},
	}
}

// setCosts sets what the picture costs: the playlists, setup and picture. Only a new
// client fetches setup.
func (s *stage) setCosts(playlist string, setup, picture []Body) {
	master := Body{"master playlist", int64(len(s.files[s.master]))}
	list := Body{"media playlist", int64(len(s.files[playlist]))}
	s.cold = append(append([]Body{master, list}, setup...), picture...)
	s.again = append([]Body{list}, picture...)
}

// setSmallCosts sets what a picture of the smallest rendition costs: the playlists and
// rest.
func (s *stage) setSmallCosts(playlist string, rest ...Body) {
	s.small = append([]Body{
		{"master playlist", int64(len(s.files[s.master]))},
		{"media playlist", int64(len(s.files[playlist]))},
	}, rest...)
}

// firstKeyframeEnd returns the length of a transport stream up to the end of its first
// keyframe.
func firstKeyframeEnd(b []byte) (int64, error) {
	units := tsUnits(b)
	if len(units) == 0 || !units[0].key {
		return 0, fmt.Errorf("the segment does not begin with a keyframe")
	}
	return units[0].end, nil
}

func livePlaylist(count int, duration time.Duration, step int, name func(n int) string) *playlist {
	p := &playlist{version: 6, target: duration, first: step}
	for n := step; n < step+count; n++ {
		p.entries = append(p.entries, entry{duration: duration, uri: name(n)})
	}
	return p
}

func tsStage(m *media, step int) (*stage, error) {
	s := newStage("ts", ladder, avcCodecs)
	last := step + windowSize - 1
	var heads []Body
	for _, r := range ladder {
		s.files["ts/"+r.Name+".m3u8"] = livePlaylist(windowSize, segmentTime, step, func(n int) string {
			return fmt.Sprintf("../ladder/%s-%d.ts", r.Name, n)
		}).String()
		b, err := m.readFile("ladder", fmt.Sprintf("%s-%d.ts", r.Name, last))
		if err != nil {
			return nil, err
		}
		n, err := firstKeyframeEnd(b)
		if err != nil {
			return nil, err
		}
		heads = append(heads, Body{"segment, to the keyframe's end", n})
	}

	s.setCosts(s.media, nil, heads[:1])
	s.setSmallCosts("ts/360p.m3u8", heads[2])
	s.reference = []piece{{file: m.filePath("ladder", fmt.Sprintf("1080p-%d.ts", last))}}
	s.smallReference = []piece{{file: m.filePath("ladder", fmt.Sprintf("360p-%d.ts", last))}}
	return s, nil
}

// sampleBodies returns what a client must fetch of a segment: its index and the sample,
// in one range if they adjoin.
func sampleBodies(k keySample) []Body {
	if k.start-k.moofEnd <= segmentPayload {
		return []Body{{"segment, to the keyframe's end", k.end}}
	}
	return []Body{{"segment's index", k.moofEnd}, {"keyframe", k.end - k.start}}
}

func fmp4Stage(m *media, step int) (*stage, error) {
	s := newStage("fmp4", ladder, avcCodecs)
	last := step + windowSize - 1
	for i, r := range ladder {
		p := livePlaylist(windowSize, segmentTime, step, func(n int) string { return fmt.Sprintf("../ladder/%s-%d.m4s", r.Name, n) })
		p.header = []string{fmt.Sprintf(`#EXT-X-MAP:URI="../ladder/%s-init.mp4"`, r.Name)}
		s.files["fmp4/"+r.Name+".m3u8"] = p.String()
		init, bodies, err := m.firstSampleCosts("ladder", r.Name+"-init.mp4", fmt.Sprintf("%s-%d.m4s", r.Name, last))
		if err != nil {
			return nil, err
		}
		reference := []piece{{file: m.filePath("ladder", r.Name+"-init.mp4")}, {file: m.filePath("ladder", fmt.Sprintf("%s-%d.m4s", r.Name, last))}}
		switch i {
		case 0:
			s.setCosts(s.media, []Body{init}, bodies)
			s.reference = reference
		case len(ladder) - 1:
			s.setSmallCosts("fmp4/"+r.Name+".m3u8", append([]Body{init}, bodies...)...)
			s.smallReference = reference
		}
	}
	return s, nil
}

// firstSampleCosts returns what an initialisation section and the first sample of a
// segment cost.
func (m *media) firstSampleCosts(set, initFile, segmentFile string) (init Body, picture []Body, err error) {
	head, err := m.readFile(set, initFile)
	if err != nil {
		return Body{}, nil, err
	}
	segment, err := m.readFile(set, segmentFile)
	if err != nil {
		return Body{}, nil, err
	}

	k, err := firstSample(head, segment)
	if err != nil {
		return Body{}, nil, fmt.Errorf("%s: %w", segmentFile, err)
	}
	return Body{"initialisation section", int64(len(head))}, sampleBodies(k), nil
}

func byteRangeStage(m *media, step int) (*stage, error) {
	s := newStage("byterange", ladder[:1], avcCodecs)
	b, err := m.readFile("ladder", "single.ts")
	if err != nil {
		return nil, err
	}

	text, err := m.readFile("ladder", "single.m3u8")
	if err != nil {
		return nil, err
	}
	ranges, err := readRanges(string(text))
	if err != nil {
		return nil, err
	}

	p := livePlaylist(windowSize, segmentTime, step, func(int) string { return "../ladder/single.ts" })
	for i := range p.entries {
		r := ranges[step+i]
		p.entries[i].after = []string{"#EXT-X-BYTERANGE:" + byteRange(r.start, r.end)}
	}

	s.files[s.media] = p.String()
	last := ranges[step+windowSize-1]
	n, err := firstKeyframeEnd(b[last.start:last.end])
	if err != nil {
		return nil, err
	}
	s.setCosts(s.media, nil, []Body{{"segment, to the keyframe's end", n}})
	s.reference = []piece{{m.filePath("ladder", "single.ts"), last.start, last.end}}
	return s, nil
}

// readRanges returns the EXT-X-BYTERANGE tags of a playlist that ffmpeg wrote.
func readRanges(text string) ([]span, error) {
	var out []span
	for line := range strings.Lines(text) {
		value, ok := strings.CutPrefix(line, "#EXT-X-BYTERANGE:")
		if !ok {
			continue
		}
		var n, at int64
		if _, err := fmt.Sscanf(value, "%d@%d", &n, &at); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		out = append(out, span{start: at, end: at + n})
	}

	if len(out) < ladderSegments {
		return nil, fmt.Errorf("%d byte ranges, want %d", len(out), ladderSegments)
	}
	return out, nil
}

func aesStage(m *media, step int) (*stage, error) {
	s := newStage("aes128", ladder[:1], avcCodecs)
	p := livePlaylist(windowSize, segmentTime, step, func(n int) string { return fmt.Sprintf("../ladder/1080p-aes-%d.ts", n) })
	p.header = []string{`#EXT-X-KEY:METHOD=AES-128,URI="../ladder/key.bin"`}
	s.files[s.media] = p.String()
	clear := fmt.Sprintf("1080p-%d.ts", step+windowSize-1)
	b, err := m.readFile("ladder", clear)
	if err != nil {
		return nil, err
	}
	n, err := firstKeyframeEnd(b)
	if err != nil {
		return nil, err
	}
	const block = 16
	s.setCosts(s.media, []Body{{"key", block}}, []Body{{"segment, to the keyframe's last block", (n + block - 1) / block * block}})
	s.reference = []piece{{file: m.filePath("ladder", clear)}}
	return s, nil
}

func h265Stage(m *media, step int) (*stage, error) {
	r := ladder[0]
	r.Bandwidth = 3_000_000
	s := newStage("h265", []Rendition{r}, hevcCodecs)
	p := livePlaylist(shortWindow, segmentTime, step, func(n int) string { return fmt.Sprintf("../h265/%d.m4s", n) })
	p.header = []string{`#EXT-X-MAP:URI="../h265/init.mp4"`}
	s.files[s.media] = p.String()
	last := fmt.Sprintf("%d.m4s", step+shortWindow-1)
	init, bodies, err := m.firstSampleCosts("h265", "init.mp4", last)
	if err != nil {
		return nil, err
	}
	s.setCosts(s.media, []Body{init}, bodies)
	s.reference = []piece{{file: m.filePath("h265", "init.mp4")}, {file: m.filePath("h265", last)}}
	return s, nil
}

func longGOPStage(m *media, step int) (*stage, error) {
	s := newStage("gop10", ladder[:1], avcCodecs)
	s.files[s.media] = livePlaylist(shortWindow, longGOP, step, func(n int) string { return fmt.Sprintf("../gop10/%d.ts", n) }).String()
	last := fmt.Sprintf("%d.ts", step+shortWindow-1)
	b, err := m.readFile("gop10", last)
	if err != nil {
		return nil, err
	}

	n, err := firstKeyframeEnd(b)
	if err != nil {
		return nil, err
	}
	s.setCosts(s.media, nil, []Body{{"segment, to the keyframe's end", n}})
	s.reference = []piece{{file: m.filePath("gop10", last)}}
	return s, nil
}

// linkSets links the sets' directories into root.
func (m *media) linkSets(root string) error {
	for set, dir := range m.dirs {
		if err := os.Symlink(dir, root+"/"+set); err != nil && !os.IsExist(err) {
			return err
		}
	}
	return nil
}

// gzipSize returns the length of a text after gzip.
func gzipSize(text string) int64 {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	w.Write([]byte(text)) //nolint:errcheck // a buffer accepts everything
	w.Close()
	return int64(b.Len())
}
