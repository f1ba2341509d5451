package hls

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/kfgrab/kfgrab/keyframe"
)

var (
	newline = []byte("\n")
	bom     = []byte("\xef\xbb\xbf")
)

// Tags that more than one place reads.
const (
	tagHeader          = "#EXTM3U"
	tagInf             = "#EXTINF"
	tagPart            = "#EXT-X-PART"
	tagKey             = "#EXT-X-KEY"
	tagStreamInf       = "#EXT-X-STREAM-INF"
	tagIFrameStreamInf = "#EXT-X-I-FRAME-STREAM-INF"
	tagImageStreamInf  = "#EXT-X-IMAGE-STREAM-INF"
	tagDefine          = "#EXT-X-DEFINE"
	tagMediaSequence   = "#EXT-X-MEDIA-SEQUENCE"

	// tagLost is noted where a URI was dropped.
	tagLost = ""
)

// tagKind is how a tag is processed.
type tagKind uint8

const (
	ignored    tagKind = iota
	paired             // it belongs to the URI that follows
	definition         // it changes the lines that follow
	header             // about the whole playlist
	noted              // about a segment, variant or rendition
)

func kindOf(name string) tagKind {
	switch name {
	case tagInf, tagStreamInf:
		return paired
	case tagDefine:
		return definition
	case tagMediaSequence, "#EXT-X-DISCONTINUITY-SEQUENCE", "#EXT-X-PLAYLIST-TYPE", "#EXT-X-I-FRAMES-ONLY", "#EXT-X-ENDLIST",
		"#EXT-X-TARGETDURATION", "#EXT-X-INDEPENDENT-SEGMENTS", "#EXT-X-IMAGES-ONLY", "#EXT-X-PART-INF", "#EXT-X-SERVER-CONTROL",
		"#EXT-X-START", "#EXT-X-SKIP", "#EXT-X-CONTENT-STEERING":
		return header
	case tagIFrameStreamInf, tagImageStreamInf, "#EXT-X-MEDIA", "#EXT-X-BYTERANGE", "#EXT-X-BITRATE", "#EXT-X-DISCONTINUITY", "#EXT-X-GAP",
		"#EXT-X-PROGRAM-DATE-TIME", tagKey, "#EXT-X-MAP", tagPart, "#EXT-X-TILES", "#EXT-X-RENDITION-REPORT":
		return noted
	}
	return ignored
}

// tag is one line of a playlist that begins with #EXT, in the order of the playlist.
type tag struct {
	name   string // "#EXT-X-KEY"
	value  string // the text after the colon
	before int    // URIs before the tag
}

// scanned is a playlist in two parts, its variables replaced: the pairs of tag and
// URI, for the library, and all other tags.
type scanned struct {
	// pairs are lines of EXTINF with a number, or of EXT-X-STREAM-INF without
	// attributes, each directly before its URI. There is no newline at the end.
	pairs  []byte
	uris   int
	tags   []tag
	master bool
}

// scanLines goes once over the lines after #EXTM3U.
func scanLines(body []byte, vars *variables) (*scanned, error) {
	s := &scanner{vars: vars, out: scanned{master: isMaster(body)}, limit: MaxBytes, opener: tagInf}
	if s.out.master {
		s.limit, s.opener = maxMasterBytes, tagStreamInf
	}

	if len(body) > s.limit {
		return nil, tooLong(s.limit)
	}
	s.out.pairs = make([]byte, 0, len(body)+min(len(body)/4, maxLines)) // an EXTINF may grow by two bytes
	s.out.tags = make([]tag, 0, bytes.Count(body, []byte("#EXT-X-")))

	for line := range bytes.SplitSeq(body, newline) {
		if err := s.scanLine(bytes.TrimSpace(line)); err != nil {
			return nil, err
		}
	}
	s.out.pairs = bytes.TrimSuffix(s.out.pairs, newline)
	return &s.out, nil
}

type scanner struct {
	out    scanned
	vars   *variables
	limit  int
	opener string // the tag that a URI needs
	opened bool   // it was there, and its URI was not yet
	held   []byte // its value

	size, attributes, headers int // so far
}

