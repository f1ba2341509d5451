package main

import (
	"context"
	"flag"
	"os"
	"time"

	"github.com/kfgrab/kfgrab/bench"
	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/keyframe"
)

// serveCommand as first argument measures kfgrab serve.
const serveCommand = "serve"

func runServe(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("kfgrab-bench "+serveCommand, flag.ExitOnError)
	var c bench.ServeConfig
	flags.StringVar(&c.Kfgrab, "kfgrab", "bin/kfgrab", "measure the command at this `path`")
	flags.DurationVar(&c.For, "for", 10*time.Second, "send each kind of request for this `time`")
	flags.IntVar(&c.Clients, "clients", 32, "open this `number` of connections")
	flags.IntVar(&c.Crowd, "crowd", 500, "let this `number` of clients ask for a fresh picture within a second")
	flags.IntVar(&c.Keyframes, "keyframes", 20, "take this `number` of keyframes from a stream held open")
	flags.IntVar(&c.Viewers, "viewers", 1000, "start this `number` of viewers")
	soak := flags.Duration("soak", 0, "instead put on a mixed load for this `time`, while streams fail and come back")
	flags.Parse(args)
	live, err := origin.Start(ctx, nil)
	if err != nil {
		return err
	}
	defer live.Close()
	c.Stream, c.RTSP = live.HLS(origin.FMP4), live.RTSP(keyframe.H264)
	if *soak > 0 {
		r, err := bench.Soak(ctx, bench.SoakConfig{Kfgrab: c.Kfgrab, Stream: c.Stream, RTSP: c.RTSP, For: *soak, Clients: c.Clients})
		if err != nil {
			return err
		}
		_, err = r.WriteTo(os.Stdout)
		return err
	}
	r, err := bench.MeasureServe(ctx, c)
	if err != nil {
		return err
	}
	_, err = r.WriteTo(os.Stdout)
	return err
}
