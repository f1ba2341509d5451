//go:build unix

package decode_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/keyframe"
)

// someFrame returns a frame for a script that stands in for ffmpeg. It is
// larger than a pipe's buffer.
func someFrame() *keyframe.Frame {
	return &keyframe.Frame{
		Codec: keyframe.H264, Kind: keyframe.IDR, Pictures: 1,
		Data: bytes.Repeat([]byte{0, 0, 0, 1, 0x65}, 1<<16),
		Info: keyframe.Info{Width: 2, Height: 1},
	}
}

// script writes a fake ffmpeg made of the given lines of sh.
func script(t *testing.T, lines string) *decode.Decoder {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ffmpeg")
	syscall.ForkLock.RLock() // a process forked now would keep the file open for writing
	err := os.WriteFile(path, []byte("#!/bin/sh\n"+lines+"\n"), 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	return &decode.Decoder{Path: path}
}

const (
	drain = "cat >/dev/null\n"
	pixel = "printf RGBRGB\n"
)

func TestStrangeFFmpeg(t *testing.T) {
	rgb := decode.Output{Format: decode.RGB24}
	for _, c := range []struct {
		name, script string
		output       decode.Output
		want         string // in the error; "" for success
		is           error
	}{
		{"good", drain + pixel, rgb, "", nil},
		{"closes its input early", "exec <&-\n" + pixel, rgb, "", nil},
		{"dies at once", "exit 3", rgb, "exit status 3", nil},
		{"dies at once with a reason", "echo '[error] out of memory' >&2; exit 1", rgb, "decode: ffmpeg failed: exit status 1: out of memory", nil},
		{"dies with half a picture", drain + "printf RGB; exit 1", rgb, "exit status 1", nil},
		{"kills itself", drain + pixel + "kill -SEGV $$", rgb, "it crashed: segmentation fault", nil},
		{"writes nothing", drain, rgb, "ffmpeg wrote no picture", nil},
		{"writes half a picture", drain + "printf RGB", rgb, "3 bytes that are not one whole rgb24 picture", nil},
		{"writes two pictures", drain + pixel + pixel, rgb, "12 bytes that are not one whole rgb24 picture", nil},
		{"writes garbage for a JPEG", drain + pixel, decode.Output{}, "not one whole jpeg picture", nil},
		{"writes garbage for a PNG", drain + pixel, decode.Output{Format: decode.PNG}, "not one whole png picture", nil},
		{"writes garbage for a WebP", drain + pixel, decode.Output{Format: decode.WebP}, "not one whole webp picture", nil},
		{"writes without end", "exec cat /dev/zero", decode.Output{Format: decode.RGB24, MaxPixels: 1_000_000}, "more than 8097152 bytes of picture", nil},
		{"complains without end", "exec cat /dev/zero >&2", rgb, "bytes of messages", nil},
		{"complains at length", drain + "i=0; while [ $i -lt 999 ]; do echo \"[error] $i\"; i=$((i+1)); done >&2; exit 1", rgb, "exit status 1: 0; 1; 2; 3", nil},
		{"speaks to the terminal", "printf '\\033[31m[error] re\\033]0;d\\a\\r\\n' >&2; exit 1", rgb, "exit status 1: [31m[error] re]0;d", nil},
		{"conceals", drain + pixel + "echo '[h264 @ 0x5] [info] concealing 5 DC, 5 AC, 5 MV errors in I frame' >&2", rgb, "concealing 5 DC", keyframe.ErrCorrupt},
		{"harmless error", drain + pixel + "echo '[h264 @ 0x5] [error] mmco: unref short failure' >&2", rgb, "", nil},
		{"error and no picture", drain + "echo '[h264 @ 0x5] [error] no frame!' >&2", rgb, "no frame!", keyframe.ErrCorrupt},
		{"no encoder", "echo \"[fatal] Unknown encoder 'libwebp'\" >&2; exit 1", decode.Output{Format: decode.WebP}, "this ffmpeg was built without webp", nil},
		{"leaves a child with its pipes", drain + pixel + "sleep 600 & :", rgb, "a process that it left behind holds its output", nil},
		{"is killed", drain + pixel + "kill -KILL $$", rgb, "it was killed; the system may have run out of memory", nil},
		{"environment", drain + "test \"$(env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= -e ^LD_LIBRARY_PATH=)\" = '' && " + pixel, rgb, "", nil},
		{"directory", drain + "test \"$PWD\" = / && " + pixel, rgb, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("KFGRAB_TEST_SECRET", "s3cret")
			var w bytes.Buffer
			d := script(t, c.script)
			d.Timeout = time.Minute // for a busy machine
			err := d.Decode(context.Background(), &w, someFrame(), c.output)
			if c.want == "" {
				if err != nil || w.String() != "RGBRGB" {
					t.Fatalf("error %v, picture %q", err, w.String())
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\n\r\x1b\a") {
				t.Fatalf("error %q, want one line with %q", err, c.want)
			}
			var e *decode.Error
			if !errors.As(err, &e) || c.is != nil && !errors.Is(err, c.is) || c.is == nil && errors.Is(err, keyframe.ErrCorrupt) {
				t.Errorf("error %q is a %T", err, err)
			}
			if w.Len() > 0 {
				t.Errorf("%d bytes written beside the error", w.Len())
			}
		})
	}
}

func TestNoFFmpeg(t *testing.T) {
	dir := t.TempDir()
	plainFile := filepath.Join(dir, "plain")
	if err := os.WriteFile(plainFile, []byte("#!/bin/sh\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	for _, c := range []struct{ name, path, env, want string }{
		{"none in PATH", "", "", "ffmpeg: executable file not found"},
		{"path of nothing", filepath.Join(dir, "none"), "", "no such file"},
		{"not executable", plainFile, "", "permission denied"},
		{"a directory", dir, "", "directory"},
		{"environment", "", filepath.Join(dir, "none"), "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("KFGRAB_FFMPEG", c.env)
			err := (&decode.Decoder{Path: c.path}).Decode(context.Background(), new(bytes.Buffer), someFrame(), decode.Output{})
			if !errors.Is(err, decode.ErrNoFFmpeg) {
				t.Fatalf("error %v", err)
			}
			for _, want := range []string{c.want, "apt install ffmpeg", "KFGRAB_FFMPEG"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
		})
	}
}

// TestOrphan proves that a child is killed if it outlives its ffmpeg and holds
// the pipes.
func TestOrphan(t *testing.T) {
	d := script(t, "echo $$ >$0.pid; sleep 600 & :")
	err := d.Decode(context.Background(), new(bytes.Buffer), someFrame(), decode.Output{})
	if err == nil {
		t.Fatal("no error")
	}
	gone(t, pid(t, d))
}

// TestNoProgram proves that an executable file that is no program gives an
// error, and that the error does not contain its path.
func TestNoProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ffmpeg")
	if err := os.WriteFile(path, []byte("\x7fELF"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := (&decode.Decoder{Path: path}).Decode(context.Background(), new(bytes.Buffer), someFrame(), decode.Output{})
	if err == nil || !strings.Contains(err.Error(), "exec format error") || strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
}

func TestFindOrder(t *testing.T) {
	a, b := script(t, pixel).Path, script(t, pixel).Path
	t.Setenv("PATH", filepath.Dir(a))
	t.Setenv("KFGRAB_FFMPEG", "")
	for _, c := range []struct{ path, env, want string }{{"", "", a}, {"", b, b}, {a, b, a}, {"ffmpeg", b, a}} {
		t.Setenv("KFGRAB_FFMPEG", c.env)
		if got, err := (&decode.Decoder{Path: c.path}).Find(); err != nil || got != c.want {
			t.Errorf("Path %q, KFGRAB_FFMPEG %q: %s, %v, want %s", c.path, c.env, got, err, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	with := script(t, "echo ' V....D libwebp   WebP'; echo ' V....D png   PNG'")
	without := script(t, "echo ' V....D png   libwebp is not the name'")
	for _, c := range []struct {
		decoder *decode.Decoder
		format  decode.Format
		want    string
	}{
		{with, decode.WebP, ""},
		{without, decode.WebP, "this ffmpeg was built without webp"},
		{without, decode.JPEG, ""},
		{script(t, "exit 1"), decode.WebP, "exit status 1"},
		{&decode.Decoder{Path: "/nonexistent"}, decode.JPEG, "no ffmpeg"},
	} {
		err := c.decoder.Check(context.Background(), decode.Output{Format: c.format})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: %v, want %q", c.format, err, c.want)
		}
	}
}

func TestVersion(t *testing.T) {
	got, err := script(t, "echo 'ffmpeg version 7.1-2 Copyright (c) 2000-2024'").Version(context.Background())
	if err != nil || got != "7.1-2" {
		t.Errorf("version %q, %v", got, err)
	}
	if got, err := script(t, "echo hello").Version(context.Background()); err == nil {
		t.Errorf("version %q of what is not ffmpeg", got)
	}
}

// hanging scripts report on their own standard output that they run, and never
// end by themselves.
var hanging = []struct{ name, script string }{
	{"reads nothing", "echo $$ >$0.pid; sleep 600"},
	{"reads and writes nothing", "echo $$ >$0.pid; cat >/dev/null; sleep 600"},
	{"stopped", "echo $$ >$0.pid; kill -STOP $$"},
	{"writes a picture and stays", "echo $$ >$0.pid; cat >/dev/null; printf RGBRGB; sleep 600"},
	{"deaf", "trap '' TERM INT HUP; echo $$ >$0.pid; sleep 600"},
}

func TestHanging(t *testing.T) {
	cause := errors.New("the door was closed")
	for _, c := range hanging {
		t.Run(c.name, func(t *testing.T) {
			d := script(t, c.script)
			ctx, cancel := context.WithCancelCause(context.Background())
			result := make(chan error, 1)
			var w bytes.Buffer
			go func() {
				result <- d.Decode(ctx, &w, someFrame(), decode.Output{Format: decode.RGB24})
			}()
			group := pid(t, d)
			cancel(cause)
			if err := <-result; !errors.Is(err, cause) || strings.Contains(err.Error(), "signal") || w.Len() > 0 {
				t.Errorf("error %v and %d bytes", err, w.Len())
			}
			gone(t, group)
		})
	}
}

// TestTimeout proves that Timeout ends a hanging process if the context does
// not.
func TestTimeout(t *testing.T) {
	for _, c := range hanging {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := script(t, c.script)
			d.Timeout = 2 * time.Second
			var w bytes.Buffer
			err := d.Decode(context.Background(), &w, someFrame(), decode.Output{Format: decode.RGB24})
			var e *decode.Error
			if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), "decode: ffmpeg was stopped: it had not finished after 2s") || w.Len() > 0 {
				t.Errorf("error %v and %d bytes", err, w.Len())
			}
			gone(t, pid(t, d))
		})
	}
}

func TestDeadline(t *testing.T) {
	d := script(t, "sleep 600")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	err := d.Decode(ctx, new(bytes.Buffer), someFrame(), decode.Output{})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if err := d.Decode(ctx, new(bytes.Buffer), someFrame(), decode.Output{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v where the context was over before", err)
	}
}

// TestJobEnds proves that Cancel, or the context of Start, ends a started
// process. Decode then returns that context's cause.
func TestJobEnds(t *testing.T) {
	d := script(t, hanging[1].script)
	start := func(ctx context.Context) (*decode.Job, int) {
		t.Helper()
		os.Remove(d.Path + ".pid")
		j, err := d.Start(ctx, keyframe.H264, decode.Output{Format: decode.RGB24})
		if err != nil {
			t.Fatal(err)
		}
		return j, pid(t, d)
	}
	j, group := start(context.Background())
	j.Cancel()
	gone(t, group)
	j.Cancel()
	if err := j.Decode(context.Background(), new(bytes.Buffer), someFrame()); !errors.Is(err, context.Canceled) {
		t.Errorf("Decode after Cancel: %v", err)
	}

	cause := errors.New("the door was closed")
	ctx, cancel := context.WithCancelCause(context.Background())
	j, group = start(ctx)
	cancel(cause)
	if err := j.Decode(context.Background(), new(bytes.Buffer), someFrame()); !errors.Is(err, cause) {
		t.Errorf("Decode after the end of Start's context: %v", err)
	}
	gone(t, group)

	j, group = start(context.Background())
	wrong := someFrame()
	wrong.Info.Width = 1 << 20
	if err := j.Decode(context.Background(), new(bytes.Buffer), wrong); !errors.Is(err, keyframe.ErrUnsupported) {
		t.Errorf("error %v", err)
	}
	gone(t, group)
}

// pid waits until the script has written its process ID.
func pid(t *testing.T, d *decode.Decoder) (id int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		b, _ := os.ReadFile(d.Path + ".pid")
		if _, err := fmt.Sscanf(string(b), "%d\n", &id); err == nil {
			return id
		}
		if time.Now().After(deadline) {
			t.Fatal("the script does not run")
		}
	}
}

// gone checks that the process is reaped. It waits for the process group, whose
// killed grandchildren init reaps.
func gone(t *testing.T, id int) {
	t.Helper()
	if err := syscall.Kill(id, 0); err != syscall.ESRCH {
		t.Errorf("process %d is still there: %v", id, err)
	}
	for deadline := time.Now().Add(10 * time.Second); alive(id); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process group %d is still there", id)
		}
	}
}

// alive reports whether a member of the process group runs; zombies do not.
func alive(group int) bool {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		b, _ := os.ReadFile(path)
		_, rest, _ := strings.Cut(string(b), ") ")
		var state string
		var parent, pgrp int
		if n, _ := fmt.Sscanf(rest, "%s %d %d", &state, &parent, &pgrp); n == 3 && pgrp == group && state != "Z" {
			return true
		}
	}
	return false
}
