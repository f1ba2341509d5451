package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab/internal/config"
	"github.com/kfgrab/kfgrab/internal/event"
	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/internal/sink"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/serve"
)

// watchStreamFlags apply to all streams of the command line. A configuration has the same
// for each stream.
type watchStreamFlags struct {
	picture pictureFlags

	every    time.Duration
	cron     string
	zone     string
	spread   time.Duration
	dir      string
	to       []string
	template string
	latest   string
	exec     []string
	webhook  []string
	onChange int // bits; 0 for always
	keepFor  time.Duration
	keep     int
	keepSize int64

	events       []string
	retry        schedule.Retry
	failingAfter int
}

// watchPictureFlags are the flags of a single picture that many can have, too.
var watchPictureFlags = []string{
	"max-bandwidth", "rendition", "codec", "allow-tiles", "format", "width", "height", "size", "fit", "quality", "ffmpeg",
	"crop", "deinterlace", "max-pixels", "deterministic", "no-metadata", "overlay", "skip-black",
}

func (f *watchStreamFlags) addWatchStreamFlags(flags *pflag.FlagSet) {
	single := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.picture.addPictureFlags(single)

	for _, name := range watchPictureFlags {
		flags.AddFlag(single.Lookup(name))
	}
	flags.Lookup("format").Usage = "`name` file format: jpeg, png, webp, rgb24, bgr24, annexb or mp4 (default jpeg)"

	flags.Func("every", "`time` take a picture of each stream this often, such as 5m", parseInto(&f.every, parseInterval))
	flags.StringVar(&f.cron, "cron", "", "`line` take pictures at these times, in five fields as in crontab(5): '0 6-18 * * 1-5'")
	flags.StringVar(&f.zone, "time-zone", "", "`name` time zone of --cron and of file names, such as Europe/Berlin or Local (default UTC)")
	flags.Func("spread", "`time` spread the starts of the streams over this time (default --every; with --cron, streams of the same minute start one after the other)", parseInto(&f.spread, parseInterval))
	flags.Func("on-change", "`bits` store a picture only if this many of the 64 bits of its perceptual hash changed", parseInto(&f.onChange, parseChangedBits))
	flags.Lookup("on-change").NoOptDefVal = strconv.Itoa(config.DefaultDistance)

	flags.StringVar(&f.dir, "dir", "", "`directory` store pictures here, with one subdirectory per stream")
	flags.StringArrayVar(&f.to, "to", nil, "`where` also store pictures here: s3://bucket/prefix?endpoint=https://host, another directory, or - for a tar stream on standard output; may be repeated")
	flags.StringVar(&f.template, "template", "", "`path` name pictures like this, with {name}, {date}, {time}, {year}, {month}, {day}, {hour}, {minute}, {second}, {millisecond}, {unix} and {ext} (default "+sink.DefaultTemplate+")")
	flags.StringVar(&f.latest, "latest", "", "`path` also store the newest picture under this name, or false for not (default "+sink.DefaultLatest+")")
	flags.StringArrayVar(&f.exec, "exec", nil, "`command` run this for each picture, such as 'convert {file} …', or if a stream fails and recovers, such as 'notify {event} {name} {reason}'; may be repeated")
	flags.StringArrayVar(&f.webhook, "webhook", nil, "`URL` post a JSON message here for each picture, and if a stream fails and recovers; may be repeated")
	flags.StringSliceVar(&f.events, "events", nil, "`names` run --exec and --webhook only for these events: picture, failing, recovered")
	flags.IntVar(&f.failingAfter, "failing-after", event.DefaultFailingAfter, "`number` failures in a row after which a stream counts as failing; 0 for never")
	addTimeFlag(flags, &f.retry.First, "retry-first", 0, "`time` try a stream again this long after its first failure (default --every, at most 1m)")
	addTimeFlag(flags, &f.retry.Longest, "retry-longest", 0, "`time` wait at most this long after further failures (default --every, or 4 times that up to 5m)")
	flags.Func("keep-for", "`time` delete pictures from directories after this time, such as 30d", parseInto(&f.keepFor, parseInterval))
	flags.IntVar(&f.keep, "keep", 0, "`number` keep at most this many pictures per stream in directories")
	flags.Func("keep-bytes", "`size` keep at most this much of pictures per stream in directories, such as 2G", parseInto(&f.keepSize, units.ParseBytes))
}

// parseInterval parses a time that is not 0.
func parseInterval(text string) (time.Duration, error) {
	d, err := units.ParseTime(text)
	if err == nil && d <= 0 {
		err = errors.New("must be positive")
	}
	return d, err
}

// parseChangedBits parses a number of bits of a perceptual hash.
func parseChangedBits(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 64 || strconv.Itoa(n) != text {
		return 0, fmt.Errorf("%q is not a number of bits from 1 to 64", text)
	}
	return n, nil
}

