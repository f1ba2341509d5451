package config

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// kind is what a node is.
type kind uint8

const (
	null kind = iota
	scalar
	mapping
	sequence
)

// node is a value of a YAML file: the parser's library ends here.
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
	// maxNodes is what ten thousand streams with fifty values each take. Aliases count
	// each time.
	maxNodes = 500_000
	// maxDepth is more than any key here has above it.
	maxDepth = 20
)

// syntaxError is one of YAML, or of what is taken of it here.
type syntaxError struct {
	line, column int
	text         string
}

func (e *syntaxError) Error() string { return e.text }

const (
	// maxLines is ten for each of ten thousand streams. The library takes the square of
	// the time for some.
	maxLines = 100_000
	// maxOpen and maxDashes, of one line, bound what the library recurs into.
	maxOpen   = 200
	maxDashes = 1000
)

// scan refuses what the library would be busy with for long.
func scan(data []byte) error {
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
			return &syntaxError{line, 0, fmt.Sprintf("this is more than %d lines, %d open brackets or %d dashes in a line", maxLines, maxOpen, maxDashes)}
		}
	}
	return nil
}

// parse returns the one document in data, nil where there is none. The error is a
// *syntaxError.
func parse(data []byte) (root *node, err error) {
	defer func() {
		if r := recover(); r != nil { // the library's bounds are not its own
			root, err = nil, &syntaxError{text: "is no YAML"}
		}
	}()
	if err := scan(data); err != nil {
		return nil, err
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // a byte order mark (YAML 1.2.2, 5.2)
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, ofLibrary(err, data)
	}
	c := &converter{anchors: map[string]ast.Node{}, inside: map[string]bool{}}
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if root != nil {
			return nil, errorAt(doc.Body, "a second document: one file has one")
		}
		if root, err = c.convert(doc.Body, 0); err != nil {
			return nil, err
		}
	}
	return root, nil
}

var (
	// sign is one that a message of the library has in quotes; what else is there may be
	// of the file.
	sign = regexp.MustCompile("['\"][^'\"[:alnum:]]{1,3}['\"]")
	// unquoted is a line whose value begins with a sign that means something in YAML.
	unquoted = regexp.MustCompile("^[ ]*(- +)*[[:alnum:]_-]+:[ ]+([*&@%!`])")
)

// ofLibrary leaves out the lines of the file, which the library's text shows.
func ofLibrary(err error, data []byte) error {
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) {
		return &syntaxError{text: "is no YAML"}
	}
	e := &syntaxError{text: "YAML: " + syntax.Message}
	if strings.ContainsAny(sign.ReplaceAllString(syntax.Message, ""), "\"'`") {
		e.text = "YAML: this is not to be understood"
	}
	e.line, e.column = position(syntax.Token)
	if lines := bytes.Split(data, []byte("\n")); e.line > 0 && e.line <= len(lines) {
		if m := unquoted.FindSubmatch(lines[e.line-1]); m != nil {
			e.text += fmt.Sprintf("; a value that begins with %s is written in quotes", m[2])
		}
	}
	return e
}

func position(t *token.Token) (line, column int) {
	if t == nil || t.Position == nil {
		return 0, 0
	}
	return t.Position.Line, t.Position.Column
}

// place is where a node begins: the library has a mapping begin at its first colon.
func place(n ast.Node) (line, column int) {
	switch m := n.(type) {
	case *ast.MappingNode:
		if len(m.Values) > 0 {
			return position(m.Values[0].Key.GetToken())
		}
	case *ast.MappingValueNode:
		return position(m.Key.GetToken())
	}
	return position(n.GetToken())
}

func errorAt(n ast.Node, format string, args ...any) error {
	line, column := place(n)
	return &syntaxError{line, column, fmt.Sprintf(format, args...)}
}

// converter makes nodes of the library's.
type converter struct {
	anchors map[string]ast.Node
	inside  map[string]bool // the anchors whose aliases are being resolved
	count   int
}

func (c *converter) convert(from ast.Node, depth int) (*node, error) {
	if c.count++; c.count > maxNodes {
		return nil, errorAt(from, "more than %d values, aliases counted each time", maxNodes)
	}
	if depth > maxDepth {
		return nil, errorAt(from, "more than %d levels of nesting", maxDepth)
	}
	n := &node{}
	n.line, n.column = place(from)
	switch from := from.(type) {
	case *ast.NullNode:
		return n, nil
	case *ast.StringNode:
		n.kind, n.text = scalar, from.Value
		return n, nil
	case *ast.LiteralNode:
		n.kind, n.text = scalar, from.Value.Value
		return n, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		n.kind, n.text = scalar, from.GetToken().Value
		return n, nil
	case *ast.MappingNode:
		return n, c.mapping(n, from.Values, depth)
	case *ast.MappingValueNode:
		return n, c.mapping(n, []*ast.MappingValueNode{from}, depth)
	case *ast.SequenceNode:
		return n, c.sequence(n, from, depth)
	case *ast.AnchorNode:
		c.anchors[from.Name.GetToken().Value] = from.Value
		return c.convert(from.Value, depth+1)
	case *ast.AliasNode:
		return c.alias(from, depth)
	case *ast.TagNode:
		return nil, errorAt(from, "tags have no meaning here")
	}
	return nil, errorAt(from, "this is not to be understood")
}

func (c *converter) mapping(n *node, values []*ast.MappingValueNode, depth int) error {
	n.kind = mapping
	for _, v := range values {
		value, err := c.convert(v.Value, depth+1)
		if err != nil {
			return err
		}
		if v.Key.Type() == ast.MergeKeyType {
			if err := n.merge(value, v); err != nil {
				return err
			}
			continue
		}
		key, err := c.convert(v.Key, depth+1)
		if err != nil {
			return err
		}
		if key.kind != scalar {
			return errorAt(v, "a key is a word")
		}
		n.pairs = append(n.pairs, pair{key: key, value: value})
	}
	return nil
}

// merge takes the pairs of << in, which others of the same key go before.
func (n *node) merge(value *node, at ast.Node) error {
	from := []*node{value}
	if value.kind == sequence {
		from = value.items
	}
	for _, m := range from {
		if m.kind != mapping {
			return errorAt(at, "<< takes a mapping, such as *name")
		}
		// What m has by itself goes before what it has merged in turn.
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

func (c *converter) sequence(n *node, from *ast.SequenceNode, depth int) error {
	n.kind = sequence
	for _, v := range from.Values {
		item, err := c.convert(v, depth+1)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	return nil
}

func (c *converter) alias(from *ast.AliasNode, depth int) (*node, error) {
	name := from.Value.GetToken().Value
	target, ok := c.anchors[name]
	if !ok {
		return nil, errorAt(from, "no anchor of that name comes before this alias")
	}
	if c.inside[name] {
		return nil, errorAt(from, "an alias within its own anchor")
	}
	c.inside[name] = true
	defer delete(c.inside, name)
	n, err := c.convert(target, depth+1)
	if err != nil {
		return nil, err
	}
	n.line, n.column = position(from.GetToken())
	return n, nil
}
