package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kfgrab/kfgrab/internal/spelling"
)

const (
	// maxKey is longer than any known key. Errors show no longer ones.
	maxKey = 40
	// maxListed is the most keys that an error lists.
	maxListed = 12
	// maxScalar is longer than any value without references.
	maxScalar = 1000
	// maxText is longer than any URL or header that servers accept.
	maxText = 16 << 10
)

// decoder turns nodes into options. It goes on after an error.
type decoder struct {
	path   string
	lookup Lookup
	errors []*Error
	more   int
}

// fail adds an error about the value of key at n. It must not contain a value that was
// filled in.
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

// joinErrors returns all errors in the order of the file.
func (d *decoder) joinErrors() error {
	if len(d.errors) == 0 {
		return nil
	}
	slices.SortStableFunc(d.errors, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Errors{List: d.errors, More: d.more}
}

// block is a mapping with known keys.
type block[T any] map[string]func(d *decoder, key string, n *node, to *T)

// decode stores the values of n in to. The name of the block in errors is what.
func (b block[T]) decode(d *decoder, what string, n *node, to *T) {
	for key, value := range d.eachPair(what, n) {
		set, known := b[key.text]
		if !known {
			d.failUnknownKey(what, key, slices.Sorted(maps.Keys(b)))
			continue
		}
		set(d, key.text, value, to)
	}
}

// eachPair yields the keys and values of a mapping. Its own take precedence over merged ones.
func (d *decoder) eachPair(what string, n *node) func(yield func(key, value *node) bool) {
	return func(yield func(key, value *node) bool) {
		if n.kind != mapping {
			d.fail(n, "", "%s: must have keys and values", what)
			return
		}
		own := map[string]*node{}
		for _, p := range n.pairs {
			if first := own[p.key.text]; first != nil && !p.merged {
				d.fail(p.key, "", "%s appears twice: first in line %d", showKey(p.key.text), first.line)
			} else if !p.merged {
				own[p.key.text] = p.key
			}
		}
		taken := map[string]bool{}
		for _, p := range n.pairs {
			if (p.merged && own[p.key.text] != nil) || taken[p.key.text] {
				continue
			}
			taken[p.key.text] = true
			if !yield(p.key, p.value) {
				return
			}
		}
	}
}

// keyPlaces lists keys that users of the flags expect in a stream, and where they belong.
var keyPlaces = map[string]string{
	"dir": "sinks: [{dir: shots}]", "exec": "sinks", "webhook": "sinks", "template": "sinks", "latest": "sinks",
	"keep": "retention, as count", "keep_for": "retention, as age", "keep_bytes": "retention, as bytes",
}

func (d *decoder) failUnknownKey(what string, key *node, known []string) {
	hint := ""
	if place := keyPlaces[key.text]; place != "" && !slices.Contains(known, key.text) {
		hint = "; it belongs to " + place
	} else if near := spelling.Nearest(strings.ReplaceAll(key.text, "-", "_"), known); near != "" {
		hint = "; did you mean " + near + "?"
	} else if len(known) <= maxListed {
		hint = "; known keys are " + strings.Join(known, ", ")
	}
	d.fail(key, "", "%s: unknown key in %s%s", showKey(key.text), what, hint)
}

// showKey returns an unknown key for an error. It could be a URL with a password.
func showKey(key string) string {
	if len(key) > maxKey || strings.Trim(strings.ToLower(key), "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" || key == "" {
		return "this"
	}
	return key
}

// parseValue returns a function that parses a word and stores it in a field.
func parseValue[T, V any](field func(*T) *V, parse func(string) (V, error)) func(*decoder, string, *node, *T) {
	return func(d *decoder, key string, n *node, to *T) {
		word, ok := d.decodeWord(key, n)
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

// decodeWord returns the text of a scalar that must not contain references.
func (d *decoder) decodeWord(key string, n *node) (string, bool) {
	switch {
	case n.kind == null || (n.kind == scalar && n.text == ""):
		d.fail(n, key, "has no value")
	case n.kind != scalar:
		d.fail(n, key, "must be one value")
	case len(n.text) > maxScalar:
		d.fail(n, key, "the value is too long")
	case strings.Contains(n.text, "://"):
		d.fail(n, key, "must not be a URL")
	default:
		return n.text, true
	}
	return "", false
}

// decodeText returns a scalar with its references filled in by fill.
func (d *decoder) decodeText(key string, n *node, fill func(raw string) (text, error)) (text, bool) {
	switch {
	case n.kind == null || (n.kind == scalar && n.text == ""):
		d.fail(n, key, "has no value")
	case n.kind != scalar:
		d.fail(n, key, "must be one value")
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

// decodePlain returns a text that is not a URL.
func (d *decoder) decodePlain(key string, n *node) (text, bool) {
	return d.decodeText(key, n, func(raw string) (text, error) { return d.lookup.fillText(raw, nil) })
}

// failFilled is fail for an error that may contain the text.
func (d *decoder) failFilled(n *node, key string, t text, err error) {
	if t.filled {
		d.fail(n, key, "is invalid with its references filled in")
		return
	}
	d.fail(n, key, "%v", err)
}
