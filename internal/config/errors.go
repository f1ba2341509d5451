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
