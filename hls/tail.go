package hls

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"time"
)

const (
	// minByEnd is the size above which only the end of a playlist is requested, if the
	// server does not compress. Below it, the saving is not worth the request that is
	// wasted if the end does not join up.
	minByEnd = 64 << 10
	// minEnd holds a hint, the reports on other renditions and some segments.
	minEnd = 4 << 10
	// keptEnd is how much of the text is kept to find the seam.
	keptEnd = 32 << 10
)

// Ending is the last lines of a large media playlist's text, as they were last
// seen.
type Ending struct {
	text     []byte // whole lines
	total    int64  // bytes of the playlist
	segments int    // listed when the playlist was last read whole
}

// Ending returns the ending of text, which is all of the playlist m. It is nil if m is
// too small to gain by it, or if it defines variables: the meaning of the end depends
// on them, and a token in them may change.
func (m *Media) Ending(text []byte) *Ending {
	if len(text) < minByEnd || bytes.Contains(text, []byte(tagDefine)) {
		return nil
	}
	return &Ending{text: lastLines(text), total: int64(len(text)), segments: len(m.Segments)}
}

func lastLines(text []byte) []byte {
	if cut := len(text) - keptEnd; cut > 0 {
		text = wholeLines(text[cut:])
	}
	return bytes.Clone(text)
}

// wholeLines drops the first line, whose beginning may be missing.
func wholeLines(cut []byte) []byte {
	_, rest, _ := bytes.Cut(cut, newline)
	return rest
}

// Need returns how many bytes of the playlist's end to ask for: twice what was
// probably added since media was fetched, age ago, and the last segment that both
// have. It is 0 if the whole playlist is to be read, because the end would be too
// long, or because the server may have removed a quarter of what media lists.
func (e *Ending) Need(media *Media, age time.Duration) int64 {
	if e == nil || age < 0 || len(media.Segments) == 0 || len(media.Segments) > e.segments+e.segments/4 {
		return 0
	}

	last := media.Segments[len(media.Segments)-1].Duration
	added := 1 + int64(age/max(last, media.TargetDuration/2, time.Second))
	if added > keptEnd {
		return 0
	}

	n := max(2*added*(e.total/int64(len(media.Segments))+1), minEnd)
	if parts := bytes.Index(e.text, []byte(tagPart)); parts >= 0 {
		n += int64(len(e.text) - parts)
	}
	if n > min(e.total, keptEnd)/2 {
		return 0
	}
	return n
}

// makeDelta makes a delta update of tail, the end of the playlist's current text.
// media is the previous playlist, and e the ending of its text. It also returns the
// ending for the next time. It finds the newest segment of media in both texts; the
// lines after it in tail are new. It returns nil if the seam is not certain: the
// segment is not in tail, or cannot be recognised because its byte range has no offset
// or it is there twice, or the lines before it differ.
//
// It ignores the header, whose tags do not change (RFC 8216 6.2.1), except for the
// media sequence number, which is counted on from media's.
func (e *Ending) makeDelta(media *Media, tail []byte) ([]byte, *Ending) {
	tail = wholeLines(tail)
	before, now := segmentLines(e.text), segmentLines(tail)
	if len(before) == 0 || before[len(before)-1].text != media.Segments[len(media.Segments)-1].URI.Text {
		return nil, nil
	}

	seam := before[len(before)-1].key
	at, ok := now.findOnly(seam)
	older := len(before) - (at + 1) // lines that are not in the tail
	if _, sure := before.findOnly(seam); !ok || !sure || older < 0 {
		return nil, nil
	}

	var text []byte
	for i, l := range before {
		switch {
		case i < older:
			text = append(append(text, l.text...), '\n')
		case l.text != now[i-older].text:
			return nil, nil
		}
	}

	delta := fmt.Appendf(nil, "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-SKIP:SKIPPED-SEGMENTS=%d\n",
		media.MediaSequence, len(media.Segments))
	if media.IFramesOnly {
		delta = append(delta, "#EXT-X-I-FRAMES-ONLY\n"...)
	}
	if media.ImagesOnly {
		delta = append(delta, "#EXT-X-IMAGES-ONLY\n"...)
	}

	next := *e
	next.text = lastLines(append(text, tail...))
	return append(delta, now[at].rest...), &next
}

// Merge appends the new lines of tail to media. tail is the end of the playlist's text
// from the byte at offset on, and e the ending of media's text: see makeDelta. It
// returns nil if the seam is not certain, or the stream has ended.
func (e *Ending) Merge(media *Media, tail []byte, offset int64, base *url.URL, parent *Master) (*Playlist, *Ending) {
	delta, next := e.makeDelta(media, tail)
	if next == nil {
		return nil, nil
	}
	p, err := parseUpdate(delta, base, parent, media)
	if err != nil || !p.Media.Live || p.Media.Skipped > 0 {
		return nil, nil
	}
	next.total = offset + int64(len(tail))
	return p, next
}

// parseUpdate reads a delta update from makeDelta, with the header of media.
func parseUpdate(delta []byte, base *url.URL, parent *Master, media *Media) (*Playlist, error) {
	p, err := parsePlaylist(delta, base, parent, media)
	if err != nil {
		return nil, err
	}
	m := p.Media
	m.TargetDuration, m.PartTarget = media.TargetDuration, media.PartTarget
	m.DiscontinuitySequence = media.DiscontinuitySequence
	m.Live = m.Live && media.Live
	m.IndependentSegments = media.IndependentSegments
	m.ServerControl, m.Start = media.ServerControl, media.Start
	return p, nil
}

// textLine is a line that stays with its segment, unlike parts and hints, which come
// and go near the edge.
type textLine struct {
	text string
	key  string // of a URI: with its byte range; "" if that has no offset
	rest []byte // the text after it
}

type textLines []textLine

// segmentLines reads text up to its last URI.
func segmentLines(text []byte) textLines {
	var lines textLines
	span, end := "", 0

	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, newline)
		line, text = bytes.TrimSpace(line), rest
		name, value, _ := bytes.Cut(line, []byte(":"))
		l := textLine{text: string(line), rest: rest}
		switch string(name) {
		case "#EXT-X-BYTERANGE":
			span = string(value)
		case tagInf, "#EXT-X-KEY", "#EXT-X-MAP", "#EXT-X-DISCONTINUITY", "#EXT-X-GAP", "#EXT-X-PROGRAM-DATE-TIME":
		default:
			if len(line) == 0 || line[0] == '#' {
				continue
			}
			if span == "" || strings.Contains(span, "@") {
				l.key = strings.TrimSpace(l.text + " " + span)
			}
			span, end = "", len(lines)+1
		}
		lines = append(lines, l)
	}

	return lines[:end]
}

// findOnly returns the one line that has the key; false if there are none or
// several.
func (lines textLines) findOnly(key string) (at int, ok bool) {
	at = -1
	for i, l := range lines {
		if key != "" && l.key == key {
			if ok {
				return at, false
			}
			at, ok = i, true
		}
	}
	return at, ok
}
