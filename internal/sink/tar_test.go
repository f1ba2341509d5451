package sink

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestTarPut(t *testing.T) {
	var out bytes.Buffer
	s := NewTar(&out, Template{})
	for size := range 45 { // each remainder of a record's blocks
		p := shot(250*time.Millisecond+789, strings.Repeat("x", size*tarBlock/2))
		p.Stream = strings.Repeat("long ", size)
		if size == 0 {
			p.Stream = "Tür"
		}
		if _, err := s.Put(within(t, testTime), p); err != nil {
			t.Fatal(err)
		}
		if out.Len()%tarRecord != 0 {
			t.Errorf("%d bytes: the archive has %d", len(p.Data), out.Len())
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(within(t, testTime), shot(0, "x")); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
	r := tar.NewReader(&out)
	for size := range 45 {
		h, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if want := size * tarBlock / 2; h.Size != int64(want) || !h.ModTime.Equal(noon.Add(250*time.Millisecond+789)) {
			t.Errorf("%s: %d bytes of %v, want %d", h.Name, h.Size, h.ModTime, want)
		}
		if size == 0 && h.Name != "Tür/2026-03-01/120000.250Z.jpg" {
			t.Error(h.Name)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Error(err)
	}
}

func TestTarOfOneMillisecond(t *testing.T) {
	s := NewTar(io.Discard, Template{})
	for _, want := range []string{"120000.000Z.jpg", "120000.000Z-1.jpg", "120000.000Z-2.jpg"} {
		if name, err := s.Put(within(t, testTime), shot(0, "x")); err != nil || filepath.Base(name) != want {
			t.Errorf("%s, %v; want %s", name, err, want)
		}
	}
}

// GNU tar writes each picture to the disk before the next one comes.
func TestTarReadWhileGrowing(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.CommandContext(within(t, testTime), "tar", "-xvvf", "-", "-C", dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	s := NewTar(in, Template{})
	for n := range 5 {
		p := shot(time.Duration(n)*time.Second, strings.Repeat("x", n*n*1000))
		name, err := s.Put(within(t, testTime), p)
		if err != nil {
			t.Fatal(err)
		}
		awaitFile(t, filepath.Join(dir, name), len(p.Data))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	if err := cmd.Wait(); err != nil || strings.Contains(said.String(), "tar:") {
		t.Errorf("%v: %s", err, &said)
	}
	if info, err := os.Stat(filepath.Join(dir, "cam/2026-03-01/120003.000Z.jpg")); err != nil || !info.ModTime().Equal(noon.Add(3*time.Second)) {
		t.Errorf("%v, %v", info, err)
	}
}

func awaitFile(t *testing.T, file string, size int) {
	t.Helper()
	for ctx := within(t, testTime); ctx.Err() == nil; {
		if info, err := os.Stat(file); err == nil && info.Size() == int64(size) {
			return
		}
	}
	t.Fatalf("%s does not appear", file)
}

// brokenPipe accepts some bytes and then fails.
type brokenPipe struct{ left int }

func (w *brokenPipe) Write(p []byte) (int, error) {
	if w.left < len(p) {
		return w.left, syscall.EPIPE
	}
	w.left -= len(p)
	return len(p), nil
}

// After a failed write the stream is broken, and nothing more is written.
func TestTarBroken(t *testing.T) {
	out := &brokenPipe{left: tarRecord}
	s := NewTar(out, Template{})
	for n := range 4 {
		_, err := s.Put(within(t, testTime), shot(0, "x"))
		if (n > 0) != errors.Is(err, syscall.EPIPE) {
			t.Errorf("%d: %v", n, err)
		}
		if n == 1 {
			out.left = 1 << 20 // too late
		}
	}
	if err := s.Close(); err != nil || out.left != 1<<20 {
		t.Errorf("%v, %d", err, out.left)
	}
}

func TestTarInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := fmt.Errorf("stopped")
	cancel(stopped)
	if _, err := NewTar(io.Discard, Template{}).Put(ctx, shot(0, "x")); !errors.Is(err, stopped) {
		t.Error(err)
	}
}
