package decode

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

const (
	// maxLine and maxLines bound what is kept of standard error. The first lines
	// name the cause, what follows is its consequences.
	maxLine  = 200
	maxLines = 4
	// maxStderr ends a process that does nothing but complain. A damaged 8K
	// picture with a slice a row leaves some 100 kB.
	maxStderr = 4 << 20
)

// messages reads ffmpeg's log, line by line as it comes.
type messages struct {
	codec    string // name of the decoder whose errors tell of the picture
	overflow func() // called once past maxStderr

	size   int
	line   []byte
	errors []string // of level error and above
	others []string // lines without a level: not from ffmpeg's log

	damaged    bool // the decoder patched the picture
	complained bool // the decoder reported an error, which with H.264 may be a harmless one
	nothing    bool // no picture was found
	noEncoder  bool // ffmpeg lacks the encoder

	noToneMapping bool // it lacks the filters of toSDR
}

func (m *messages) Write(p []byte) (int, error) {
	if m.size += len(p); m.size > maxStderr {
		m.overflow()
		return len(p), nil
	}
	for rest := p; len(rest) > 0; {
		part, after, found := bytes.Cut(rest, []byte("\n"))
		m.line = append(m.line, part[:min(len(part), maxLine-len(m.line))]...)
		if found {
			m.endLine()
		}
		rest = after
	}
	return len(p), nil
}

// logLine takes "[h264 @ 0x55d0] [error] text" apart: what speaks, level, text.
var logLine = regexp.MustCompile(`^(?:\[([^\]@]*?)(?: @ [^\]]*)?\] )?\[(panic|fatal|error|warning|info|verbose|debug|trace|quiet)\] (.*)$`)

func (m *messages) endLine() {
	line := clean(string(m.line))
	m.line = m.line[:0]
	if line == "" {
		return
	}
	part := logLine.FindStringSubmatch(line)
	if part == nil {
		keep(&m.others, line)
		return
	}
	m.read(part[1], part[2], part[3])
}

func (m *messages) read(speaker, level, text string) {
	decoder := path.Base(speaker) == m.codec // "hevc", or "vist#0:0/hevc"
	switch level {
	case "panic", "fatal", "error":
		m.complained = m.complained || decoder || strings.Contains(text, "Invalid data found")
		m.noEncoder = m.noEncoder || strings.HasPrefix(text, "Unknown encoder")
		keep(&m.errors, text)
	case "info", "warning":
		if decoder && strings.HasPrefix(text, "concealing ") {
			m.damaged = true
			keep(&m.errors, text)
		}
	}
	m.noToneMapping = m.noToneMapping || text == "No such filter: 'zscale'" || text == "No such filter: 'tonemap'"
	m.nothing = m.nothing || strings.HasPrefix(text, "Cannot determine format of input stream") ||
		strings.HasPrefix(text, "Output file is empty") || strings.HasPrefix(text, "Nothing was written into output file")
}

// text returns the lines worth showing.
func (m *messages) text() string {
	if len(m.line) > 0 {
		m.endLine()
	}
	if len(m.errors) > 0 {
		return strings.Join(m.errors, "\n")
	}
	return strings.Join(m.others, "\n")
}

func keep(lines *[]string, line string) {
	if len(*lines) < maxLines && !slices.Contains(*lines, line) {
		*lines = append(*lines, line)
	}
}

// clean takes out what could steer a terminal.
func clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "")))
}
