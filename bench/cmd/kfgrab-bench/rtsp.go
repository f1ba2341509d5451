package main

import (
	"context"
	"flag"
	"os"

	"github.com/kfgrab/kfgrab/bench"
	"github.com/kfgrab/kfgrab/internal/progress"
)

// rtspCommand is the first argument that has RTSP measured, in place of HLS.
const rtspCommand = "rtsp"

func runRTSP(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("kfgrab-bench "+rtspCommand, flag.ExitOnError)
	var c bench.RTSPConfig
	flags.StringVar(&c.Kfgrab, "kfgrab", "bin/kfgrab", "`path` of the command to measure")
	flags.IntVar(&c.Repeats, "repeats", 20, "`number` of runs of each contestant")
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
