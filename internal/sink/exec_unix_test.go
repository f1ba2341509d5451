//go:build unix

package sink

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A command that does not end is killed together with its children.
func TestExecKilled(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skip(err)
	}
	// A background child holds the end of the pipe open, which closes when all
	// are dead.
	hang := `sh -c 'exec 3>` + fifo + `; sleep 1000 & echo started >&3; wait'`
	for _, c := range []struct {
		name    string
		timeout time.Duration
		want    error
	}{{"its time", 200 * time.Millisecond, context.DeadlineExceeded}, {"the context", 0, context.Canceled}} {
		x := newExec(t, hang, &ExecOptions{Timeout: c.timeout})
		ctx, cancel := context.WithCancel(within(t, testTime))
		ended := make(chan error, 1)
		go func() { ended <- x.Run(ctx, nasty()) }()
		in, err := os.Open(fifo)
		if err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(in)
		if _, err := r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		if c.timeout == 0 {
			cancel()
		}
		if _, err := r.ReadByte(); err == nil {
			t.Error("more was written")
		}
		if err := <-ended; !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		in.Close()
		cancel()
	}
}

// A child that outlives the command and holds its output is killed, too.
func TestExecLeavesAChild(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skip(err)
	}
	x := newExec(t, `sh -c 'exec 3>`+fifo+`; sleep 1000 &'`, nil)
	ended := make(chan error, 1)
	go func() { ended <- x.Run(within(t, testTime), nasty()) }()
	in, err := os.Open(fifo)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if n, err := in.Read(make([]byte, 1)); n != 0 {
		t.Errorf("%d, %v", n, err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "background") {
		t.Error(err)
	}
}
