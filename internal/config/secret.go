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

// Lookup resolves references. A nil function finds nothing.
type Lookup struct {
	Env  func(name string) (value string, ok bool)
	File func(path string) ([]byte, error)
}

const (
	// maxSecret is larger than any key or token.
	maxSecret = 64 << 10
	// maxLooked is larger than the certificate authorities of any system.
	maxLooked = 4 << 20
)

// System uses the environment and the file system of the process.
func System() Lookup {
	return Lookup{Env: os.LookupEnv, File: func(path string) ([]byte, error) { return readBounded(path, maxLooked) }}
}

func (l Lookup) readFile(path string) ([]byte, error) {
	if l.File == nil {
		return nil, errors.New("files cannot be read here")
	}
	return l.File(path)
}

// readBounded returns the content of a file. Its error does not contain the path.
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

	return nil, fmt.Errorf("the file has more than %d bytes", most)
}

// part is a piece of a text: a literal or a reference.
type part struct {
	literal string
	ref     string // without ${ and }; "" for a literal
}

// splitReferences splits a text into literals and references.
func splitReferences(text string) (parts []part, err error) {
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
			return nil, errors.New("a $ must begin ${NAME} or ${file:PATH}; write $$ for a dollar sign")
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

// resolveReference returns the value of a reference, without newlines at the end of a file. The error
// contains the reference and not its value.
func (l Lookup) resolveReference(ref string) (string, error) {
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
		data, err := l.readFile(path)
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
	shown  string // with mask instead of them
	filled bool   // there were some
}

// mask replaces filled-in values, as in package redact.
const mask = "xxxxx"

// fillText fills in the references. If escape is not nil, it escapes each value for its place at
// index at in skeleton, which is the text with a zero byte for each reference.
func (l Lookup) fillText(raw string, escape func(skeleton string, at int, value string) string) (text, error) {
	parts, err := splitReferences(raw)
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
		v, err := l.resolveReference(p.ref)
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

// fillURL is fill for a URL. Values in its user info and in its query are escaped. Elsewhere,
// a value may be any part of the URL, or all of it. The text that may be shown is redacted.
func (l Lookup) fillURL(raw string) (text, error) {
	t, err := l.fillText(raw, escapeInURL)
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

// ResolveAddress fills in the references of an address of the command line, as in a
// configuration. It returns the address and the text that may be shown. In one without
// ${ a dollar sign stands for itself.
func (l Lookup) ResolveAddress(raw string) (value, shown string, err error) {
	isFile := strings.HasPrefix(raw, "file:") && !strings.HasPrefix(raw, "file:/")
	if !isFile && !strings.Contains(raw, "${") {
		return raw, redact.URL(raw), nil
	}
	t, err := l.fillURL(raw)
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", redact.URL(raw), err)
	}
	return t.value, t.shown, nil
}

// ResolveHeader is ResolveAddress for the value of a header.
func (l Lookup) ResolveHeader(raw string) (string, error) {
	if !strings.Contains(raw, "${") {
		return raw, nil
	}
	t, err := l.fillText(raw, nil)
	return t.value, err
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
