package hls

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"github.com/kfgrab/kfgrab/keyframe"
)

// variables are the variables of EXT-X-DEFINE (draft-pantos-hls-rfc8216bis
// 4.4.2.3).
type variables struct {
	defined map[string]string // nil until the first EXT-X-DEFINE
	base    *url.URL
	query   url.Values // of base, read once
	parent  *Master
	count   int
	used    int // references so far
	scratch []byte
}

func newVariables(base *url.URL, parent *Master) *variables {
	return &variables{base: base, parent: parent}
}

// defineVariable reads the attributes of one EXT-X-DEFINE. The draft requires an
// error for a variable without a value, because half a URI is worse than none.
func (v *variables) defineVariable(list string) error {
	if v.defined == nil {
		v.defined = map[string]string{}
	}
	if v.count++; v.count > maxDefinitions {
		return tooMany(tagDefine, maxDefinitions)
	}

	var name, value string
	var err error
	for attribute, text := range attributeList(list) {
		switch attribute {
		case "NAME":
			name = text
		case "VALUE":
			value = text
		case "QUERYPARAM":
			name = text
			value, err = v.queryParameter(text)
		case "IMPORT":
			name = text
			value, err = v.importVariable(text)
		}
		if err != nil {
			return err
		}
	}

	// A line break or a quote would let a value become tags and attributes.
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == '"' }) {
		return fmt.Errorf("%w: EXT-X-DEFINE: the value of variable %.64q has a quote or a control character", keyframe.ErrCorrupt, name)
	}
	if name != "" {
		v.defined[name] = value
	}

	return nil
}

func (v *variables) queryParameter(name string) (string, error) {
	if v.query == nil && v.base != nil {
		v.query = v.base.Query() // the readable part of a broken query
	}
	if value := v.query.Get(name); value != "" {
		return value, nil
	}
	return "", fmt.Errorf("%w: EXT-X-DEFINE: the playlist's address has no query parameter %.64q", keyframe.ErrCorrupt, name)
}

func (v *variables) importVariable(name string) (string, error) {
	if v.parent == nil {
		return "", fmt.Errorf("%w: EXT-X-DEFINE imports the variable %.64q: use the address of the master playlist", keyframe.ErrUnsupported, name)
	}
	value, ok := v.parent.Variables[name]
	if !ok {
		return "", fmt.Errorf("%w: EXT-X-DEFINE: the master playlist has no variable %.64q", keyframe.ErrCorrupt, name)
	}
	return value, nil
}

// expandLine replaces each {$name} in a line. In a playlist without EXT-X-DEFINE
// they are ordinary text. The result is valid until the next call.
func (v *variables) expandLine(line []byte) ([]byte, error) {
	opening := []byte("{$")
	if v.defined == nil || !bytes.Contains(line, opening) {
		return line, nil
	}

	out := v.scratch[:0]
	for {
		before, rest, found := bytes.Cut(line, opening)
		out = append(out, before...)
		if !found {
			v.scratch = out
			return out, nil
		}
		if v.used++; v.used > maxReferences {
			return nil, tooMany("references to variables", maxReferences)
		}
		name, after, closed := bytes.Cut(rest, []byte("}"))
		value, ok := v.defined[string(name)]
		if !closed || !ok {
			return nil, fmt.Errorf("%w: variable %.64q is not defined", keyframe.ErrCorrupt, name)
		}
		out = append(out, value...)
		if len(out) > maxLine {
			return nil, fmt.Errorf("%w: a line of more than %d bytes", keyframe.ErrCorrupt, maxLine)
		}
		line = after
	}
}
