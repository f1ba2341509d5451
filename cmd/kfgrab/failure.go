package main

import (
	"io"
	"slices"

	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab"
)

// failureReport is the error of a command with --json.
type failureReport struct {
	Error string `json:"error"`
	Class string `json:"class"`
	Exit  int    `json:"exit"`
}

// writeFailure writes err as JSON on one line. text describes it.
func writeFailure(w io.Writer, err error, text string) error {
	class := kfgrab.ClassOf(err)
	return writeJSON(w, failureReport{Error: text, Class: class.String(), Exit: class.ExitCode()}, "")
}

// wantsJSON reports whether --json was given. It goes by args, too, because an invalid
// flag ends the parsing of those behind it.
func wantsJSON(flags *pflag.FlagSet, args []string) bool {
	wanted, err := flags.GetBool("json")
	return err == nil && (wanted || slices.Contains(args, "--json"))
}
