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

// sanitised is a playlist in two parts, its variables replaced: the lines that the
// library is given, and the log of the tags that it is not.
type sanitised struct {
	// lines are openers without attributes, with durations that are numbers, each
	// directly before its URI, no URI without opener, and the header that the library
	// reads. There are no blank lines, no comments, and no newline at the end.
	lines  []byte
	uris   int
	log    []tag
	master bool
}

// withinLimits is asked before anything goes over the lines.
func withinLimits(data []byte) error {
	if len(data) > MaxBytes {
		return tooLong(MaxBytes)
	}
	if bytes.Count(data, newline) >= maxLines {
		return tooMany("lines", maxLines)
	}
	return nil
}

func tooLong(limit int) error {
	return fmt.Errorf("%w: longer than %d bytes", keyframe.ErrCorrupt, limit)
}

func tooMany(what string, limit int) error {
	return fmt.Errorf("%w: more than %d %s", keyframe.ErrCorrupt, limit, strings.TrimPrefix(what, "#"))
}

// sanitise goes once over the lines after #EXTM3U.
func sanitise(body []byte, vars *variables) (*sanitised, error) {
	s := &sanitiser{vars: vars, out: sanitised{master: isMaster(body)}, limit: MaxBytes, opener: tagInf}
	if s.out.master {
		s.limit, s.opener = maxMasterBytes, tagStreamInf
	}
	if len(body) > s.limit {
		return nil, tooLong(s.limit)
	}
	s.out.lines = make([]byte, 0, len(body)+min(len(body)/4, maxLines)) // an EXTINF may grow by two bytes
	s.out.log = make([]tag, 0, bytes.Count(body, []byte("#EXT-X-")))
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
	opened bool   // it was there, and its URI was not yet
	held   []byte // its value

	size, attributes, headers int // so far
}

func (s *sanitiser) line(line []byte) error {
	switch {
	case len(line) == 0:
		return nil
	case len(line) > maxLine:
		return fmt.Errorf("%w: a line of more than %d bytes", keyframe.ErrCorrupt, maxLine)
	case line[0] != '#':
		line, err := s.expand(line)
		if err == nil {
			s.uri(line)
		}
		return err
	}
	name, _, _ := bytes.Cut(line, []byte(":"))
	reader := readers[string(name)]
	if reader == nobody {
		return nil // a comment, or a tag of nobody's business
	}
	line, err := s.expand(line)
	if err != nil {
		return err
	}
	return s.tag(reader, line, len(name))
}

// expand replaces variables, and bounds what they make of a playlist.
func (s *sanitiser) expand(line []byte) ([]byte, error) {
	line, err := s.vars.expand(line)
	if s.size += len(line); err == nil && s.size > s.limit {
		err = tooLong(s.limit)
	}
	return bytes.TrimSpace(line), err
}

// tag takes a line that begins with the tag's name, of n bytes.
func (s *sanitiser) tag(reader reader, line []byte, n int) error {
	if reader == libraryOnce || reader == logOnce {
		if s.headers++; s.headers > maxHeaders {
			return tooMany("tags of a header", maxHeaders)
		}
	}
	switch reader {
	case libraryWithURI:
		s.hold(line, n)
		return nil
	case libraryOnce:
		if len(line) > maxHeaderLine {
			return fmt.Errorf("%w: %s of more than %d bytes", keyframe.ErrCorrupt, line[1:n], maxHeaderLine)
		}
		s.emit(line)
		return nil
	}
	text := string(line)
	t := tag{name: text[:n], value: strings.TrimPrefix(text[n:], ":")}
	if s.attributes += 1 + strings.Count(t.value, ","); s.attributes > maxAttributes {
		return tooMany("attributes", maxAttributes)
	}
	if reader == sanitiserAtOnce {
		return s.vars.define(t.value)
	}
	s.log(t)
	return nil
}

func (s *sanitiser) log(t tag) {
	t.before = s.out.uris
	s.out.log = append(s.out.log, t)
}

// hold keeps an EXTINF or EXT-X-STREAM-INF back until its URI. Tags between the
// two come to stand before it, where they mean the same and are counted with
// the right segment. Of several without URI the last counts, and one of the other
// kind of playlist does not.
func (s *sanitiser) hold(line []byte, n int) {
	if string(line[:n]) == s.opener {
		s.opened, s.held = true, append(s.held[:0], bytes.TrimPrefix(line[n:], []byte(":"))...)
	}
}

func (s *sanitiser) uri(line []byte) {
	opened := s.opened
	s.opened = false
	switch {
	case !opened, len(line) == 0, line[0] == '#': // the latter two by variables
		if len(s.out.log) == 0 || s.out.log[len(s.out.log)-1].name != tagLost {
			s.log(tag{name: tagLost})
		}
		return
	case s.out.master:
		s.log(tag{name: tagStreamInf, value: string(s.held)})
		s.emit([]byte(tagStreamInf), []byte(":"))
	default:
		s.emit([]byte(tagInf), []byte(":"), leadingNumber(s.held), []byte(","))
	}
	s.out.uris++
	s.emit(line)
}

// emit gives the library a line.
func (s *sanitiser) emit(parts ...[]byte) {
	need := 1
	for _, p := range parts {
		need += len(p)
	}
	if cap(s.out.lines)-len(s.out.lines) < need {
		s.out.lines = slices.Grow(s.out.lines, max(need, len(s.out.lines))) // doubles: append copies 5 times as much
	}
	for _, p := range parts {
		s.out.lines = append(s.out.lines, p...)
	}
	s.out.lines = append(s.out.lines, '\n')
}

// leadingNumber returns the digits and points that value begins with, "0" if
// there are none: servers write "10;title", "6.006 ,", "-1" and nothing. More
// than maxDigits of them are cut off, behind the nanoseconds or the bound that
// duration sets.
func leadingNumber(value []byte) []byte {
	value = bytes.TrimLeft(bytes.TrimSpace(value), "0")
	i := 0
	for i < min(len(value), maxDigits) && (value[i] == '.' || '0' <= value[i] && value[i] <= '9') {
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
			weak = true
		}
	}
	return weak
}
