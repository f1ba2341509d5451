package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab/internal/spelling"
)

// foreignFlags are flags of curl, wget and ffmpeg, and what kfgrab has in their place.
var foreignFlags = map[string]string{
	"u": "user and password go into the URL", "user": "user and password go into the URL",
	"L": "kfgrab follows redirects anyway", "location": "kfgrab follows redirects anyway",
	"i":        "the URL needs no flag",
	"url":      "the URL needs no flag",
	"ss":       "--at names a time",
	"s":        "--quiet prints errors only, --size sets a size",
	"silent":   "--quiet prints errors only",
	"m":        "--timeout limits the time",
	"max-time": "--timeout limits the time",
	"O":        "-o FILE names the output", "output-document": "-o FILE names the output",
	"cacert": "--ca names a file of certificate authorities",
	"e":      "--header 'Referer: …' sends one", "referer": "--header 'Referer: …' sends one",
	"b": "--header 'Cookie: …' sends one", "cookie": "--header 'Cookie: …' sends one",
	"y":        "kfgrab replaces files anyway",
	"vframes":  "kfgrab takes one picture anyway",
	"frames:v": "kfgrab takes one picture anyway",
	"vf":       "--width, --height, --fit and --crop scale and crop",
}

// describeUnknownFlag names the flag that was probably meant, of this command or of
// another.
func describeUnknownFlag(cmd *cobra.Command, unknown *pflag.NotExistError) string {
	name := unknown.GetSpecifiedName()
	text, long := "unknown flag: --"+name, name
	if group := unknown.GetSpecifiedShortnames(); group != "" {
		text, long = "unknown flag: -"+name, group // the rest of the group may be a secret value
	}
	long, _, _ = strings.Cut(long, "=")

	if hint := foreignFlags[long]; hint != "" {
		return text + "; " + hint
	}
	if hint := foreignFlags[name]; hint != "" {
		return text + "; " + hint
	}
	if owners := commandsWithFlag(cmd.Root(), long); len(owners) > 0 && !slices.Contains(owners, cmd) {
		return fmt.Sprintf("%s; it is a flag of %s", text, listCommands(owners))
	}

	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	})
	near := spelling.Nearest(strings.ReplaceAll(long, "_", "-"), known)
	if near == "" || len(long) == 1 {
		return text + "; see " + cmd.CommandPath() + " --help"
	}
	return text + "; did you mean --" + near + "?"
}

// commandsWithFlag returns the commands that have a flag, the root first.
func commandsWithFlag(root *cobra.Command, name string) (owners []*cobra.Command) {
	for _, cmd := range append([]*cobra.Command{root}, root.Commands()...) {
		if f := cmd.Flags().Lookup(name); f != nil && !f.Hidden {
			owners = append(owners, cmd)
		}
	}
	return owners
}

func listCommands(commands []*cobra.Command) string {
	var names []string
	for _, cmd := range commands {
		names = append(names, cmd.CommandPath())
	}
	if n := len(names) - 1; n > 0 {
		return strings.Join(names[:n], ", ") + " and " + names[n]
	}
	return names[0]
}

// checkCommandName returns an error if the first argument, which would be a stream, is a
// misspelt command instead.
func checkCommandName(cmd *cobra.Command, args []string) error {
	if cmd != cmd.Root() || len(args) == 0 || strings.Trim(strings.ToLower(args[0]), "abcdefghijklmnopqrstuvwxyz") != "" {
		return nil
	}
	if _, err := os.Stat(args[0]); err == nil {
		return nil
	}
	if near := nearestCommand(cmd, args[0]); near != "" {
		return usageError(fmt.Errorf("unknown command %q; did you mean %s?", args[0], near))
	}
	return nil
}

// nearestCommand returns the command line that was probably meant by the name of a
// command, or "".
func nearestCommand(root *cobra.Command, name string) string {
	var known []string
	for _, sub := range root.Commands() {
		if sub.IsAvailableCommand() || sub.Name() == "help" {
			known = append(append(known, sub.Name()), sub.Aliases...)
		}
	}
	if near := spelling.Nearest(name, known); near != "" {
		return root.CommandPath() + " " + near
	}
	return ""
}

// nearestValue returns "; did you mean …?" if a flag has words, and one of them was
// probably meant by text.
func nearestValue(flag, text string) string {
	if near := spelling.Nearest(text, strings.Fields(flagValues[flag])); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// strictCommands makes the commands that cobra adds refuse arguments that they do not
// know.
func strictCommands(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Run, cmd.RunE = nil, showHelp
		case "completion":
			cmd.Args, cmd.RunE = nil, chooseShell
			for _, shell := range cmd.Commands() {
				shell.Args = noArgs
			}
		}
	}
}

// showHelp is kfgrab help [COMMAND].
func showHelp(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		hint := "; see kfgrab --help"
		if near := nearestCommand(cmd.Root(), args[0]); near != "" {
			hint = "; did you mean " + near + "?"
		}
		return usageError(errors.New("no such command" + hint))
	}
	found.InitDefaultHelpFlag()
	return found.Help()
}

// chooseShell is kfgrab completion without the name of a shell that it knows.
func chooseShell(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	var shells []string
	for _, shell := range cmd.Commands() {
		shells = append(shells, shell.Name())
	}
	return usageError(fmt.Errorf("no completion for %q; kfgrab has %s", args[0], strings.Join(shells, ", ")))
}
