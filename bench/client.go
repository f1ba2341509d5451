package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// outcome describes how a contestant's process went.
type outcome struct {
	Exit     int
	TimedOut bool
	Wall     time.Duration
	CPU      time.Duration // user and system, of the process and its children
	Memory   int64         // resident bytes of its largest process, at its peak
	Stdout   string        // the beginning
	Stderr   string        // the beginning
}

// maxOutput limits how much of a contestant's output is kept.
const maxOutput = 4000

// clientSide runs the contestants. It is a small process of its own because Linux
// counts the parent's memory at the fork as the child's peak.
type clientSide struct {
	mu      sync.Mutex
	running *contestant
}

// interrupt ends the running contestant.
func (c *clientSide) interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running != nil {
		c.running.killGroup()
	}
}

func (c *clientSide) startContestant(o *order) (*contestant, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	c.running, err = startContestant(o)
	return c.running, err
}

// awaitContestant waits until the running contestant ends.
func (c *clientSide) awaitContestant() answer {
	c.running.stdin.Close()
	o := c.running.awaitEnd()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = nil
	return answer{Outcome: o}
}

func (c *clientSide) do(o *order) (answer, error) {
	switch o.Op {
	case "count":
		t, err := interfaceTraffic()
		return answer{Traffic: t}, err
	case "run":
		if _, err := c.startContestant(o); err != nil {
			return answer{}, err
		}
		return c.awaitContestant(), nil
	case "start":
		p, err := c.startContestant(o)
		if err != nil {
			return answer{}, err
		}
		if _, err := p.stdout.ReadString('\n'); err != nil {
			return c.awaitContestant(), nil
		}
		return answer{}, nil
	case "finish":
		if c.running == nil {
			return answer{}, errors.New("finish without start")
		}
		io.WriteString(c.running.stdin, "\n") //nolint:errcheck // its exit code shows it
		return c.awaitContestant(), nil
	}
	return answer{}, fmt.Errorf("unknown order %q", o.Op)
}

func (c *clientSide) close() {
	if c.running != nil {
		c.running.killGroup()
		c.awaitContestant()
	}
}

// contestant is a running process with its own process group.
type contestant struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	stderr bytes.Buffer
	began  time.Time
	timer  *time.Timer
	late   chan struct{} // closed at the timeout
}

func startContestant(o *order) (*contestant, error) {
	p := &contestant{cmd: exec.Command(o.Argv[0], o.Argv[1:]...), late: make(chan struct{})}
	p.cmd.SysProcAttr = ownProcessGroup()
	p.cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, roleVariable+"=") })
	p.cmd.Stderr = &limited{w: &p.stderr, left: maxOutput}
	p.cmd.WaitDelay = 2 * time.Second
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}

	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.stdout = bufio.NewReader(out)
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}

	p.timer = time.AfterFunc(time.Duration(o.TimeoutMS)*time.Millisecond, func() {
		close(p.late)
		p.killGroup()
	})
	return p, nil
}

// killGroup kills the whole process group.
func (p *contestant) killGroup() { syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }

// awaitEnd waits until the process ends.
func (p *contestant) awaitEnd() *outcome {
	var stdout bytes.Buffer
	io.Copy(&limited{w: &stdout, left: maxOutput}, p.stdout) //nolint:errcheck // it ends with the process
	err := p.cmd.Wait()
	o := &outcome{Wall: time.Since(p.began), Exit: p.cmd.ProcessState.ExitCode()}
	if !p.timer.Stop() {
		<-p.late
		o.TimedOut = true
	}

	p.killGroup() // processes that it left running
	o.CPU = p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	o.Memory = peakMemory(p.cmd.ProcessState)
	o.Stdout, o.Stderr = stdout.String(), p.stderr.String()
	if err != nil && o.Stderr == "" {
		o.Stderr = err.Error()
	}
	return o
}

// limited passes on the first bytes and drops the rest.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	if _, err := l.w.Write(p[:n]); err != nil {
		return 0, err
	}
	return len(p), nil
}
