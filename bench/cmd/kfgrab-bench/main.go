// Command kfgrab-bench runs the benchmark suite and writes its reports.
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
		cases       = flags.String("cases", "", "measure only the cases with these `names`, separated by commas")
		contestants = flags.String("contestants", "", "measure only the contestants with these `names`, separated by semicolons")
		from        = flags.String("from", "", "write the reports of these results `file` instead of measuring")
		files       bench.Files
	)
	flags.StringVar(&files.Report, "report", "", "write the report to `file` (default standard output)")
	flags.StringVar(&files.Details, "details", "", "write every table to `file`, in Markdown")
	flags.StringVar(&files.Results, "json", "", "write every run to `file`, in JSON")
	flags.StringVar(&files.Chart, "chart", "", "write the chart to `file`, in PNG")
	flags.StringVar(&c.Kfgrab, "kfgrab", "bin/kfgrab", "measure the command at this `path`")
	flags.IntVar(&c.Repeats, "repeats", 3, "run each contestant this `number` of times in each case")
	flags.BoolVar(&c.NoLatency, "no-latency", false, "skip the runs with added latency")
	flags.BoolVar(&c.Tuning, "tuning", false, "measure attempts to tune ffmpeg as well")
	flags.Parse(args)
	if *from != "" {
		r, err := bench.ReadResults(*from)
		if err != nil {
			return err
		}
		return r.WriteFiles(files)
	}
	c.Cases, c.Contestants = splitList(*cases, ","), splitList(*contestants, ";")
	bar := progress.New(os.Stderr)
	c.Progress = bar.Update
	r, err := bench.Run(ctx, c)
	bar.Close()
	if err != nil {
		return err
	}
	return r.WriteFiles(files)
}

func splitList(s, separator string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, separator)
}
