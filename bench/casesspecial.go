package bench

import (
	"fmt"
	"time"
)

// iframeStage has an I-frame playlist for each rendition (RFC 8216 4.3.3.6).
// The tables of the transport stream come as EXT-X-MAP.
func iframeStage(m *media, step int) (*stage, error) {
	var extra []string
	for _, r := range ladder {
		extra = append(extra, fmt.Sprintf(`#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=%d,RESOLUTION=%dx%d,CODECS="avc1.640028",URI="%s-iframes.m3u8"`,
			r.Bandwidth/3, r.Width, r.Height, r.Name))
	}
	s := newStage("iframe", ladder, avcCodecs, extra...)
	for i, r := range ladder {
		s.files["iframe/"+r.Name+".m3u8"] = livePlaylist(windowSize, segmentTime, step, func(n int) string {
			return fmt.Sprintf("../ladder/%s-%d.ts", r.Name, n)
		}).String()
		p, pieces, err := m.listIframes(r, step)
		if err != nil {
			return nil, err
		}
		name := "iframe/" + r.Name + "-iframes.m3u8"
		s.files[name] = p.String()
		tables, picture := Body{"tables", pieces[0].to}, Body{"keyframe", pieces[1].to - pieces[1].from}
		switch i {
		case 0:
			s.setCosts(name, []Body{tables}, []Body{picture})
			s.reference = pieces
		case len(ladder) - 1:
			s.setSmallCosts(name, tables, picture)
			s.smallReference = pieces
		}
	}
	return s, nil
}

// listIframes returns a playlist of the keyframes of a window, and as pieces the tables
// and the newest keyframe.
func (m *media) listIframes(r Rendition, step int) (*playlist, []piece, error) {
	p := &playlist{version: 5, target: segmentTime, first: step, header: []string{"#EXT-X-I-FRAMES-ONLY"}}
	var pieces []piece
	for n := step; n < step+windowSize; n++ {
		file := fmt.Sprintf("%s-%d.ts", r.Name, n)
		b, err := m.readFile("ladder", file)
		if err != nil {
			return nil, nil, err
		}
		units := keyframeUnits(tsUnits(b))
		if len(units) == 0 {
			return nil, nil, fmt.Errorf("%s holds no keyframe", file)
		}
		for _, u := range units {
			p.entries = append(p.entries, entry{
				duration: segmentTime / time.Duration(len(units)),
				after:    []string{"#EXT-X-BYTERANGE:" + byteRange(u.start, u.end)},
				uri:      "../ladder/" + file,
			})
		}
		if n == step {
			p.header = append(p.header, fmt.Sprintf(`#EXT-X-MAP:URI="../ladder/%s",BYTERANGE="%s"`, file, byteRange(0, units[0].start)))
		}
		path := m.filePath("ladder", file)
		newest := units[len(units)-1]
		pieces = []piece{{path, 0, units[0].start}, {path, newest.start, newest.end}}
	}
	return p, pieces, nil
}

// The low-latency playlist has whole segments and the first parts of the newest one,
// which end in the middle of its second GOP.
const (
	partsListed    = 7 // of the newest segment
	independent    = 4 // parts from one keyframe to the next
	partsTarget    = "0.52"
	partsHoldBack  = "1.56"
	segmentsListed = windowSize - 1
)

func partsStage(m *media, step int) (*stage, error) {
	s := newStage("ll-hls", ladder[:1], avcCodecs)
	p := livePlaylist(segmentsListed, segmentTime, step, func(n int) string { return fmt.Sprintf("../ladder/whole-%d.m4s", n) })
	p.version = 9
	p.header = []string{
		"#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=" + partsHoldBack,
		"#EXT-X-PART-INF:PART-TARGET=" + partsTarget,
		`#EXT-X-MAP:URI="../ladder/part-init.mp4"`,
	}
	newest := step + segmentsListed
	p.entries[segmentsListed-1].before = partLines(newest-1, partsInSegment)
	p.trailer = append(partLines(newest, partsListed),
		fmt.Sprintf(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="../ladder/part-%d.m4s"`, newest*partsInSegment+partsListed))
	s.files[s.media] = p.String()

	last := fmt.Sprintf("part-%d.m4s", newest*partsInSegment+(partsListed-1)/independent*independent)
	init, bodies, err := m.firstSampleCosts("ladder", "part-init.mp4", last)
	if err != nil {
		return nil, err
	}
	s.setCosts(s.media, []Body{init}, bodies)
	s.reference = []piece{{file: m.filePath("ladder", "part-init.mp4")}, {file: m.filePath("ladder", last)}}
	return s, nil
}

// partLines returns the tags of the first parts of a segment.
func partLines(segment, count int) []string {
	var out []string
	for i := range count {
		// A GOP of 50 pictures has three parts of 13 and one of 11.
		line := fmt.Sprintf(`#EXT-X-PART:DURATION=%s,URI="../ladder/part-%d.m4s"`, partDuration(i), segment*partsInSegment+i)
		if i%independent == 0 {
			line += ",INDEPENDENT=YES"
		}
		out = append(out, line)
	}
	return out
}

func partDuration(i int) string {
	if i%independent == independent-1 {
		return "0.44"
	}
	return partsTarget
}

const (
	dvrSegments = 5400
	dvrMade     = 10 // files that exist; the server maps all names to them
	dvrSkipped  = dvrSegments - 9
)

// dvrServer is nginx's configuration for the case: the names of six hours of segments,
// the compressed playlist, and its delta update (RFC 8216bis 6.2.5.1).
var dvrServer = []string{
	`rewrite ^/dvr/seg-\d*(\d)\.ts$ /ladder/dvr-$1.ts break;`,
	`location = /dvr/1080p.m3u8 {
			gzip on;
			gzip_comp_level 6;
			gzip_types application/vnd.apple.mpegurl;
			if ($arg__HLS_skip = YES) { rewrite ^ /dvr/delta.m3u8 break; }
		}`,
}

func dvrStage(m *media, step int) (*stage, error) {
	s := newStage("dvr", ladder[:1], avcCodecs)
	p := livePlaylist(dvrSegments, dvrSegmentTime, step, func(n int) string { return fmt.Sprintf("seg-%05d.ts", n) })
	p.version = 9
	p.header = []string{"#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=36"}
	s.files[s.media] = p.String()
	delta := *p
	delta.entries = p.entries[dvrSkipped:]
	delta.header = append(p.header[:1:1], fmt.Sprintf("#EXT-X-SKIP:SKIPPED-SEGMENTS=%d", dvrSkipped))
	s.files["dvr/delta.m3u8"] = delta.String()

	last := fmt.Sprintf("dvr-%d.ts", (step+dvrSegments-1)%dvrMade)
	b, err := m.readFile("ladder", last)
	if err != nil {
		return nil, err
	}

	n, err := firstKeyframeEnd(b)
	if err != nil {
		return nil, err
	}
	picture := Body{"segment, to the keyframe's end", n}
	s.cold = []Body{
		{"master playlist", int64(len(s.files[s.master]))},
		{"media playlist, gzip", gzipSize(s.files[s.media])},
		picture,
	}
	s.again = []Body{{"delta update, gzip", gzipSize(s.files["dvr/delta.m3u8"])}, picture}
	s.reference = []piece{{file: m.filePath("ladder", last)}}
	return s, nil
}
