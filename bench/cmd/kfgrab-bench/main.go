// Command kfgrab-bench runs the benchmark suite and writes its report.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/kfgrab/kfgrab/bench"
	"github.com/kfgrab/kfgrab/internal/progress"
)

func main() {
	bench.Main()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "kfgrab-bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) > 0 && args[0] == rtspCommand:
		return runRTSP(ctx, args[1:])
	case len(args) > 0 && args[0] == watchCommand:
		return runWatch(ctx, args[1:])
	case len(args) > 0 && args[0] == serveCommand:
		return runServe(ctx, args[1:])
	}
	flags := flag.NewFlagSet("kfgrab-bench", flag.ExitOnError)
	var (
		c           bench.Config
		cases       = flags.String("cases", "", "`names` of cases, divided by commas (default all)")
		contestants = flags.String("contestants", "", "`names` of contestants, divided by semicolons (default all)")
		report      = flags.String("report", "", "`file` for the report (default standard output)")
		results     = flags.String("json", "", "`file` for the results in JSON")
		from        = flags.String("from", "", "`file` of results to write the report of, instead of measuring")
		chart       = flags.String("chart", "", "`file` for the chart, in PNG")
	)
	flags.StringVar(&c.Kfgrab, "kfgrab", "bin/kfgrab", "`path` of the command to measure")
	flags.IntVar(&c.Repeats, "repeats", 3, "`number` of runs of each contestant at each case")
	flags.BoolVar(&c.NoLatency, "no-latency", false, "leave out the runs with added latency")
	flags.BoolVar(&c.Tuning, "tuning", false, "measure what was tried of ffmpeg's options")
	flags.Parse(args)
	if *from != "" {
		r, err := bench.ReadResults(*from)
		if err != nil {
			return err
		}
		return r.WriteFiles(*report, *results, *chart)
	}
	c.Cases, c.Contestants = list(*cases, ","), list(*contestants, ";")
	bar := progress.New(os.Stderr)
	c.Progress = bar.Tell
	r, err := bench.Run(ctx, c)
	bar.Close()
	if err != nil {
		return err
	}
	return r.WriteFiles(*report, *results, *chart)
}

func list(s, divider string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, divider)
}
