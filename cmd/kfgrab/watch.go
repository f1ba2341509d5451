package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab/internal/config"
	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/internal/watch"
)

const watchHelp = `watch takes a picture of each of many streams again and again, and puts it where it is
kept: by default as DIR/NAME/2026-03-01/140203.250Z.jpg, and the newest one as
DIR/NAME/latest.jpg.

  kfgrab watch door=rtsp://camera/stream https://example.com/live.m3u8 --every 5m --dir shots
  kfgrab watch --config cams.yaml
  kfgrab watch --config cams.yaml --check

Streams start spread over the interval. One that hangs or fails holds up no other, and
is tried again by itself, after longer and longer times. A picture is stored once: not
again where there is no newer keyframe, nor after a restart.

A configuration that changes is read again, as is one on SIGHUP; where there is an error
in it, the old one stays. SIGTERM and SIGINT end the program, with what is under way.

The log has a line for each grab; a terminal shows a table in its place. Passwords are
best kept in the configuration, as ${ENV} or file:PATH: arguments can be seen by others.`

func newWatchCommand(std *streams, source *sourceFlags) *cobra.Command {
	f := &watchFlags{source: source}
	cmd := &cobra.Command{
		Use:   "watch [NAME=]URL… --every TIME --dir DIR | --config FILE",
		Short: "Pictures of many streams on a schedule",
		Long:  watchHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.checkFlags(cmd.Flags(), args); err != nil {
				return err
			}
			return f.run(cmd.Context(), std, args)
		},
	}
	f.register(cmd.Flags())
	return cmd
}

// watchFlags say what is watched, and how the program behaves.
type watchFlags struct {
	source  *sourceFlags
	streams watchStreamFlags
	log     logFlags

	config   string
	check    bool
	once     bool
	repeat   bool
	state    string
	ffmpeg   string
	grace    time.Duration
	total    int
	perHost  int
	decoders int
}

func (f *watchFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.config, "config", "", "`file` of streams, in place of arguments")
	flags.BoolVar(&f.check, "check", false, "print what would be done, and do nothing")
	flags.BoolVar(&f.once, "once", false, "take one picture of each stream now and end, with the worst of the exit codes")
	flags.BoolVar(&f.repeat, "repeat", false, "store a picture even where the keyframe is still the last one")
	flags.StringVar(&f.state, "state", "", "`file` for what is to survive a restart (default .kfgrab/watch.state in the first directory that pictures go to)")
	flags.StringVar(&f.ffmpeg, "ffmpeg", "", ffmpegHelp)
	flags.DurationVar(&f.grace, "grace", watch.DefaultGrace, "`time` that grabs have to end when the program is told to")
	flags.IntVar(&f.total, "at-once", 0, fmt.Sprintf("`number` of grabs at once (default %d)", schedule.DefaultLimits.Total))
	flags.IntVar(&f.perHost, "per-host", 0, fmt.Sprintf("`number` of grabs at once of one host (default %d)", schedule.DefaultLimits.PerHost))
	flags.IntVar(&f.decoders, "decoders", 0, "`number` of decoders at once (default one for each processor)")
	f.log.register(flags)
	f.streams.register(flags)
}

// ofProgram are the flags that go with --config: the others are keys of the file.
var ofProgram = map[string]bool{
	"config": true, "check": true, "once": true, "repeat": true, "state": true, "ffmpeg": true, "grace": true,
	"at-once": true, "per-host": true, "decoders": true, "verbose": true,
	"log-file": true, "log-size": true, "log-files": true, "log-format": true,
}

// checkFlags says what does not go together.
func (f *watchFlags) checkFlags(flags *pflag.FlagSet, args []string) error {
	if err := checkNamed(args, f.config, "watch"); err != nil {
		return err
	}
	switch {
	case f.grace <= 0 || f.total < 0 || f.perHost < 0 || f.decoders < 0:
		return usageError(errors.New("--grace, --at-once, --per-host and --decoders want more than 0"))
	case f.check && f.once:
		return usageError(errors.New("--check does nothing, and --once does: give one of them"))
	case f.config == "":
		return f.streams.check(f.once)
	}
	return refuseOfStreams(flags, f.config, ofProgram)
}

// load returns what is to be watched.
func (f *watchFlags) load(std *streams, args []string) (*config.File, error) {
	file := &config.File{Limits: schedule.DefaultLimits}
	var err error
	if f.config != "" {
		file, err = config.Load(f.config)
	} else {
		file.Streams, err = f.streams.parse(std, f.source, args)
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
	if f.ffmpeg != "" {
		file.FFmpeg = f.ffmpeg
	}
	for i := range file.Streams {
		if s := &file.Streams[i]; !f.once && s.Rule().Never() {
			return nil, usageError(fmt.Errorf("stream %q has neither every nor cron: when is it to be grabbed?", s.Name))
		}
		if len(file.Streams[i].Sinks) == 0 {
			return nil, usageError(fmt.Errorf("stream %q has no sinks: where are its pictures to go?", file.Streams[i].Name))
		}
	}
	return file, nil
}

// statePath is where the state is kept, "" where there is no place for it.
func (f *watchFlags) statePath(file *config.File) string {
	if f.state != "" {
		return f.state
	}
	for _, s := range file.Streams {
		for _, to := range s.Sinks {
			if to.To.Dir != "" {
				return filepath.Join(to.To.Dir, ".kfgrab", "watch.state")
			}
		}
	}
	return ""
}

func (f *watchFlags) run(ctx context.Context, std *streams, args []string) error {
	r := &reloader{path: f.config}
	if f.config != "" && !f.once && !f.check {
		defer r.listen()()
	}
	file, err := f.load(std, args)
	if err != nil {
		return err
	}
	if f.check {
		return f.printPlan(std.out, file)
	}
	p, err := f.start(ctx, std, file)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, p.outlets.end)()
	if f.once {
		failed, unclosed := worst(p.watcher.Once(ctx)), p.close()
		return cmp.Or(failed, unclosed)
	}
	defer p.close() //nolint:errcheck // it is in the log
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var beside sync.WaitGroup
	if f.config != "" {
		r.log, r.load = p.log, func() error { return p.reload(f, std, args) }
		beside.Go(func() { r.run(ctx) })
	}
	beside.Go(func() { p.prune(ctx) })
	beside.Go(func() { p.retireReplaced(ctx) })
	shown, hide := context.WithCancel(context.WithoutCancel(ctx))
	defer hide()
	if p.table != nil {
		beside.Go(func() {
			p.table.show(shown, p.watcher)
			cancel() // where the terminal has gone
		})
	}
	if f.statePath(file) == "" {
		p.log.Info("nothing is kept over a restart: name a file for it with --state")
	}
	p.watcher.Run(ctx)
	p.log.Info("stopped")
	cancel()
	hide()
	beside.Wait()
	return nil
}

func (f *watchFlags) printPlan(w io.Writer, file *config.File) error {
	state := cmp.Or(f.statePath(file), "nowhere: name a file with --state")
	_, err := fmt.Fprintf(w, "%sstate: %s\n", file.Plan(), state)
	return err
}

// worst returns nothing where all went well, else one line with the worst of the codes.
func worst(outcomes []watch.Outcome) error {
	failed, found := 0, (*watch.Outcome)(nil)
	for i := range outcomes {
		o := &outcomes[i]
		if o.Err == nil {
			continue
		}
		if failed++; found == nil || o.Class() > found.Class() {
			found = o
		}
	}
	if found == nil {
		return nil
	}
	return fmt.Errorf("%d of %d failed; %s: %w", failed, len(outcomes), found.Name, found.Err)
}
