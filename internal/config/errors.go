package config

import (
	"fmt"
	"strings"

	"github.com/kfgrab/kfgrab"
)

// Error is one error in a file.
type Error struct {
	Path         string
	Line, Column int // from 1; 0 where it is the whole file
	Text         string

	cause error // nil if the text is all there is
}

// Error returns the place as editors read it, and what is wrong.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Path, e.Text)
	}
	if e.Column == 0 {
		return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.Path, e.Line, e.Column, e.Text)
}

// Unwrap returns the error that Text describes, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Errors holds all errors of a file, in the order of the file. It wraps kfgrab.ErrUsage.
type Errors struct {
	List []*Error
	More int // number of errors that are not listed
}

// maxErrors is as many as a person reads before the next try.
const maxErrors = 20

// Error returns one line for each error.
func (e *Errors) Error() string {
	lines := make([]string, 0, len(e.List)+1)
	for _, err := range e.List {
		lines = append(lines, err.Error())
	}
	if e.More > 0 {
		lines = append(lines, fmt.Sprintf("%s: and %d more", e.List[0].Path, e.More))
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns kfgrab.ErrUsage.
func (e *Errors) Unwrap() error { return kfgrab.ErrUsage }

// nearest returns the name that was probably meant by word, or "".
func nearest(word string, names []string) string {
	best, found := max(2, len(word)/3+1), ""
	for _, name := range names {
		if d := editDistance(strings.ToLower(word), name); d < best {
			best, found = d, name
		}
	}
	return found
}

// editDistance is the Levenshtein distance of bytes, in which swapped neighbours count as one.
func editDistance(a, b string) int {
	if len(a) > maxKey {
		return len(a)
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)

	for j := range row {
		row[j] = j
	}

	for i := range len(a) {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}

	return row[len(b)]
}
