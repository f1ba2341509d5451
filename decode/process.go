package decode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/kfgrab/kfgrab/internal/procgroup"
)

const (
	// maxPicture bounds the standard output of ffmpeg: RGB24 of MaxPixels, twice
	// for a Decoder in doubt. The other formats are smaller, PNG of noise by
	// nothing.
	maxPicture = 2 * (3*MaxPixels + 1<<20)
	// orphanDelay is how long a dead ffmpeg's pipes may stay open, which only
	// happens where it left a child behind.
	orphanDelay = 500 * time.Millisecond
)

var (
	errTooMuchOutput = fmt.Errorf("ffmpeg wrote more than %d bytes of picture", maxPicture)
	errTooMuchStderr = fmt.Errorf("ffmpeg wrote more than %d bytes of messages", maxStderr)
)

// process is one run of ffmpeg.
type process struct {
	// ctx ends with the process's operation, as that of an http.Request; its cause
	// says why the process was killed.
	ctx    context.Context
	cancel context.CancelCauseFunc

	stdin  io.WriteCloser
	stdout bytes.Buffer
	log    messages
	done   chan struct{} // closed when the process is reaped
	err    error         // of Wait, once done is closed
	killed bool          // set by finish
}

// start runs ffmpeg with args. It must be finished, or cancelled and waited for.
func (d *Decoder) start(ctx context.Context, codec string, args []string) (*process, error) {
	path, err := d.Find()
	if err != nil {
		return nil, err
	}
	p := &process{}
	p.log = messages{codec: codec, overflow: func() { p.cancel(errTooMuchStderr) }}
	return p, p.run(ctx, path, args, &limited{p: p}, &p.log)
}

// run starts the process; its output goes to stdout and stderr from goroutines of
// their own.
func (p *process) run(ctx context.Context, path string, args []string, stdout, stderr io.Writer) error {
	p.done = make(chan struct{})
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	file, release, err := program(path)
	if err != nil {
		p.cancel(nil)
		return err
	}
	cmd := exec.CommandContext(p.ctx, file, args...)
	cmd.Dir = string(os.PathSeparator)
	cmd.Env = environment()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = orphanDelay
	procgroup.Own(cmd)
	if p.stdin, err = cmd.StdinPipe(); err == nil {
		err = cmd.Start()
	}
	release()
	if err != nil {
		defer p.cancel(nil)
		if ctx.Err() != nil {
			return &Error{Err: fmt.Errorf("ffmpeg was not started: %w", context.Cause(ctx))}
		}
		return &Error{Err: fmt.Errorf("ffmpeg does not run: %w", pathless(err))}
	}
	limit(cmd.Process) // before it is given anything
	go func() {
		if p.err = cmd.Wait(); errors.Is(p.err, exec.ErrWaitDelay) {
			procgroup.Kill(cmd) // its leader is dead, another member holds the pipes
		}
		release()
		close(p.done)
	}()
	return nil
}

// finish gives input to the process and returns what it wrote, once it is dead.
// A failure to write is no error: what the process did about it is.
func (p *process) finish(ctx context.Context, timeout time.Duration, input ...[]byte) ([]byte, error) {
	defer p.cancel(nil)
	defer time.AfterFunc(timeout, func() { p.cancel(hangs(timeout)) }).Stop()
	kill := context.AfterFunc(ctx, func() { p.cancel(context.Cause(ctx)) })
	defer kill()
	unblock := context.AfterFunc(p.ctx, func() { p.stdin.Close() })
	defer unblock()
	for _, data := range input {
		if _, err := p.stdin.Write(data); err != nil {
			break
		}
	}
	p.stdin.Close()
	<-p.done
	if p.killed = p.ctx.Err() != nil; p.killed {
		return nil, &Error{Err: fmt.Errorf("ffmpeg was stopped: %w", context.Cause(p.ctx)), Stderr: p.log.text()}
	}
	if p.err != nil {
		return nil, &Error{Err: fmt.Errorf("ffmpeg failed: %w", p.err), Stderr: p.log.text()}
	}
	return p.stdout.Bytes(), nil
}

// limited gathers standard output up to maxPicture.
type limited struct{ p *process }

func (l *limited) Write(b []byte) (int, error) {
	if l.p.stdout.Len()+len(b) > maxPicture {
		l.p.cancel(errTooMuchOutput)
		return 0, errTooMuchOutput
	}
	return l.p.stdout.Write(b)
}

// environment is what a dynamically linked ffmpeg outside of the system's
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

// pathless takes the machine's paths out of an error of exec.
func pathless(err error) error {
	var e *os.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
