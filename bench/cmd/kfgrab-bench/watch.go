package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/bench"
	"github.com/kfgrab/kfgrab/internal/origin"
)

// watchCommand as first argument measures kfgrab watch.
const watchCommand = "watch"

// watchParts are the values of -parts.
var watchParts = []string{"loop", "decoded", "thousand"}

func runWatch(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("kfgrab-bench "+watchCommand, flag.ExitOnError)
	kfgrab := flags.String("kfgrab", "bin/kfgrab", "measure the command at this `path`")
	parts := flags.String("parts", strings.Join(watchParts, ","), "measure only these parts: `names` separated by commas")
	long := flags.Duration("for", 10*time.Minute, "watch a thousand streams for this `time`")
	flags.Parse(args)
	live, err := origin.Start(ctx, nil)
	if err != nil {
		return err
	}
	defer live.Close()
	o := &bench.WatchOrigin{
		Stream: live.HLS(origin.TS),
		Media:  func(rendition int) string { return live.Media(origin.TS, rendition) },
	}
	for _, part := range splitList(*parts, ",") {
		if err := measureWatch(ctx, *kfgrab, o, part, *long); err != nil {
			return err
		}
	}
	return nil
}

func measureWatch(ctx context.Context, kfgrab string, o *bench.WatchOrigin, part string, long time.Duration) error {
	cases := map[string][]bench.WatchCase{
		"decoded": {
			{Name: "A hundred streams, decoded", Streams: 100, Every: 10 * time.Second, For: time.Minute, Args: []string{"--width", "640"}, Rendition: 2},
			{Name: "A hundred streams of 1080p, decoded", Streams: 100, Every: 10 * time.Second, For: time.Minute, Args: []string{"--width", "640", "--rendition", "best"}},
		},
		"thousand": {{Name: "A thousand streams", Streams: 1000, Every: time.Minute, For: long, Args: []string{"--format", "annexb"}}},
	}

	if part == "loop" {
		return compareLoop(ctx, kfgrab, o)
	}
	if cases[part] == nil {
		return fmt.Errorf("unknown part %q; known are %s", part, strings.Join(watchParts, ", "))
	}

	for _, c := range cases[part] {
		r, err := bench.MeasureWatch(ctx, kfgrab, o, c)
		if err != nil {
			return err
		}
		if _, err := r.WriteTo(os.Stdout); err != nil {
			return err
		}
	}
	return nil
}

func compareLoop(ctx context.Context, kfgrab string, o *bench.WatchOrigin) error {
	const streams, rounds = 20, 3
	rows, err := bench.CompareLoop(ctx, kfgrab, o, streams, rounds, 20*time.Second)
	if err != nil {
		return err
	}
	return bench.WriteLoop(os.Stdout, streams, rounds, rows)
}
