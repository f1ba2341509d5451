package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

// helpWidth is the longest line of help.
const helpWidth = 100

// flagGroups are the sections of a command's help, and the flags of each in the order of
// the help. COMMAND/FLAG stands for a flag that means something else in one command.
var flagGroups = []struct {
	title string
	names string
}{
	{"Streams", "config check"},
	{"Which picture", "at count sheet/every edge rendition max-bandwidth codec allow-tiles program skip-black frames session/rate session/every"},
	{"Size and format", "format width height size pix-fmt fit crop quality columns deinterlace max-pixels overlay no-times deterministic no-metadata"},
	{"Schedule", "every cron time-zone spread retry-first retry-longest once repeat on-change"},
	{"Output", "output vtt json show"},
	{"Storage", "dir to template latest exec webhook events failing-after keep-for keep keep-bytes state"},
	{"Service", "listen tls-cert tls-key ttl warm"},
	{"Access", "auth no-auth host allow-url rate hash"},
	{"Network", "header netrc netrc-file headers-everywhere user-agent proxy insecure ca tls-fingerprint rtsp-transport no-keyframe-request"},
	{"Limits", "timeout keyframe-timeout max-bytes parallel session/keep session/keep-bytes at-once per-host decoders grace cache-bytes"},
	{"Log", "log-file log-size log-files log-format"},
	{"Other", "ffmpeg verbose quiet help version"},
}

// findGroup returns the index in flagGroups of a command's flag and its place there, and
// -1 if it has none.
func findGroup(command, flag string) (group, place int) {
	for _, name := range []string{command + "/" + flag, flag} {
		for i, g := range flagGroups {
			if place := slices.Index(strings.Fields(g.names), name); place >= 0 {
				return i, place
			}
		}
	}
	return -1, -1
}

// labelledValue is a flag's value with a name for it in the help.
type labelledValue struct {
	pflag.Value
	label string
}

func (v labelledValue) Type() string { return v.label }

func unlabelled(v pflag.Value) pflag.Value {
	if l, ok := v.(labelledValue); ok {
		return l.Value
	}
	return v
}

// labelFlag takes the name of the value from the back quotes at the beginning of the usage.
// pflag would repeat it there.
func labelFlag(f *pflag.Flag) {
	label, usage, found := strings.Cut(strings.TrimPrefix(f.Usage, "`"), "` ")
	if !found {
		return
	}
	f.Usage, f.Value = usage, labelledValue{f.Value, label}
	switch f.DefValue {
	case "0s", "[]", "unknown": // of durations, lists and codecs: pflag recognises only its own types
		f.DefValue = ""
	}
}

// setUpHelp gives the commands grouped help and completion of values.
func setUpHelp(root *cobra.Command) {
	for _, cmd := range append(root.Commands(), root) {
		cmd.InitDefaultHelpFlag()
		if cmd.Flags().Lookup("user-agent") != nil { // it reads streams, which can be files
			cmd.ValidArgsFunction = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			labelFlag(f)
			if complete := flagCompletion(cmd.Name(), f.Name, unlabelled(f.Value).Type()); complete != nil {
				cmd.RegisterFlagCompletionFunc(f.Name, complete) //nolint:errcheck // the flag is there
			}
		})
	}
	root.SetUsageFunc(func(cmd *cobra.Command) error {
		_, err := cmd.OutOrStdout().Write([]byte(commandUsage(cmd)))
		return err
	})
}

// commandUsage returns the help of a command below its description.
func commandUsage(cmd *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage:\n  %s\n", cmd.UseLine())

	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s COMMAND\n\nCommands:\n", cmd.CommandPath())
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(&b, "  %-12s%s\n", sub.Name(), sub.Short)
			}
		}
	}

	for _, group := range groupFlags(cmd) {
		if group.HasAvailableFlags() {
			fmt.Fprintf(&b, "\n%s:\n%s", group.Name(), group.FlagUsagesWrapped(helpWidth))
		}
	}

	return b.String()
}

// groupFlags returns one set of flags for each group.
func groupFlags(cmd *cobra.Command) []*pflag.FlagSet {
	var all []*pflag.Flag
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { all = append(all, f) })
	slices.SortStableFunc(all, func(a, b *pflag.Flag) int {
		_, i := findGroup(cmd.Name(), a.Name)
		_, k := findGroup(cmd.Name(), b.Name)
		return i - k
	})

	groups := make([]*pflag.FlagSet, len(flagGroups))

	for i, g := range flagGroups {
		groups[i] = pflag.NewFlagSet(g.title, pflag.ContinueOnError)
		groups[i].SortFlags = false
	}

	for _, f := range all {
		i, _ := findGroup(cmd.Name(), f.Name)
		if i < 0 {
			i = len(groups) - 1
		}
		groups[i].AddFlag(f)
	}

	return groups
}

// flagValues are the words that flags take.
var flagValues = map[string]string{
	"edge":           "first last next",
	"rendition":      "best worst 1080p 720p 480p 360p",
	"codec":          "h264 h265",
	"rtsp-transport": "auto tcp udp multicast",
	"format":         "jpeg png webp rgb24 bgr24 annexb mp4 json",
	"sheet/format":   "jpeg png",
	"watch/format":   "jpeg png webp rgb24 bgr24 annexb mp4",
	"fit":            "fill cover contain",
	"deinterlace":    "auto off",
	"pix-fmt":        "rgb24 bgr24",
	"log-format":     "text json",
	"hash":           "password token",
	"time-zone":      "UTC Local Europe/Berlin",
}

// fileFlags take the path of a file.
var fileFlags = []string{"output", "vtt", "config", "ca", "tls-cert", "tls-key", "auth", "state", "log-file", "ffmpeg"}

// refuseDashes returns an error if a file is named -, which is an output elsewhere. Only
// the outputs --output, --vtt and --to can be standard output.
func refuseDashes(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		isPath := f.Name == "dir" || (f.Name != "output" && f.Name != "vtt" && slices.Contains(fileFlags, f.Name))
		if isPath && f.Value.String() == "-" && err == nil {
			err = usageError(fmt.Errorf("--%s needs a path; only --output, --vtt and --to know - for standard output", f.Name))
		}
	})
	return err
}

// flagCompletion returns how the shell completes a flag's value, or nil if the flag takes
// none. Without one of its own, the shell completes files.
func flagCompletion(command, name, valueType string) cobra.CompletionFunc {
	values := cmp.Or(flagValues[command+"/"+name], flagValues[name])
	if words := strings.Fields(values); len(words) > 0 {
		return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
	}

	if slices.Contains(fileFlags, name) {
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)
	}

	switch name {
	case "dir", "to":
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
	case "exec":
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)
	}
	if valueType == "bool" {
		return nil
	}
	return cobra.NoFileCompletions
}

func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write man pages into a directory",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "-" {
				return usageError(fmt.Errorf("which directory? Give one, such as man1"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "kfgrab " + version, Manual: "kfgrab"}, args[0])
		},
	}
}
