package hls

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Limits of a playlist. The server controls its size, and a parsed playlist
// takes some four times its bytes of memory.
const (
	// maxBytes: 24 hours of 2 s segments whose URIs carry a token, 43,200 times
	// 250 bytes, are 11 MB.
	maxBytes = 12 << 20
	// maxMasterBytes: a hundred variants and renditions with 2 kB of token in
	// each URI. The library takes 200 ns for a byte of attribute list, hence the
	// lower cap.
	maxMasterBytes = 256 << 10
	// maxLines: 24 hours of 2 s segments with EXTINF, EXT-X-PROGRAM-DATE-TIME
	// and URI are 129,600 lines.
	maxLines = 1 << 17
	// maxLine: a key's data: URI is a few kB, an SCTE-35 message at most 8 kB in
	// hexadecimal.
	maxLine = 64 << 10
)

// Tags that the sanitiser, the library or the readers of the log ask for.
const (
	tagHeader          = "#EXTM3U"
	tagInf             = "#EXTINF"
	tagPart            = "#EXT-X-PART"
	tagStreamInf       = "#EXT-X-STREAM-INF"
	tagIFrameStreamInf = "#EXT-X-I-FRAME-STREAM-INF"
	tagDefine          = "#EXT-X-DEFINE"
)

// trusted are the tags that the library may read itself. Whatever else it would
// read is hidden from it, because it reads it wrongly (byte ranges without
// offset), partly (keys, maps, target durations), with a panic (EXT-X-KEY,
// EXT-X-MAP, WV-CYPHER-VERSION, WV-VIDEO-RESOLUTION) or in more than linear
// time (EXT-X-MEDIA, attached to each variant).
var trusted = []string{
	tagStreamInf,
	tagIFrameStreamInf,
	"#EXT-X-INDEPENDENT-SEGMENTS",
	"#EXT-X-MEDIA-SEQUENCE",
	"#EXT-X-DISCONTINUITY-SEQUENCE",
	"#EXT-X-PLAYLIST-TYPE",
	"#EXT-X-I-FRAMES-ONLY",
	"#EXT-X-ENDLIST",
}

// hidden, put before a tag, makes it a comment to the library's own readers and
// leaves it to the custom decoder, which is called for all that begins with
// #EXT. Alone on a line it stands for a URI that was dropped.
const hidden = "#EXT:"

var (
	newline = []byte("\n")
	bom     = []byte("\xef\xbb\xbf")
)

// sanitised is a playlist in the form that the library can be given: no blank
// lines, no comments, each URI directly after its EXTINF or EXT-X-STREAM-INF, no
// such tag without URI and no URI without it, durations that are numbers,
// variables replaced, no newline at the end.
type sanitised struct {
	lines  []byte
	master bool
	uris   int
	tags   int // that the log will hold, at most
}

// withinLimits is asked before anything goes over the lines.
func withinLimits(data []byte) error {
	if len(data) > maxBytes {
		return tooLong(maxBytes)
	}
	if bytes.Count(data, newline) >= maxLines {
		return fmt.Errorf("%w: more than %d lines", keyframe.ErrCorrupt, maxLines)
	}
	return nil
}

func tooLong(limit int) error {
	return fmt.Errorf("%w: longer than %d bytes", keyframe.ErrCorrupt, limit)
}

// sanitise goes once over the lines after #EXTM3U.
func sanitise(body []byte, vars *variables) (*sanitised, error) {
	s := &sanitiser{vars: vars, out: sanitised{master: isMaster(body)}, limit: maxBytes, opener: tagInf}
	if s.out.master {
		s.limit, s.opener = maxMasterBytes, tagStreamInf
	}
	if len(body) > s.limit {
		return nil, tooLong(s.limit)
	}
	s.out.lines = make([]byte, 0, len(body)+len(body)/4)
	for line := range bytes.SplitSeq(body, newline) {
		if err := s.line(bytes.TrimSpace(line)); err != nil {
			return nil, err
		}
	}
	s.out.lines = bytes.TrimSuffix(s.out.lines, newline)
	return &s.out, nil
}

