package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab"
)

const rootHelp = `kfgrab takes one still picture out of a live video stream for the fewest bytes and the least CPU
that the protocol allows.

  kfgrab https://example.com/live/master.m3u8 now.jpg
  kfgrab rtsp://user:password@camera/stream --width 640 > now.jpg
  kfgrab recording.mp4 --at 00:10:30 --format png -o scene.png

Streams: HLS (http, https), MP4 and MPEG-TS files over HTTP or local, RTSP (rtsp, rtsps, and
tunnels: rtsp+http, rtsp+ws), transport streams in datagrams (udp), and - for standard input.

Exit codes: 0 done, 1 other, 2 usage, 3 no keyframe within the budget, 4 network or server, 5
not authorised, 6 timeout, 7 corrupt or unsupported stream, 8 decoder missing or failed.`

// newRootCommand returns the tree of commands; the root itself takes a picture.
func newRootCommand(std *streams) *cobra.Command {
	source, picture := newSourceFlags(), &pictureFlags{}
	root := &cobra.Command{
		Use:     "kfgrab URL [FILE|-]",
		Short:   "One still picture out of a live video stream",
		Long:    rootHelp,
		Version: version,
		Args:    urlAndFile(&picture.output),
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return refuseDashes(cmd.Flags())
		},
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			rawURL, err := source.resolveAddress(args[0])
			if err != nil {
				return err
			}
			return grabPicture(cmd.Context(), std, rawURL, source, picture)
		},
	}
	root.SetFlagErrorFunc(describeFlagError)
	root.SetVersionTemplate(versionLine() + "\n")
	root.Flags().BoolP("version", "V", false, "print the version")
	source.addSourceFlags(root.Flags())
	source.addAddressFlags(root.Flags())
	picture.addPictureFlags(root.Flags())
	refuseUselessFlags(root, source)

	for _, newCommand := range []func(*streams, *sourceFlags) *cobra.Command{
		newProbeCommand, newSessionCommand, newSheetCommand, newWatchCommand, newServeCommand,
	} {
		own := newSourceFlags()
		cmd := newCommand(std, own)
		own.addSourceFlags(cmd.Flags())
		refuseUselessFlags(cmd, own)
		root.AddCommand(cmd)
	}
	root.AddCommand(newDemoCommand(std), newVersionCommand(std), newLicencesCommand(std), newManCommand())
	strictCommands(root)
	setUpHelp(root)
	return root
}

func usageError(err error) error { return fmt.Errorf("%w: %w", kfgrab.ErrUsage, err) }

// describeFlagError explains what is wrong with a flag, in words other than pflag's.
func describeFlagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		if err := checkCommandName(cmd, cmd.Flags().Args()); err != nil {
			return err
		}
		return usageError(errors.New(describeUnknownFlag(cmd, unknown)))
	case errors.As(err, &missing):
		return usageError(fmt.Errorf("--%s needs a value", missing.GetFlag().Name))
	case !errors.As(err, &invalid):
		return usageError(err)
	}

	reason := invalid.Unwrap().Error()

	switch unlabelled(invalid.GetFlag().Value).Type() {
	case "int":
		reason = describeNumber(invalid.GetValue(), invalid.Unwrap()).Error()
	case "bool":
		reason = fmt.Sprintf("%q is neither true nor false", invalid.GetValue())
	case "float64":
		reason = fmt.Sprintf("%q is not a number", invalid.GetValue())
	}

	name := invalid.GetFlag().Name
	return usageError(fmt.Errorf("--%s: %s%s", name, reason, nearestValue(name, invalid.GetValue())))
}

// oneURL is the Args of commands that read one stream.
func oneURL(cmd *cobra.Command, args []string) error {
	if err := checkCommandName(cmd, args); err != nil {
		return err
	}
	switch len(args) {
	case 0:
		return usageError(fmt.Errorf("which stream? Give its URL; see %s --help", cmd.CommandPath()))
	case 1:
		return nil
	}
	return usageError(fmt.Errorf("one URL at a time, not %d; see %s --help", len(args), cmd.CommandPath()))
}

// urlAndFile is the Args of commands that read one stream and write one file, which can be
// a second argument in place of --output.
func urlAndFile(output *string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 2 {
			return oneURL(cmd, args)
		}
		if err := oneURL(cmd, args[:1]); err != nil {
			return err
		}
		switch {
		case strings.Contains(args[1], "://"):
			return oneURL(cmd, args)
		case cmd.Flags().Changed("output"):
			return usageError(errors.New("the file has two names: leave out -o, or the second argument"))
		case args[1] != "-" && !strings.ContainsAny(args[1], "./"): // such as the 3 of --skip-black 3
			return usageError(fmt.Errorf("unexpected argument %q: as the name of a picture it needs an extension; -o takes it without", args[1]))
		case holdsVideo(args[1]):
			return usageError(errors.New("one URL at a time: the second argument is a video file; -o replaces it"))
		}
		*output = args[1]
		return nil
	}
}

// holdsVideo reports whether there is a video file at path. As a second argument it is
// more probably a second stream than a file to replace.
func holdsVideo(path string) bool {
	_, err := os.Stat(path)
	f, unknown := chooseFormat("", path)
	return err == nil && unknown == nil && f.accessUnit()
}

// noArgs is the Args of commands that take none.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError(fmt.Errorf("unexpected argument %q; see kfgrab --help", args[0]))
	}
	return nil
}

// checkNamedStreams is for commands whose streams are their arguments, or those of
// --config.
func checkNamedStreams(args []string, config, command string) error {
	switch {
	case config != "" && len(args) > 0:
		return usageError(errors.New("give streams as arguments or with --config, not both"))
	case config == "" && len(args) == 0:
		return usageError(fmt.Errorf("which streams? Give [NAME=]URL, or a file of them with --config; see kfgrab %s --help", command))
	}
	return nil
}

// refuseStreamFlags returns an error if a flag was given beside --config that is a key of
// the file. The flags in allowed are not.
func refuseStreamFlags(flags *pflag.FlagSet, config string, allowed []string) (err error) {
	if config == "" {
		return nil
	}
	known := map[string]bool{"config": true, "ffmpeg": true, "verbose": true, "quiet": true}

	for _, name := range append(allowed, logFlagNames...) {
		known[name] = true
	}
	flags.Visit(func(flag *pflag.Flag) {
		if err == nil && !known[flag.Name] {
			err = usageError(fmt.Errorf("--%s is for streams of the command line: set it in %s for each stream", flag.Name, config))
		}
	})
	return err
}

// newVerboseLogger writes one line per decision, without time and level.
func newVerboseLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
				return slog.Attr{}
			}
			return a
		},
	}))
}
