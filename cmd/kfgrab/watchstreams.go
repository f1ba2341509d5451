package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab/internal/config"
	"github.com/kfgrab/kfgrab/internal/sink"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/picture"
	"github.com/kfgrab/kfgrab/serve"
)

// watchStreamFlags say of all streams of the command line what a configuration says of
// each.
type watchStreamFlags struct {
	picture pictureFlags

	every    span
	cron     string
	zone     string
	spread   span
	dir      string
	to       []string
	template string
	latest   string
	exec     []string
	webhook  []string
	onChange changeBits
	keepFor  span
	keep     int
	keepSize size
}

// ofPictures are the flags of a single picture that have a meaning for many.
var ofPictures = []string{
	"max-bandwidth", "rendition", "codec", "allow-tiles", "format", "width", "height", "fit", "quality",
	"crop", "deinterlace", "max-pixels", "deterministic", "no-metadata", "overlay", "skip-black",
}

func (f *watchStreamFlags) register(flags *pflag.FlagSet) {
	single := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.picture.register(single)
	for _, name := range ofPictures {
		flags.AddFlag(single.Lookup(name))
	}
	flags.Lookup("format").Usage = "`name` of the format: jpeg, png, webp, rgb24, bgr24, annexb or mp4 (default jpeg)"
	flags.Var(&f.every, "every", "`time` between two pictures of a stream, such as 5m")
	flags.StringVar(&f.cron, "cron", "", "`line` of five fields as in crontab(5), in place of --every: '0 6-18 * * 1-5'")
	flags.StringVar(&f.zone, "time-zone", "", "`name` of the zone of --cron and of the times in files' names, such as Europe/Berlin or Local (default UTC)")
	flags.Var(&f.spread, "spread", "`time` over which streams start (default all of --every, a minute of --cron)")
	flags.StringVar(&f.dir, "dir", "", "`directory` for pictures, a directory in it for each stream")
	flags.StringArrayVar(&f.to, "to", nil, "`where` pictures go as well: s3://bucket/prefix?endpoint=https://host, another directory, or - for standard output, as a tar stream; may be repeated")
	flags.StringVar(&f.template, "template", "", "`path` of a picture there, of {name}, {date}, {time}, {year}, {month}, {day}, {hour}, {minute}, {second}, {millisecond}, {unix} and {ext} (default "+sink.DefaultTemplate+")")
	flags.StringVar(&f.latest, "latest", "", "`path` of a stream's newest picture, or false for none (default "+sink.DefaultLatest+")")
	flags.StringArrayVar(&f.exec, "exec", nil, "`command` to run for each picture, such as 'convert {file} …'; may be repeated")
	flags.StringArrayVar(&f.webhook, "webhook", nil, "`URL` that is told of each picture, in JSON; may be repeated")
	flags.Var(&f.onChange, "on-change", "store a picture only where it differs from the last one, in so many `bits` of the 64 of a perceptual hash")
	flags.Lookup("on-change").NoOptDefVal = fmt.Sprint(config.DefaultDistance)
	flags.Var(&f.keepFor, "keep-for", "`time` after which pictures are deleted from directories, such as 30d")
	flags.IntVar(&f.keep, "keep", 0, "`number` of pictures of a stream that directories keep")
	flags.Var(&f.keepSize, "keep-bytes", "`size` of the pictures of a stream that directories keep, such as 2G")
}

// check says what does not go together.
func (f *watchStreamFlags) check(once bool) error {
	switch {
	case f.every > 0 && f.cron != "":
		return usageError(errors.New("--every or --cron, not both"))
	case f.every == 0 && f.cron == "" && !once:
		return usageError(errors.New("how often? Give --every, such as --every 5m, or --cron; or --once"))
	case f.dir == "" && len(f.to) == 0:
		return usageError(errors.New("where to? Give --dir DIRECTORY, or --to s3://bucket/prefix"))
	case f.keep < 0:
		return usageError(fmt.Errorf("--keep %d is no number of pictures", f.keep))
	}
	return nil
}

// parse returns the streams that the arguments name.
func (f *watchStreamFlags) parse(std *streams, source *sourceFlags, args []string) ([]config.Stream, error) {
	base, err := f.base(std, source)
	if err != nil {
		return nil, err
	}
	all, taken := make([]config.Stream, 0, len(args)), map[string]bool{}
	for _, arg := range args {
		s, err := config.FromArgument(arg, *base, taken)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// base is what all of them have.
func (f *watchStreamFlags) base(std *streams, source *sourceFlags) (*config.Stream, error) {
	options, err := source.options(std)
	if err != nil {
		return nil, err
	}
	options.Stdin = nil
	format, err := f.format()
	if err != nil {
		return nil, err
	}
	s := &config.Stream{
		Stream: serve.Stream{
			Options: *options, Timeout: source.timeout, Picture: *f.picture.options("", format),
			Schedule: serve.Schedule{Every: time.Duration(f.every), Cron: f.cron, Spread: time.Duration(f.spread)},
		},
		OnChange:  config.Change{Enabled: f.onChange > 0, Distance: int(f.onChange)},
		Retention: sink.Retention{Age: time.Duration(f.keepFor), Count: f.keep, Bytes: int64(f.keepSize)},
	}
	f.picture.choice.apply(&s.Options)
	s.Options.Width, s.Options.Height = s.Picture.Output.Needed()
	if f.cron != "" {
		s.Schedule.Zone = f.zone
	}
	s.Picture.Software = ""
	if err := errors.Join(s.Picture.Validate(), s.Rule().Validate()); err != nil {
		return nil, usageError(err)
	}
	s.Sinks, err = f.sinks()
	return s, err
}

func (f *watchStreamFlags) format() (picture.Format, error) {
	chosen, err := chooseFormat(f.picture.format, "")
	if err == nil && chosen.json {
		err = usageError(errors.New("--format json is for a single picture"))
	}
	return chosen.Format, err
}

func (f *watchStreamFlags) sinks() (all []config.Sink, err error) {
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
	for _, command := range f.exec {
		all = append(all, config.Sink{Exec: command})
	}
	for _, url := range f.webhook {
		all = append(all, config.Sink{Webhook: &config.Webhook{URL: url}})
	}
	return all, nil
}

// span is a flag's time, which may be in days.
type span time.Duration

func (s *span) Type() string { return "time" }

func (s *span) String() string {
	if *s == 0 {
		return ""
	}
	return units.FormatDuration(time.Duration(*s))
}

func (s *span) Set(text string) error {
	d, err := units.ParseDuration(text)
	if err == nil && d <= 0 {
		err = fmt.Errorf("%q is no time at all", text)
	}
	*s = span(d)
	return err
}

// changeBits is a flag's number of bits of a perceptual hash; 0 is none.
type changeBits int

func (c *changeBits) Type() string { return "bits" }

func (c *changeBits) String() string {
	if *c == 0 {
		return ""
	}
	return fmt.Sprint(int(*c))
}

func (c *changeBits) Set(text string) error {
	var n int
	if _, err := fmt.Sscanf(text, "%d", &n); err != nil || n < 1 || n > 64 || fmt.Sprint(n) != text {
		return fmt.Errorf("%q is no number of bits from 1 to 64", text)
	}
	*c = changeBits(n)
	return nil
}
