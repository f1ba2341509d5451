package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab/internal/config"
	"github.com/kfgrab/kfgrab/internal/redact"
	"github.com/kfgrab/kfgrab/internal/sourcekind"
)

// optionFlags are the flags that set the options of the table in package sourcekind.
var optionFlags = map[string]string{
	"At":                     "at",
	"AtClock":                "at",
	"Edge":                   "edge",
	"EdgeNext":               "edge",
	"Rendition":              "rendition",
	"MaxBandwidth":           "max-bandwidth",
	"AllowTiles":             "allow-tiles",
	"Program":                "program",
	"MaxBytes":               "max-bytes",
	"Header":                 "header",
	"HeadersEverywhere":      "headers-everywhere",
	"UserAgent":              "user-agent",
	"Proxy":                  "proxy",
	"InsecureTLS":            "insecure",
	"RootCAs":                "ca",
	"TLSFingerprint":         "tls-fingerprint",
	"RTSP.Transport":         "rtsp-transport",
	"RTSP.KeyframeTimeout":   "keyframe-timeout",
	"RTSP.NoKeyframeRequest": "no-keyframe-request",
	"RTSP.KeepSession":       "", // only configurations have it
}

// valueOptions are the options that only some values of a flag set: the library refuses
// those.
var valueOptions = []string{"AtClock", "EdgeNext"}

// refuseUselessFlags makes cmd refuse flags that none of the streams in its arguments
// can honour, as far as their URLs show. Flags that the command refuses by itself are
// left to it.
func refuseUselessFlags(cmd *cobra.Command, source *sourceFlags) {
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil // the streams are those of a configuration
		}
		urls := args[:1]
		if namesStreams(cmd) {
			urls = args
		}
		return source.checkUseOfFlags(cmd.Flags(), urls)
	}
}

// namesStreams reports whether all arguments of cmd are streams, as [NAME=]URL.
func namesStreams(cmd *cobra.Command) bool { return strings.Contains(cmd.Use, "[NAME=]URL…") }

func (f *sourceFlags) checkUseOfFlags(flags *pflag.FlagSet, arguments []string) error {
	if flags.Changed("headers-everywhere") && !flags.Changed("header") {
		return usageError(errors.New("--headers-everywhere sends --header to other servers, too: give one"))
	}

	for _, option := range sourcekind.Options() {
		name := optionFlags[option]
		flag := flags.Lookup(name)
		if flag == nil || !flag.Changed || flag.Value.String() == "false" ||
			slices.Contains(valueOptions, option) || slices.Contains(f.refused, name) {
			continue
		}

		var refused error
		useful := false
		for _, argument := range arguments {
			_, rawURL := config.SplitArgument(argument)
			err := sourcekind.Check(option, kindsOf(rawURL))
			if useful = useful || err == nil; err != nil && refused == nil {
				refused = fmt.Errorf("%s: %w", redact.URL(rawURL), err)
			}
		}
		if !useful {
			return usageError(refused)
		}
	}
	return nil
}

// kindsOf returns the kinds that the source at rawURL may be. Unlike a URL, the entry of
// a directory shows whether it is a file. If there is none, the set is empty: rawURL is
// a mistyped address, or a reference to one.
func kindsOf(rawURL string) sourcekind.Set {
	kinds := sourcekind.OfURL(rawURL)
	if kinds&sourcekind.Local == 0 {
		return kinds
	}
	info, err := os.Stat(strings.TrimPrefix(rawURL, "file://"))
	switch {
	case err != nil:
		return 0
	case info.Mode().IsRegular():
		return kinds & sourcekind.Local
	}
	return kinds & sourcekind.Pipe
}

// nameRefusedFlag puts the flag in front of the text of an error about an option that a
// source cannot honour.
func nameRefusedFlag(err error, text string) string {
	var refused *sourcekind.Error
	if !errors.As(err, &refused) || optionFlags[refused.Option] == "" {
		return text
	}
	reason, usage := strings.CutPrefix(text, "usage: ")
	if !usage {
		return text
	}
	return "usage: --" + optionFlags[refused.Option] + ": " + reason
}
