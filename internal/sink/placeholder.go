package sink

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var placeholder = regexp.MustCompile(`\{[a-z-]+\}`)

// fill replaces each {word} of text by what value says.
func fill(text string, value func(word string) string) string {
	return placeholder.ReplaceAllStringFunc(text, func(p string) string { return value(p[1 : len(p)-1]) })
}

// words returns the words in braces of text, each of which has to be in known.
func words(text string, known []string) ([]string, error) {
	var found []string
	for _, p := range placeholder.FindAllString(text, -1) {
		w := p[1 : len(p)-1]
		if !slices.Contains(known, w) {
			return nil, fmt.Errorf("%s is no placeholder; there are {%s}", p, strings.Join(known, "}, {"))
		}
		found = append(found, w)
	}
	return found, nil
}
