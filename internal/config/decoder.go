package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	// maxKey is longer than any key, and what an error shows of one that is none.
	maxKey = 40
	// maxListed is how many keys an error lists.
	maxListed = 12
	// maxScalar is longer than any value without references in it.
	maxScalar = 1000
	// maxText is longer than any URL or header that servers take.
	maxText = 16 << 10
)

// decoder turns nodes into options, and goes on after an error.
type decoder struct {
	path   string
	lookup Lookup
	errors []*Error
	more   int
}

// fail notes what is wrong with the value of key at n. Nothing of a value that was
// filled in may be in it.
func (d *decoder) fail(n *node, key, format string, args ...any) {
	if len(d.errors) >= maxErrors {
		d.more++
		return
	}
	text := fmt.Sprintf(format, args...)
	if key != "" {
		text = key + ": " + text
	}
	e := &Error{Path: d.path, Line: n.line, Column: n.column, Text: text}
	for _, arg := range args {
		if err, ok := arg.(error); ok {
			e.cause = err
		}
	}
	d.errors = append(d.errors, e)
}

// err returns what was noted, in the order of the file.
func (d *decoder) err() error {
	if len(d.errors) == 0 {
		return nil
	}
	slices.SortStableFunc(d.errors, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Errors{List: d.errors, More: d.more}
}

// block is a mapping of which each key has a meaning of its own.
type block[T any] map[string]func(d *decoder, key string, n *node, to *T)

// decode takes the values of n into to. What is the name of the block in errors.
func (b block[T]) decode(d *decoder, what string, n *node, to *T) {
	for key, value := range d.pairs(what, n) {
		set, known := b[key.text]
		if !known {
			d.unknown(what, key, slices.Sorted(maps.Keys(b)))
			continue
		}
		set(d, key.text, value, to)
	}
}

// pairs goes through a mapping. What << brings comes first, where nothing else says
// otherwise.
func (d *decoder) pairs(what string, n *node) func(yield func(key, value *node) bool) {
	return func(yield func(key, value *node) bool) {
		if n.kind != mapping {
			d.fail(n, "", "%s: wants keys and values", what)
			return
		}
		own := map[string]*node{}
		for _, p := range n.pairs {
			if first := own[p.key.text]; first != nil && !p.merged {
				d.fail(p.key, "", "%s comes twice: first in line %d", show(p.key.text), first.line)
			} else if !p.merged {
				own[p.key.text] = p.key
			}
		}
		taken := map[string]bool{}
		for _, p := range n.pairs {
			if p.merged && own[p.key.text] != nil || taken[p.key.text] {
				continue
			}
			taken[p.key.text] = true
			if !yield(p.key, p.value) {
				return
			}
		}
	}
}

// elsewhere has the keys that stand deeper than who knows the command's flags would put
// them.
var elsewhere = map[string]string{
	"dir": "sinks: [{dir: shots}]", "exec": "sinks", "webhook": "sinks", "template": "sinks", "latest": "sinks",
	"keep": "retention, as count", "keep_for": "retention, as age", "keep_bytes": "retention, as bytes",
}

func (d *decoder) unknown(what string, key *node, known []string) {
	hint := ""
	if place := elsewhere[key.text]; place != "" && !slices.Contains(known, key.text) {
		hint = "; it belongs to " + place
	} else if near := nearest(strings.ReplaceAll(key.text, "-", "_"), known); near != "" {
		hint = "; did you mean " + near + "?"
	} else if len(known) <= maxListed {
		hint = "; there are " + strings.Join(known, ", ")
	}
	d.fail(key, "", "%s: unknown key in %s%s", show(key.text), what, hint)
}

// show returns a key as an error may have it: it is none that is known, and could be a
// URL.
func show(key string) string {
	if len(key) > maxKey || strings.Trim(strings.ToLower(key), "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" || key == "" {
		return "this"
	}
	return key
}

// value returns a setter of a field that is parsed from a word.
func value[T, V any](field func(*T) *V, parse func(string) (V, error)) func(*decoder, string, *node, *T) {
	return func(d *decoder, key string, n *node, to *T) {
		word, ok := d.word(key, n)
		if !ok {
			return
		}
		v, err := parse(word)
		if err != nil {
			d.fail(n, key, "%v", err)
			return
		}
		*field(to) = v
	}
}

// word returns the text of a scalar without references.
func (d *decoder) word(key string, n *node) (string, bool) {
	switch {
	case n.kind == null || n.kind == scalar && n.text == "":
		d.fail(n, key, "has no value")
	case n.kind != scalar:
		d.fail(n, key, "wants one value")
	case len(n.text) > maxScalar:
		d.fail(n, key, "the value is too long")
	case strings.Contains(n.text, "://"):
		d.fail(n, key, "the value is a URL")
	default:
		return n.text, true
	}
	return "", false
}

// text returns a scalar with its references filled in, by fill.
func (d *decoder) text(key string, n *node, fill func(raw string) (text, error)) (text, bool) {
	switch {
	case n.kind == null || n.kind == scalar && n.text == "":
		d.fail(n, key, "has no value")
	case n.kind != scalar:
		d.fail(n, key, "wants one value")
	case len(n.text) > maxText:
		d.fail(n, key, "the value is too long")
	default:
		t, err := fill(n.text)
		if err == nil {
			return t, true
		}
		d.fail(n, key, "%v", err)
	}
	return text{}, false
}

// plain is the text that is no URL.
func (d *decoder) plain(key string, n *node) (text, bool) {
	return d.text(key, n, func(raw string) (text, error) { return d.lookup.fill(raw, nil) })
}

// failFilled is fail for an error that may quote the text.
func (d *decoder) failFilled(n *node, key string, t text, err error) {
	if t.filled {
		d.fail(n, key, "makes no sense with what the references in it stand for")
		return
	}
	d.fail(n, key, "%v", err)
}
