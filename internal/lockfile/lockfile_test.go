package lockfile

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestMain is also the other process, which holds the lock until it is killed.
func TestMain(m *testing.M) {
	path := os.Getenv("LOCKFILE_TEST_HOLD")
	if path == "" {
		os.Exit(m.Run())
	}
	if _, err := Acquire(path); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("held")
	select {}
}

func TestHeldByAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LOCKFILE_TEST_HOLD="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dead := false
	die := func() {
		if !dead {
			dead = true
			cmd.Process.Kill()
			cmd.Wait()
		}
	}
	defer die()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	_, err = Acquire(path)
	want := fmt.Sprintf("another process has the lock: process %d (%s)", cmd.Process.Pid, path)
	if !errors.Is(err, ErrHeld) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	die() // with SIGKILL
	l, err := Acquire(path)
	if err != nil {
		t.Fatalf("after its death: %v", err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}

func TestReleased(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	for range 2 {
		l, err := Acquire(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Acquire(path); !errors.Is(err, ErrHeld) {
			t.Errorf("held twice: %v", err)
		}
		l.Release()
	}
}

// TestReleaseWhileForking: a released lock can be acquired at once, even while
// other goroutines start processes.
func TestReleaseWhileForking(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var stop atomic.Bool
	var forks sync.WaitGroup
	for range 4 {
		forks.Go(func() {
			for !stop.Load() {
				exec.Command("true").Run()
			}
		})
	}
	defer forks.Wait()
	defer stop.Store(true)

	for range 2000 {
		l, err := Acquire(path)
		if err != nil {
			t.Fatal(err)
		}
		l.Release()
	}
}

func TestLost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	l, err := Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	if l.Lost() {
		t.Error("lost at once")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if !l.Lost() {
		t.Error("not lost without its file")
	}
	other, err := Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Release()
	if !l.Lost() {
		t.Error("not lost to another")
	}
}

func TestForeignText(t *testing.T) {
	for text, want := range map[string]string{
		"":            "",
		"garbage":     "",
		"-3 host":     "",
		"12":          ": process 12",
		"12 far\nx":   `: process 12 on "far\nx"`,
		"12 far away": `: process 12 on "far away"`,
	} {
		path := filepath.Join(t.TempDir(), "lock")
		os.WriteFile(path, []byte(text), 0o600)
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := readHolder(file); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		file.Close()
	}
	if _, err := Acquire(filepath.Join(t.TempDir(), "absent", "lock")); !strings.Contains(fmt.Sprint(err), "no such file") {
		t.Error(err)
	}
}