// checkWatchStreamFlags returns an error for flags that contradict each other.
func (f *watchStreamFlags) checkWatchStreamFlags(once bool) error {
	switch {
	case f.every > 0 && f.cron != "":
		return usageError(errors.New("give --every or --cron, not both"))
	case f.every == 0 && f.cron == "" && !once:
		return usageError(errors.New("how often? Give --every, such as --every 5m, or --cron; or --once"))
	case f.dir == "" && len(f.to) == 0:
		return usageError(errors.New("where to? Give --dir DIRECTORY, or --to s3://bucket/prefix"))
	case f.keep < 0 || f.failingAfter < 0:
		return usageError(errors.New("--keep and --failing-after must not be negative"))
	case len(f.events) > 0 && len(f.exec)+len(f.webhook) == 0:
		return usageError(errors.New("--events is for --exec and --webhook: give one of them"))
	case once && f.retry != (schedule.Retry{}):
		return usageError(errors.New("--retry-first and --retry-longest have no effect with --once, which does not try again"))
	case once && f.onChange > 0:
		return usageError(errors.New("--on-change has no effect with --once, which has no earlier picture to compare with"))
	}
	if kept := (sink.Retention{Age: f.keepFor, Count: f.keep, Bytes: f.keepSize}); kept != (sink.Retention{}) && !f.hasDirectory() {
		return usageError(errors.New("--keep, --keep-for and --keep-bytes are for directories; let the store's own rules expire objects"))
	}
	return nil
}

// hasDirectory reports whether pictures go to a directory.
func (f *watchStreamFlags) hasDirectory() bool {
	return f.dir != "" || slices.ContainsFunc(f.to, func(text string) bool {
		to, err := sink.ParseDestination(text)
		return err == nil && to.Dir != ""
	})
}

// parseStreams returns the streams that the arguments name.
func (f *watchStreamFlags) parseStreams(std *streams, source *sourceFlags, args []string) ([]config.Stream, error) {
	base, err := f.baseStream(std, source)
	if err != nil {
		return nil, err
	}
	return config.FromArguments(args, *base, config.System())
}

// baseStream returns what all streams of the command line have in common.
func (f *watchStreamFlags) baseStream(std *streams, source *sourceFlags) (*config.Stream, error) {
	options, err := source.streamOptions(std)
	if err != nil {
		return nil, err
	}
	options.Stdin = nil
	f.picture.rendition.applyRendition(options)
	chosen, err := chooseFormat(f.picture.format, "")
	if err != nil {
		return nil, err
	}
	if chosen.json {
		return nil, usageError(errors.New("--format json is for a single picture"))
	}

	s := &config.Stream{
		Stream: serve.Stream{
			Options: *options, Timeout: source.timeout, Picture: *f.picture.pictureOptions("", chosen.Format),
			Schedule: serve.Schedule{Every: f.every, Cron: f.cron, Spread: f.spread},
		},
		Retry: f.retry, FailingAfter: f.failingAfter,
		OnChange:  config.Change{Enabled: f.onChange > 0, Distance: f.onChange},
		Retention: sink.Retention{Age: f.keepFor, Count: f.keep, Bytes: f.keepSize},
	}
	s.Options.Width, s.Options.Height = s.Picture.Output.Needed()
	if f.cron != "" {
		s.Schedule.Zone = f.zone
	}
	s.Picture.Software = ""
	if err := errors.Join(s.Picture.Validate(), s.Rule().Validate(), s.Retry.Validate()); err != nil {
		return nil, usageError(err)
	}
	s.Sinks, err = f.parseSinks()
	return s, err
}

func (f *watchStreamFlags) parseSinks() (all []config.Sink, err error) {
	named := config.Sink{Template: f.template, Latest: f.latest, Zone: f.zone}
	if f.latest == "false" {
		named.Latest, named.NoLatest = "", true
	}
	if _, _, err := named.Templates(); err != nil {
		return nil, usageError(err)
	}

	if f.dir != "" {
		s := named
		s.To.Dir = f.dir
		all = append(all, s)
	}

	for _, text := range f.to {
		s := named
		if s.To, err = sink.ParseDestination(text); err != nil {
			return nil, usageError(fmt.Errorf("--to: %w", err))
		}
		all = append(all, s)
	}

	var events []event.Kind
	for _, name := range f.events {
		kind, err := event.ParseKind(name)
		if err != nil {
			return nil, usageError(fmt.Errorf("--events: %w", err))
		}
		events = append(events, kind)
	}
	for _, command := range f.exec {
		all = append(all, config.Sink{Exec: command, Events: events})
	}
	for _, url := range f.webhook {
		all = append(all, config.Sink{Webhook: &config.Webhook{URL: url}, Events: events})
	}

	return all, nil
}
