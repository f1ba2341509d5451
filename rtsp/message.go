package rtsp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	// maxLine bounds a line of a header: gortsplib takes values of 2 kB.
	maxLine = 2 << 10
	// maxFields bounds the fields of a header. Cameras send ten.
	maxFields = 100
	// maxBody bounds a body, as gortsplib does. An SDP has about 1 kB.
	maxBody = 128 << 10
)

// message is an RTSP request or answer (RFC 2326 4). Its reader takes what cameras
// write instead of that: it skips blanks around names and values, and lines that are
// no fields; lines may end in LF alone; and of a field that may stand once the first
// one counts (TestOddHeaders).
type message struct {
	start  string // the first line
	fields []field
	body   []byte
}

type field struct{ name, value string }

// readMessage reads a message, whose first line was not read yet.
func readMessage(in *bufio.Reader) (*message, error) {
	m := &message{}
	var err error
	if m.start, err = readLine(in); err != nil {
		return nil, err
	}

	for n := 0; ; n++ {
		line, err := readLine(in)
		switch {
		case err != nil:
			return nil, err
		case strings.TrimSpace(line) == "":
			return m, m.readBody(in)
		case n == maxFields:
			return nil, fmt.Errorf("%w: an RTSP header of more than %d lines", keyframe.ErrCorrupt, maxFields)
		}
		m.addLine(line)
	}
}

// readLine reads a line without its end. It cuts a line that is too long.
func readLine(in *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part[:min(len(part), maxLine-len(line))]...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return string(bytes.TrimRight(line, "\r\n")), err
		}
	}
}

// addLine takes a line after the first one. A blank at its beginning continues the
// line before it (RFC 2616 4.2).
func (m *message) addLine(line string) {
	if line[0] == ' ' || line[0] == '\t' {
		if last := len(m.fields) - 1; last >= 0 {
			m.fields[last].value += " " + strings.TrimSpace(line)
		}
		return
	}

	name, value, found := strings.Cut(line, ":")
	if name = strings.TrimSpace(name); found && name != "" {
		m.fields = append(m.fields, field{name, strings.TrimSpace(value)})
	}
}

// readBody reads as much as Content-Length says.
func (m *message) readBody(in *bufio.Reader) error {
	value := m.find("Content-Length")
	size, err := strconv.ParseUint(value, 10, 32)
	switch {
	case value == "":
		return nil
	case err != nil || size > maxBody:
		return fmt.Errorf("%w: Content-Length %s, want a number up to %d", keyframe.ErrCorrupt, oneLine(value), maxBody)
	}
	m.body = make([]byte, size)
	_, err = io.ReadFull(in, m.body)
	return err
}

// find returns the value of the first field called name, or "".
func (m *message) find(name string) string {
	for _, f := range m.fields {
		if strings.EqualFold(f.name, name) {
			return f.value
		}
	}
	return ""
}

// list returns the values of all fields called name.
func (m *message) list(name string) (values []string) {
	for _, f := range m.fields {
		if strings.EqualFold(f.name, name) {
			values = append(values, f.value)
		}
	}
	return values
}

// set gives the field called name this one value. An empty one removes the field.
func (m *message) set(name, value string) {
	for i := range m.fields {
		if f := &m.fields[i]; strings.EqualFold(f.name, name) {
			f.value = value
			m.keepFirst(name)
			return
		}
	}
	if value != "" {
		m.fields = append(m.fields, field{name, value})
	}
}

// keepFirst removes all but the first of the fields called as one of names, and that
// too if it is empty.
func (m *message) keepFirst(names ...string) {
	for _, name := range names {
		seen := false
		m.fields = slices.DeleteFunc(m.fields, func(f field) bool {
			if !strings.EqualFold(f.name, name) {
				return false
			}
			repeated := seen
			seen = true
			return repeated || f.value == ""
		})
	}
}

// write returns the message as the standard has it.
func (m *message) write() []byte {
	b := []byte(m.start + "\r\n")
	for _, f := range m.fields {
		b = fmt.Appendf(b, "%s: %s\r\n", f.name, f.value)
	}
	b = append(b, "\r\n"...)
	return append(b, m.body...)
}

func (m *message) isAnswer() bool { return strings.HasPrefix(m.start, "RTSP") }

// status returns the code and the reason of an answer.
func (m *message) status() (code int, reason string) {
	_, rest, _ := strings.Cut(m.start, " ")
	number, reason, _ := strings.Cut(strings.TrimSpace(rest), " ")
	code, _ = strconv.Atoi(number)
	return code, reason
}

// method returns the method of a request.
func (m *message) method() string {
	method, _, _ := strings.Cut(m.start, " ")
	return method
}

// target returns the URL of a request.
func (m *message) target() string {
	_, rest, _ := strings.Cut(m.start, " ")
	target, _, _ := strings.Cut(rest, " ")
	return target
}