type sanitiser struct {
	out    sanitised
	vars   *variables
	limit  int
	opener string // the tag that a URI needs
	held   []byte // the last opener, until its URI comes
}

func (s *sanitiser) line(line []byte) error {
	if len(line) == 0 {
		return nil
	}
	if len(line) > maxLine {
		return fmt.Errorf("%w: a line of more than %d bytes", keyframe.ErrCorrupt, maxLine)
	}
	isTag := bytes.HasPrefix(line, []byte("#EXT"))
	if line[0] == '#' && !isTag {
		return nil // a comment, or a tag of nobody's business
	}
	line, err := s.vars.expand(line)
	if err != nil {
		return err
	}
	line = bytes.TrimSpace(line)
	if isTag {
		err = s.tag(line)
	} else {
		s.uri(line)
	}
	if err == nil && len(s.out.lines) > s.limit+s.out.tags*len(hidden) {
		err = tooLong(s.limit) // grown by variables
	}
	return err
}

func (s *sanitiser) tag(line []byte) error {
	name, value, colon := bytes.Cut(line, []byte(":"))
	switch {
	case string(name) == s.opener:
		s.hold(value)
		return nil
	case string(name) == tagInf, string(name) == tagStreamInf: // of the other kind of playlist
		return nil
	case string(name) == tagIFrameStreamInf && !colon: // the library takes it for a comment
		return nil
	case string(name) == tagDefine:
		if err := s.vars.define(string(value)); err != nil {
			return err
		}
		fallthrough // emitted, so that its size counts
	case !slices.Contains(trusted, string(name)):
		s.out.lines = append(s.out.lines, hidden...)
	}
	s.out.tags++
	s.emit(line)
	return nil
}

// hold keeps an EXTINF or EXT-X-STREAM-INF back until its URI. Tags between the
// two come to stand before it, where they mean the same and are counted with
// the right segment. Of several without URI the last counts.
func (s *sanitiser) hold(value []byte) {
	s.held = append(append(s.held[:0], s.opener...), ':')
	if s.opener == tagInf {
		s.held = append(append(s.held, leadingNumber(value)...), ',')
		return
	}
	s.held = append(s.held, value...)
}

func (s *sanitiser) uri(line []byte) {
	if len(s.held) == 0 || len(line) == 0 || line[0] == '#' { // the latter two by variables
		s.held = s.held[:0]
		s.out.tags++
		s.emit([]byte(hidden))
		return
	}
	s.emit(s.held)
	s.held = s.held[:0]
	s.out.uris++
	s.emit(line)
}

func (s *sanitiser) emit(line []byte) {
	if need := len(line) + 1; cap(s.out.lines)-len(s.out.lines) < need {
		s.out.lines = slices.Grow(s.out.lines, max(need, len(s.out.lines))) // doubles: append copies 5 times as much
	}
	s.out.lines = append(append(s.out.lines, line...), '\n')
}

// leadingNumber returns the digits and points that value begins with, "0" if
// there are none: servers write "10;title", "6.006 ,", "-1" and nothing.
func leadingNumber(value []byte) []byte {
	value = bytes.TrimSpace(value)
	i := 0
	for i < len(value) && (value[i] == '.' || '0' <= value[i] && value[i] <= '9') {
		i++
	}
	if i == 0 {
		return []byte("0")
	}
	return value[:i]
}

// isMaster tells the kind by the first tag that only one kind has. A header tag
// of the wrong kind does not decide, as servers mix those: EXT-X-TARGETDURATION
// is seen in master playlists, EXT-X-SESSION-KEY in media playlists.
func isMaster(body []byte) bool {
	weak := false
	for line := range bytes.SplitSeq(body, newline) {
		line = bytes.TrimSpace(line)
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
			weak = true
		}
	}
	return weak
}
