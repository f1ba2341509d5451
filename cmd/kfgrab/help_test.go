package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func allCommands() []*cobra.Command {
	root := newRootCommand(&streams{})
	return append(root.Commands(), root)
}

func TestHelpFits(t *testing.T) {
	for _, cmd := range allCommands() {
		for line := range strings.Lines(cmd.Long + "\n" + commandUsage(cmd)) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > helpWidth {
				t.Errorf("%s: %d columns: %s", cmd.Name(), n, line)
			}
		}
	}
}

func TestEveryFlagHasAGroup(t *testing.T) {
	for _, cmd := range allCommands() {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if i, _ := findGroup(cmd.Name(), f.Name); i < 0 {
				t.Errorf("%s --%s has no group", cmd.Name(), f.Name)
			}
		})
	}
}

func TestHelpDoesNotRepeatTheNameOfAValue(t *testing.T) {
	for _, cmd := range allCommands() {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			label, usage := pflag.UnquoteUsage(f)
			first, _, _ := strings.Cut(usage, " ")
			if label != "" && (strings.EqualFold(label, strings.Trim(first, ",:")) || label == f.DefValue) {
				t.Errorf("%s --%s %s   %s", cmd.Name(), f.Name, label, usage)
			}
			if strings.Contains(usage, "`") {
				t.Errorf("%s --%s has a back quote: %s", cmd.Name(), f.Name, usage)
			}
		})
	}
}
