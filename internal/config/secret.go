package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"github.com/kfgrab/kfgrab/internal/redact"
)

// Lookup is where references are looked up. A nil function finds nothing.
type Lookup struct {
	Env  func(name string) (value string, ok bool)
	File func(path string) ([]byte, error)
}

const (
	// maxSecret is more than any key or token has.
	maxSecret = 64 << 10
	// maxLooked is larger than any system's authorities.
	maxLooked = 4 << 20
)

// System looks up in the process's environment and file system.
func System() Lookup {
	return Lookup{Env: os.LookupEnv, File: func(path string) ([]byte, error) { return readBounded(path, maxLooked) }}
}

func (l Lookup) file(path string) ([]byte, error) {
	if l.File == nil {
		return nil, errors.New("no files are looked up here")
	}
	return l.File(path)
}

// readBounded returns a file's content, and an error without the path.
func readBounded(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err == nil {
		defer f.Close()
		var data []byte
		data, err = io.ReadAll(io.LimitReader(f, most+1))
		if err == nil && int64(len(data)) <= most {
			return data, nil
		}
	}
	var at *fs.PathError
	switch {
	case errors.As(err, &at):
		return nil, at.Err
	case err != nil:
		return nil, err
	}
	return nil, fmt.Errorf("it has more than %d bytes", most)
}

// part is a piece of a text: as it stands, or a reference.
type part struct {
	literal string
	ref     string // without ${ and }; "" for a literal
}

// split takes a text apart. The error says what a dollar sign lacks.
func split(text string) (parts []part, err error) {
	if path, found := strings.CutPrefix(text, "file:"); found && !strings.HasPrefix(path, "//") {
		return []part{{ref: text}}, nil
	}
	var literal strings.Builder
	for {
		before, after, found := strings.Cut(text, "$")
		literal.WriteString(before)
		switch {
		case !found:
			return append(parts, part{literal: literal.String()}), nil
		case strings.HasPrefix(after, "$"):
			literal.WriteByte('$')
			text = after[1:]
			continue
		}
		ref, rest, closed := strings.Cut(after, "}")
		ref, opened := strings.CutPrefix(ref, "{")
		if !opened || !closed || !isReference(ref) {
			return nil, errors.New("a $ begins ${NAME} or ${file:PATH}; write $$ for the sign itself")
		}
		parts = append(parts, part{literal: literal.String()}, part{ref: ref})
		literal.Reset()
		text = rest
	}
}

func isReference(ref string) bool {
	if path, found := strings.CutPrefix(ref, "file:"); found {
		return path != ""
	}
	for i, r := range ref {
		if r != '_' && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return ref != ""
}

// look returns what ref stands for, without the end of the file's last line. The error
// names it and not its value.
func (l Lookup) look(ref string) (string, error) {
	path, isFile := strings.CutPrefix(ref, "file:")
	var value string
	switch {
	case !isFile:
		v, ok := "", false
		if l.Env != nil {
			v, ok = l.Env(ref)
		}
		if !ok {
			return "", fmt.Errorf("the environment has no variable %s", ref)
		}
		value = v
	default:
		data, err := l.file(path)
		if err != nil {
			return "", fmt.Errorf("file %s: %w", path, err)
		}
		value = strings.TrimRight(string(data), "\r\n")
	}
	switch {
	case value == "":
		return "", fmt.Errorf("%s is empty", ref)
	case len(value) > maxSecret:
		return "", fmt.Errorf("%s has more than %d bytes", ref, maxSecret)
	}
	return value, nil
}

// text is a value of the file with its references filled in.
type text struct {
	value  string
	shown  string // with mask in their place
	filled bool   // there were some
}

// mask stands for what was filled in, as it does in package redact.
const mask = "xxxxx"

// fill fills in the references; escape, where not nil, is asked what becomes of a value,
// by the text around it: skeleton has a zero byte for each reference, at is this one's.
func (l Lookup) fill(raw string, escape func(skeleton string, at int, value string) string) (text, error) {
	parts, err := split(raw)
	if err != nil {
		return text{}, err
	}
	var skeleton, value, shown strings.Builder
	for _, p := range parts {
		if p.ref != "" {
			skeleton.WriteByte(0)
		}
		skeleton.WriteString(p.literal)
	}
	t, at := text{}, 0
	for _, p := range parts {
		if p.ref == "" {
			value.WriteString(p.literal)
			shown.WriteString(p.literal)
			at += len(p.literal)
			continue
		}
		v, err := l.look(p.ref)
		if err != nil {
			return text{}, err
		}
		if escape != nil {
			v = escape(skeleton.String(), at, v)
		}
		value.WriteString(v)
		shown.WriteString(mask)
		t.filled = true
		at++
	}
	t.value, t.shown = value.String(), shown.String()
	return t, nil
}

// fillURL is fill for a URL. In its user info and in the values of its query, what is
// filled in is escaped: secrets are taken as they are. Elsewhere it may be any part of
// the URL, or all. What is shown of it is redacted.
func (l Lookup) fillURL(raw string) (text, error) {
	t, err := l.fill(raw, escapeInURL)
	if err != nil {
		return t, err
	}
	if t.shown == mask {
		t.shown = raw
		return t, nil
	}
	t.shown = redact.URL(t.shown)
	return t, nil
}

func escapeInURL(skeleton string, at int, value string) string {
	_, after, found := strings.Cut(skeleton, "://")
	if !found || at < len(skeleton)-len(after) {
		return value
	}
	at -= len(skeleton) - len(after)
	authority := after
	if end := strings.IndexAny(after, "/?#"); end >= 0 {
		authority = after[:end]
	}
	query := strings.IndexByte(after, '?')
	switch {
	case at < strings.LastIndexByte(authority, '@'):
		return strings.ReplaceAll(url.PathEscape(value), "@", "%40")
	case query >= 0 && at > query && strings.LastIndexByte(after[:at], '=') > strings.LastIndexAny(after[:at], "?&"):
		return strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
	}
	return value
}
