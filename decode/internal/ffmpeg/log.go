package ffmpeg

import (
	"bytes"
	"regexp"
)

// MaxLine is how many bytes of one line of the log are kept.
const MaxLine = 200

// Lines is a writer that calls Each for every line, cut to MaxLine bytes.
type Lines struct {
	Each func(line string)
	line []byte
}

func (l *Lines) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		part, after, found := bytes.Cut(rest, []byte("\n"))
		l.line = append(l.line, part[:min(len(part), MaxLine-len(l.line))]...)
		if found {
			l.Flush()
		}
		rest = after
	}
	return len(p), nil
}

// Flush ends a line that lacks its line feed.
func (l *Lines) Flush() {
	line := string(l.line)
	l.line = l.line[:0]
	l.Each(line)
}

// Message is one line of the log at -v level+info.
type Message struct {
	Speaker string // "h264", "vist#0:0/hevc", or "" for ffmpeg itself
	Level   string
	Text    string
}

// messageLine is a line such as "[h264 @ 0x55d0] [error] text".
var messageLine = regexp.MustCompile(`^(?:\[([^\]@]*?)(?: @ [^\]]*)?\] )?\[(panic|fatal|error|warning|info|verbose|debug|trace|quiet)\] (.*)$`)

// ParseMessage takes a line apart. ok is false for a line that is not from ffmpeg's
// log.
func ParseMessage(line string) (m Message, ok bool) {
	part := messageLine.FindStringSubmatch(line)
	if part == nil {
		return Message{}, false
	}
	return Message{Speaker: part[1], Level: part[2], Text: part[3]}, true
}

// IsError reports whether the message has level error or above.
func (m Message) IsError() bool {
	return m.Level == "error" || m.Level == "fatal" || m.Level == "panic"
}
