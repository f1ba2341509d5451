package main

import (
	"context"
	"flag"
	"os"

	"github.com/kfgrab/kfgrab/bench"
	"github.com/kfgrab/kfgrab/internal/progress"
)

// rtspCommand as first argument measures RTSP instead of HLS.
const rtspCommand = "rtsp"

func runRTSP(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("kfgrab-bench "+rtspCommand, flag.ExitOnError)
	var c bench.RTSPConfig
	flags.StringVar(&c.Kfgrab, "kfgrab", "bin/kfgrab", "measure the command at this `path`")
	flags.IntVar(&c.Repeats, "repeats", 20, "run each contestant this `number` of times")
	flags.Parse(args)
	bar := progress.New(os.Stderr)
	c.Progress = bar.Update
	r, err := bench.MeasureRTSP(ctx, c)
	bar.Close()
	if err != nil {
		return err
	}
	_, err = r.WriteTo(os.Stdout)
	return err
}
