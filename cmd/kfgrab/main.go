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
// kfgrab --help tells the rest.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // time zones are named where there is no system to ask for them

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole command: it returns the exit code, and has then left nothing
// behind.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	cmd := newRootCommand(&streams{in: stdin, out: stdout, err: stderr})
	cmd.SetArgs(args)
	cmd.SetIn(stdin)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	var several *config.Errors
	switch {
	case errors.As(err, &several):
		for line := range strings.Lines(several.Error()) {
			fmt.Fprintln(stderr, "kfgrab:", strings.TrimSpace(line))
		}
	case err != nil:
		fmt.Fprintln(stderr, "kfgrab:", describeError(err))
	}
	return kfgrab.ClassOf(err).ExitCode()
}

// streams are the standard ones.
type streams struct {
	in       io.Reader
	out, err io.Writer
}
