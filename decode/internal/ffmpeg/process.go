// Package ffmpeg runs one ffmpeg process and reads its log. It is internal to
// package decode, which knows the arguments, and to the pool in
// decode/internal/warm.
//
// Call [Command.Start]. The process gets an empty environment, a process group of
// its own, and on Linux limits of memory, CPU time and files. [Lines] and
// [ParseMessage] take its standard error apart. This package knows no codec, no
// format and no time limit.
package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/kfgrab/kfgrab/internal/procgroup"
)

// orphanDelay is how long a dead ffmpeg's pipes may stay open. They only do if it
// left a child behind.
const orphanDelay = 500 * time.Millisecond

// Command is a process to start.
type Command struct {
	File string
	// Release removes File if it was made for this process. It is called as soon as
	// the process runs, which some systems refuse, and again when it has ended.
	Release func()
	Args    []string
	// Stdout and Stderr are written to from goroutines of their own.
	Stdout, Stderr io.Writer
}

// Process is one run of ffmpeg. It must be killed or its input closed, and waited
// for.
type Process struct {
	Stdin io.WriteCloser

	ctx    context.Context // its cause is why the process was killed
	cancel context.CancelCauseFunc
	done   chan struct{}
	err    error // of Wait, once done is closed
}

// Start starts the process. The end of ctx kills it. The error wraps the context's
// cause if that is the reason.
func (c *Command) Start(ctx context.Context) (*Process, error) {
	p := &Process{done: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancelCause(ctx)

	cmd := exec.CommandContext(p.ctx, c.File, c.Args...)
	cmd.Dir = string(os.PathSeparator)
	cmd.Env = environment()
	cmd.Stdout, cmd.Stderr = c.Stdout, c.Stderr
	cmd.WaitDelay = orphanDelay
	procgroup.Own(cmd)

	var err error
	if p.Stdin, err = cmd.StdinPipe(); err == nil {
		err = cmd.Start()
	}
	c.Release()
	if err != nil {
		defer p.cancel(nil)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("ffmpeg was not started: %w", context.Cause(ctx))
		}
		return nil, fmt.Errorf("cannot run ffmpeg: %w", WithoutPath(err))
	}

	setLimits(cmd.Process) // before it gets any input
	go func() {
		if p.err = cmd.Wait(); errors.Is(p.err, exec.ErrWaitDelay) {
			procgroup.Kill(cmd) // its leader is dead, another member holds the pipes
		}
		c.Release()
		close(p.done)
	}()
	return p, nil
}

// Kill kills the process, if it still runs. It does not wait.
func (p *Process) Kill(cause error) { p.cancel(cause) }

// KillCause returns why the process was killed, nil if it was not.
func (p *Process) KillCause() error { return context.Cause(p.ctx) }

// AfterKill arranges for f to run when the process is killed.
func (p *Process) AfterKill(f func()) (stop func() bool) { return context.AfterFunc(p.ctx, f) }

// Done is closed when the process is dead and reaped, and its output is read.
func (p *Process) Done() <-chan struct{} { return p.done }

// ExitError returns how the process ended, nil for success. It is for after Done.
func (p *Process) ExitError() error { return p.err }

// environment returns what a dynamically linked ffmpeg outside the system's
// directories needs, and nothing else.
func environment() []string {
	env := []string{}
	for _, name := range [...]string{"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SystemRoot"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// WithoutPath removes the machine's paths from an error of package os or exec.
func WithoutPath(err error) error {
	var e *os.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
