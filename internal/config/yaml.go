package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// kind is the kind of a node.
type kind uint8

const (
	null kind = iota
	scalar
	mapping
	sequence
)

// node is a value of a YAML file with aliases and merges resolved. Nothing outside this
// file uses the YAML library.
type node struct {
	kind         kind
	text         string // of a scalar, without quotes
	line, column int
	pairs        []pair
	items        []*node
}

// pair is a key of a mapping and its value.
type pair struct {
	key    *node
	value  *node
	merged bool // by <<
}

const (
	// maxNodes is ten thousand streams with fifty values each. Each use of an alias counts.
	maxNodes = 500_000
	// maxDepth is deeper than any key of the file.
	maxDepth = 20
	// maxLines is ten for each of ten thousand streams.
	maxLines = 100_000
	// maxOpen and maxDashes, the latter in one line, bound the recursion of the library.
	maxOpen   = 200
	maxDashes = 1000
)

// syntaxError is invalid YAML, or YAML that a configuration must not use.
type syntaxError struct {
	line, column int // 0 if unknown
	text         string
}

func (e *syntaxError) Error() string { return e.text }

func errorAt(n *yaml.Node, format string, args ...any) error {
	return &syntaxError{n.Line, n.Column, fmt.Sprintf(format, args...)}
}

// checkShape refuses files that would keep the library busy for long.
func checkShape(data []byte) error {
	open, dashes, line := 0, 0, 1
	for _, b := range data {
		switch b {
		case '\n':
			line++
			dashes = 0
		case '-':
			dashes++
		case '[', '{':
			open++
		case ']', '}':
			open = max(0, open-1)
		}
		if line > maxLines || open > maxOpen || dashes > maxDashes {
			return &syntaxError{line, 0, fmt.Sprintf("the file has more than %d lines, %d open brackets or %d dashes in a line", maxLines, maxOpen, maxDashes)}
		}
	}

	return nil
}

// parseYAML returns the one document in data, or nil if there is none. The error is a
// *syntaxError.
func parseYAML(data []byte) (*node, error) {
	if err := checkShape(data); err != nil {
		return nil, err
	}
	documents, err := readDocuments(data)
	if err != nil {
		return nil, locateSyntaxError(data, err)
	}

	switch len(documents) {
	case 0:
		return nil, nil
	case 1:
		c := &converter{inside: map[*yaml.Node]bool{}}
		return c.convert(documents[0], 0)
	}

	return nil, errorAt(documents[1], "a second document: a file has one")
}

// readDocuments returns the documents that are not empty. It stops after two.
func readDocuments(data []byte) (documents []*yaml.Node, err error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	for len(documents) < 2 {
		var document yaml.Node
		switch err := d.Decode(&document); {
		case errors.Is(err, io.EOF):
			return documents, nil
		case err != nil:
			return nil, err
		}
		if root := document.Content[0]; root.ShortTag() != "!!null" || root.Value != "" {
			documents = append(documents, root)
		}
	}
	return documents, nil
}

var (
	// libraryPrefix is the prefix of the library's messages. Its line is that of the
	// surrounding block, or missing.
	libraryPrefix = regexp.MustCompile(`^yaml: (line \d+: )?`)
	// punctuation is a quoted sign. Other quoted text in a message may be from the file.
	punctuation = regexp.MustCompile(`['"][^'"[:alnum:]]{1,3}['"]`)
	// unquotedSign is a line whose value begins with a sign that means something in YAML.
	unquotedSign = regexp.MustCompile("^[ ]*(- +)*[[:alnum:]_-]+:[ ]+([*&@%!`])")
)

// locateSyntaxError returns the library's error with the line at which the file becomes
// invalid, and without text of the file.
func locateSyntaxError(data []byte, err error) error {
	message := libraryPrefix.ReplaceAllString(err.Error(), "")
	lines := bytes.SplitAfter(data, []byte("\n"))
	line := 1 + sort.Search(len(lines)-1, func(i int) bool {
		_, err := readDocuments(bytes.Join(lines[:i+1], nil))
		return err != nil && libraryPrefix.ReplaceAllString(err.Error(), "") == message
	})

	text := "YAML: " + message

	switch {
	case strings.HasPrefix(message, "unknown anchor"):
		text = "no anchor of that name comes before this alias"
	case strings.ContainsAny(punctuation.ReplaceAllString(message, ""), "\"'`"):
		text = "invalid YAML here"
	}
	if m := unquotedSign.FindSubmatch(lines[line-1]); m != nil {
		text += fmt.Sprintf("; put a value that begins with %s in quotes", m[2])
	}
	return &syntaxError{line: line, text: text}
}

// converter makes nodes of the library's.
type converter struct {
	inside map[*yaml.Node]bool // the anchors whose aliases are being resolved
	count  int
}

func (c *converter) convert(from *yaml.Node, depth int) (*node, error) {
	if c.count++; c.count > maxNodes {
		return nil, errorAt(from, "more than %d values, each use of an alias counted", maxNodes)
	}
	if depth > maxDepth {
		return nil, errorAt(from, "more than %d levels of nesting", maxDepth)
	}
	if from.Style&yaml.TaggedStyle != 0 {
		return nil, errorAt(from, "tags have no meaning here")
	}

	n := &node{line: from.Line, column: from.Column}

	switch from.Kind {
	case yaml.AliasNode:
		return c.convertAlias(from, depth)
	case yaml.MappingNode:
		n.kind = mapping
		return n, c.convertPairs(n, from.Content, depth)
	case yaml.SequenceNode:
		n.kind = sequence
		for _, item := range from.Content {
			converted, err := c.convert(item, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, converted)
		}
	default:
		if from.ShortTag() != "!!null" {
			n.kind, n.text = scalar, from.Value
		}
	}

	return n, nil
}

// convertPairs converts keys and values, which alternate in content.
func (c *converter) convertPairs(n *node, content []*yaml.Node, depth int) error {
	for i := 0; i < len(content); i += 2 {
		value, err := c.convert(content[i+1], depth+1)
		if err != nil {
			return err
		}
		if content[i].ShortTag() == "!!merge" {
			if err := n.merge(value, content[i]); err != nil {
				return err
			}
			continue
		}

		key, err := c.convert(content[i], depth+1)
		if err != nil {
			return err
		}
		if key.kind != scalar {
			return errorAt(content[i], "a key must be a word")
		}
		n.pairs = append(n.pairs, pair{key: key, value: value})
	}

	return nil
}

// merge adds the pairs that << brings. Pairs of n itself take precedence.
func (n *node) merge(value *node, at *yaml.Node) error {
	from := []*node{value}
	if value.kind == sequence {
		from = value.items
	}

	for _, m := range from {
		if m.kind != mapping {
			return errorAt(at, "<< takes a mapping, such as *name")
		}
		// The own keys of m take precedence over merged ones.
		for _, merged := range []bool{false, true} {
			for _, p := range m.pairs {
				if p.merged == merged {
					n.pairs = append(n.pairs, pair{p.key, p.value, true})
				}
			}
		}
	}

	return nil
}

// convertAlias converts the target again, so that errors have the line of the alias.
func (c *converter) convertAlias(from *yaml.Node, depth int) (*node, error) {
	if c.inside[from.Alias] {
		return nil, errorAt(from, "an alias within its own anchor")
	}
	c.inside[from.Alias] = true
	defer delete(c.inside, from.Alias)

	n, err := c.convert(from.Alias, depth+1)
	if err != nil {
		return nil, err
	}
	n.line, n.column = from.Line, from.Column
	return n, nil
}
