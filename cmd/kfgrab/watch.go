package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab/internal/config"
	"github.com/kfgrab/kfgrab/internal/program"
	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/internal/watch"
)

const watchHelp = `watch takes a picture of each of many streams again and again and stores it, by default as
DIR/NAME/2026-03-01/140203.250Z.jpg and, for the newest one, DIR/NAME/latest.jpg.

  kfgrab watch door=rtsp://camera/stream https://example.com/live.m3u8 --every 5m --dir shots
  kfgrab watch --config cams.yaml
  kfgrab watch --config cams.yaml --check

Streams start spread over the interval. A stream that hangs or fails does not delay the others;
it is retried after longer and longer waits. A picture is stored once, even after a restart, and
not again while there is no newer keyframe.

kfgrab reads the configuration again when it changes and on SIGHUP. If the new one has an error,
the old one stays. SIGTERM and SIGINT stop the program after the current grabs.

The log has one line per grab; a terminal shows a table instead. Keep passwords in the
configuration, as ${ENV} or file:PATH: other users can see arguments.`

func newWatchCommand(std *streams, source *sourceFlags) *cobra.Command {
	f := &watchFlags{source: source}
	cmd := &cobra.Command{
		Use:   "watch [NAME=]URL… --every TIME --dir DIR | --config FILE",
		Short: "Pictures of many streams on a schedule",
		Long:  watchHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.checkWatchFlags(cmd.Flags(), args); err != nil {
				return err
			}
			return f.runWatch(cmd.Context(), std, args)
		},
	}
	f.addWatchFlags(cmd.Flags())
	return cmd
}

// watchFlags are the flags of the program; those of its streams are in watchStreamFlags.
type watchFlags struct {
	source  *sourceFlags
	streams watchStreamFlags
	log     logFlags

	config   string
	check    bool
	once     bool
	repeat   bool
	state    string
	grace    time.Duration
	total    int
	perHost  int
	decoders int
}

// watchFlagNames are the flags that go with --config. The others are keys of the file.
var watchFlagNames = []string{"check", "once", "repeat", "state", "grace", "at-once", "per-host", "decoders"}

func (f *watchFlags) addWatchFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.config, "config", "", "`file` read the streams from this file instead of the arguments")
	flags.BoolVar(&f.check, "check", false, "print what would be done, and do nothing")
	flags.BoolVar(&f.once, "once", false, "take one picture of each stream now; of several failures, the highest exit code counts")
	flags.BoolVar(&f.repeat, "repeat", false, "store a picture even if the keyframe is the same as the last one")
	flags.StringVar(&f.state, "state", "", "`file` keep here what must survive a restart (default .kfgrab/watch.state in the first directory that pictures go to)")
	addTimeFlag(flags, &f.grace, "grace", watch.DefaultGrace, "`time` give current grabs this long to finish when the program stops")
	flags.IntVar(&f.total, "at-once", 0, fmt.Sprintf("`number` make at most this many grabs at once (default %d)", schedule.DefaultLimits.Total))
	flags.IntVar(&f.perHost, "per-host", 0, fmt.Sprintf("`number` make at most this many grabs at once from one host (default %d)", schedule.DefaultLimits.PerHost))
	flags.IntVar(&f.decoders, "decoders", 0, "`number` run at most this many decoders at once (default one per processor)")
	f.log.addLogFlags(flags, "standard error; a terminal shows the table instead")
	f.streams.addWatchStreamFlags(flags)
}

// checkWatchFlags returns an error for flags that contradict each other.
func (f *watchFlags) checkWatchFlags(flags *pflag.FlagSet, args []string) error {
	if err := checkNamedStreams(args, f.config, "watch"); err != nil {
		return err
	}

	switch {
	case f.grace <= 0 || f.total < 0 || f.perHost < 0 || f.decoders < 0:
		return usageError(errors.New("--grace, --at-once, --per-host and --decoders must be positive"))
	case f.check && f.once:
		return usageError(errors.New("give --check or --once, not both"))
	case f.config == "":
		return f.streams.checkWatchStreamFlags(f.once)
	}
	return refuseStreamFlags(flags, f.config, watchFlagNames)
}