func (s *scanner) scanLine(line []byte) error {
	switch {
	case len(line) == 0:
		return nil
	case len(line) > maxLine:
		return fmt.Errorf("%w: a line of more than %d bytes", keyframe.ErrCorrupt, maxLine)
	}

	isURI := line[0] != '#'
	name, kind := line[:0], ignored
	if !isURI {
		name, _, _ = bytes.Cut(line, []byte(":"))
		if kind = kindOf(string(name)); kind == ignored {
			return nil
		}
	}

	line, err := s.vars.expandLine(line)
	if s.size += len(line); err == nil && s.size > s.limit {
		err = tooLong(s.limit)
	}
	if err != nil {
		return err
	}

	line = bytes.TrimSpace(line)
	if isURI {
		s.pairURI(line)
		return nil
	}
	return s.scanTag(kind, line, len(name))
}

// scanTag reads a line that begins with the tag's name, of n bytes.
func (s *scanner) scanTag(kind tagKind, line []byte, n int) error {
	if kind == paired {
		s.holdOpener(line, n)
		return nil
	}
	if kind == header {
		if s.headers++; s.headers > maxHeaders {
			return tooMany("tags of a header", maxHeaders)
		}
	}

	text := string(line)
	t := tag{name: text[:n], value: strings.TrimPrefix(text[n:], ":")}
	if s.attributes += 1 + strings.Count(t.value, ","); s.attributes > maxAttributes {
		return tooMany("attributes", maxAttributes)
	}

	if kind == definition {
		return s.vars.defineVariable(t.value)
	}
	s.noteTag(t)

	return nil
}

func (s *scanner) noteTag(t tag) {
	t.before = s.out.uris
	s.out.tags = append(s.out.tags, t)
}

// holdOpener keeps an EXTINF or EXT-X-STREAM-INF back until its URI. Tags between
// the two are then noted before it, where they mean the same and are counted with the
// right segment. If several openers come without URI, the last counts. Openers of the
// other kind of playlist do not count.
func (s *scanner) holdOpener(line []byte, n int) {
	if string(line[:n]) == s.opener {
		s.opened, s.held = true, append(s.held[:0], bytes.TrimPrefix(line[n:], []byte(":"))...)
	}
}

func (s *scanner) pairURI(line []byte) {
	opened := s.opened
	s.opened = false
	switch {
	case !opened, len(line) == 0, line[0] == '#': // the latter two by variables
		if len(s.out.tags) == 0 || s.out.tags[len(s.out.tags)-1].name != tagLost {
			s.noteTag(tag{name: tagLost})
		}
		return
	case s.out.master:
		s.noteTag(tag{name: tagStreamInf, value: string(s.held)})
		s.addPair([]byte(tagStreamInf+":\n"), line, newline)
	default:
		s.addPair([]byte(tagInf+":"), leadingNumber(s.held), []byte(",\n"), line, newline)
	}
	s.out.uris++
}

func (s *scanner) addPair(parts ...[]byte) {
	need := 0
	for _, p := range parts {
		need += len(p)
	}
	if cap(s.out.pairs)-len(s.out.pairs) < need {
		s.out.pairs = slices.Grow(s.out.pairs, max(need, len(s.out.pairs))) // doubles: append copies 5 times as much
	}
	for _, p := range parts {
		s.out.pairs = append(s.out.pairs, p...)
	}
}

// leadingNumber returns the digits and points that value begins with, "0" if there
// are none: servers write "10;title", "6.006 ,", "-1" and nothing. It cuts off more
// than maxDigits of them, after the nanoseconds or the bound that duration sets.
func leadingNumber(value []byte) []byte {
	value = bytes.TrimLeft(bytes.TrimSpace(value), "0")
	i := 0
	for i < min(len(value), maxDigits) && (value[i] == '.' || ('0' <= value[i] && value[i] <= '9')) {
		i++
	}
	if i == 0 {
		return []byte("0")
	}
	return value[:i]
}

// isMaster detects the kind by the first tag that only one kind has. A header tag
// of the wrong kind does not decide, as servers mix those: EXT-X-TARGETDURATION is
// seen in master playlists, EXT-X-SESSION-KEY in media playlists.
func isMaster(body []byte) bool {
	likely := false
	for line := range bytes.SplitSeq(body, newline) {
		line = bytes.TrimLeft(line, " \t")
		if !bytes.HasPrefix(line, []byte("#EXT")) {
			continue
		}

		name, _, _ := bytes.Cut(line, []byte(":"))
		switch string(name) {
		case tagStreamInf, tagIFrameStreamInf:
			return true
		case tagInf, tagPart:
			return false
		case "#EXT-X-MEDIA", "#EXT-X-SESSION-DATA":
			likely = true
		}
	}

	return likely
}
