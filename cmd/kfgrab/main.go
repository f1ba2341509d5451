// Command kfgrab takes one still picture out of a live video stream for the
// fewest bytes that the protocol allows.
//
//	kfgrab URL [-o FILE]
//	kfgrab probe URL
//	kfgrab session URL
//	kfgrab sheet URL
//	kfgrab watch [NAME=]URL… --every TIME --dir DIR
//	kfgrab serve [NAME=]URL…
//	kfgrab demo
//
// See kfgrab --help, and kfgrab man DIR for man pages.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // for systems without a time zone database

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/config"
	"github.com/kfgrab/kfgrab/internal/redact"
)

func main() {
	log.SetOutput(io.Discard) // net/http prints what servers do wrong when idle

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole command. It returns the exit code when all that it started has ended.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	cmd := newRootCommand(&streams{in: stdin, out: stdout, err: stderr})
	cmd.SetArgs(args)
	cmd.SetIn(stdin)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	executed, err := cmd.ExecuteContextC(ctx)
	describe := describeError
	if quiet, _ := executed.Flags().GetBool("quiet"); quiet {
		describe = describeWithoutHint
	}

	// An argument that is no address to kfgrab may still be one to the person who typed it.
	shown := func(err error) string { return redact.Arguments(describe(err), args) }

	var several *config.Errors
	switch {
	case errors.As(err, &several):
		for _, one := range several.List {
			fmt.Fprintln(stderr, "kfgrab:", shown(one))
		}
		if several.More > 0 {
			fmt.Fprintf(stderr, "kfgrab: and %d more errors\n", several.More)
		}
	case err != nil && wantsJSON(executed.Flags(), args):
		writeFailure(stderr, err, shown(err)) //nolint:errcheck // there is nowhere else to report it
	case err != nil:
		fmt.Fprintln(stderr, "kfgrab:", shown(err))
	}

	return kfgrab.ClassOf(err).ExitCode()
}

// streams are the standard streams of the process.
type streams struct {
	in       io.Reader
	out, err io.Writer
}