// loadStreams reads the configuration, or makes one of the arguments.
func (f *watchFlags) loadStreams(std *streams, args []string) (*config.File, error) {
	file := &config.File{Limits: schedule.DefaultLimits}
	var err error
	if f.config != "" {
		file, err = config.Load(f.config)
	} else {
		file.Streams, err = f.streams.parseStreams(std, f.source, args)
	}
	if err != nil {
		return nil, err
	}

	if f.total > 0 {
		file.Limits.Total = f.total
	}
	if f.perHost > 0 {
		file.Limits.PerHost = f.perHost
	}
	file.FFmpeg = cmp.Or(f.streams.picture.pixels.ffmpeg, file.FFmpeg)
	return file, program.Check(file, f.once)
}

func (f *watchFlags) runWatch(ctx context.Context, std *streams, args []string) error {
	reloader := &program.Reloader{Path: f.config}
	if f.config != "" && !f.once && !f.check {
		defer reloader.Listen()()
	}
	file, err := f.loadStreams(std, args)
	if err != nil {
		return err
	}
	state := cmp.Or(f.state, program.DefaultState(file))
	if f.check {
		return f.printPlan(ctx, std, file, state)
	}

	log, table, logFile, err := f.openLog(std)
	if err != nil {
		return err
	}
	defer logFile.Close()
	p, err := program.Open(ctx, file, &program.Options{
		Stdout: std.out, Grace: f.grace, Repeat: f.repeat, Decoders: f.decoders, State: state, Version: version, Logger: log,
	})
	if err != nil {
		return err
	}
	if f.once {
		outcomes := p.Once(ctx)
		unclosed := p.Close()
		if slices.ContainsFunc(outcomes, func(o watch.Outcome) bool { return o.Result == watch.Unchanged }) {
			log.Info("streams without a new picture: --repeat stores the same one again")
		}
		return cmp.Or(worstOutcome(outcomes), unclosed)
	}
	defer p.Close() //nolint:errcheck // the log has the error

	if state == "" {
		log.Info("nothing is kept across a restart: name a file for it with --state")
	}
	if f.config != "" {
		reloader.Logger = log
		reloader.Load = func() error {
			file, err := f.loadStreams(std, args)
			if err != nil {
				return err
			}
			return p.Reload(file)
		}
	} else {
		reloader = nil
	}
	runUntilDone(ctx, p, reloader, table)
	log.Info("stopped")
	return nil
}

// runUntilDone runs p with its reloader and its table, each of which may be nil.
func runUntilDone(ctx context.Context, p *program.Program, reloader *program.Reloader, table *table) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	shown, hide := context.WithCancel(context.WithoutCancel(ctx)) // the table shows the last grabs, too
	defer hide()

	var background sync.WaitGroup
	if reloader != nil {
		background.Go(func() { reloader.Run(ctx) })
	}
	if table != nil {
		background.Go(func() {
			table.showUntilDone(shown, p.Watcher())
			cancel() // the terminal may have gone
		})
	}

	p.Run(ctx)
	cancel()
	hide()
	background.Wait()
}

// openLog opens the log. On a terminal it also returns a table, which is shown instead.
func (f *watchFlags) openLog(std *streams) (*slog.Logger, *table, io.Closer, error) {
	var shown *table
	stderr := std.err
	if !f.once && isTerminal(std.err) && !f.source.verbose && !f.source.quiet {
		shown = &table{out: std.err.(*os.File)}
		stderr = io.Discard
	}
	handler, closer, err := f.log.newHandler(stderr, f.source)
	if err != nil {
		return nil, nil, nil, err
	}
	if shown != nil {
		handler = &warningHandler{handler, shown}
	}
	return slog.New(handler), shown, closer, nil
}

// worstOutcome returns nil if all went well, else one line about the stream with the highest
// exit code, the first of several.
func worstOutcome(outcomes []watch.Outcome) error {
	failed, worst := 0, (*watch.Outcome)(nil)
	for i := range outcomes {
		o := &outcomes[i]
		if o.Err == nil {
			continue
		}
		if failed++; worst == nil || o.Class() > worst.Class() {
			worst = o
		}
	}
	if worst == nil {
		return nil
	}
	return fmt.Errorf("%d of %d failed; %s: %w", failed, len(outcomes), worst.Name, worst.Err)
}
