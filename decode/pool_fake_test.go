//go:build unix

package decode_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/keyframe"
)

// staying writes a fake ffmpeg. Started as a warm process it runs the given
// lines of sh, which may call the real one as $ffmpeg. Otherwise it is the real
// one.
func staying(t *testing.T, lines string) decode.Decoder {
	t.Helper()
	path, err := new(decode.Decoder).Find()
	if err != nil {
		t.Skip(err)
	}
	return *script(t, "ffmpeg='"+path+"'\ncase \" $* \" in *' ivf '*) ;; *) exec \"$ffmpeg\" \"$@\" ;; esac\n"+lines)
}

// TestPoolOfStrangeFFmpegs proves that each frame gets its picture, whatever a
// warm process does.
func TestPoolOfStrangeFFmpegs(t *testing.T) {
	o := decode.Output{Format: decode.RGB24, Width: 64, Height: 48}
	all := known(t, "h264.264", keyframe.H264)
	for _, c := range []struct{ name, script string }{
		{"dies at once", "exit 3"},
		{"closes its input", "exec <&-; sleep 600"},
		{"kills itself", "read -r line; kill -SEGV $$"},
		{"stops", "kill -STOP $$"},
		{"reads and says nothing", "cat >/dev/null; sleep 600"},
		{"writes garbage", "echo garbage; exec sleep 600"},
		{"writes without end", "exec cat /dev/zero"},
		{"complains without end", "exec cat /dev/zero >&2"},
		{"a picture without its number", `exec "$ffmpeg" "$@" 2>/dev/null`},
		{"a number without its picture", `exec "$ffmpeg" "$@" >/dev/null`},
		{"another number", `{ "$ffmpeg" "$@" 2>&1 >&3 | sed -u 's/[0-9]*[.]000000$/4&/' >&2; } 3>&1`},
		{"half a picture", `"$ffmpeg" "$@" | head -c 5000; exec sleep 600`},
		{"more than a picture", `{ head -c 5 /dev/zero; exec "$ffmpeg" "$@"; }`},
		{"no such option", `exec "$ffmpeg" -there_is_no_such_option "$@"`},
		{"a complaint", `echo '[error] not today' >&2; exec "$ffmpeg" "$@"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			pool := decode.Pool{Decoder: staying(t, c.script), Size: 1}
			defer pool.Close()
			for _, f := range all[:2] {
				if got := pooled(&pool, f, o); got.err != nil || !got.same(alone(f, o)) {
					t.Errorf("error %v, or another picture", got.err)
				}
			}
			if s := pool.Stats(); s.Warm > 0 || s.Alone != 2 || s.Discarded != 2 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestPoolGivesUp proves that the pool soon stops starting warm processes if
// they never work.
func TestPoolGivesUp(t *testing.T) {
	pool := decode.Pool{Decoder: staying(t, "exit 1")}
	defer pool.Close()
	f := known(t, "h264.264", keyframe.H264)[0]
	for range 8 {
		if got := pooled(&pool, f, decode.Output{Width: 16}); got.err != nil {
			t.Fatal(got.err)
		}
	}
	if s := pool.Stats(); s.Started != 3 || s.Alone != 8 {
		t.Errorf("%+v", s)
	}
}

// TestPoolOfKilledFFmpegs proves that the pool replaces a waiting process that
// was killed, stopped or crashed from outside.
func TestPoolOfKilledFFmpegs(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("finds the process in /proc")
	}
	f := known(t, "h264.264", keyframe.H264)[0]
	want := alone(f, decode.Output{})
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSEGV, syscall.SIGSTOP} {
		before := childIDs(t)
		pool := decode.Pool{Size: 1, Decoder: decode.Decoder{Timeout: 50 * time.Second}}
		for k := range 4 {
			if got := pooled(&pool, f, decode.Output{}); got.err != nil || !got.same(want) {
				t.Errorf("%v: error %v, or another picture", signal, got.err)
			}
			for id := range childIDs(t) {
				if k == 1 && !before[id] {
					syscall.Kill(id, signal)
				}
			}
		}
		if s := pool.Stats(); s.Warm < 3 || s.Started != 2 {
			t.Errorf("%v: %+v", signal, s)
		}
		pool.Close()
		if n := len(childIDs(t)); n != len(before) {
			t.Errorf("%v: %d children, %d before", signal, n, len(before))
		}
	}
}

// TestPoolMemory proves that a warm process does not need more memory as the
// number of frames grows.
func TestPoolMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("finds the process in /proc")
	}
	for name, c := range map[string]keyframe.Codec{"open-gop.264": keyframe.H264, "cra.265": keyframe.H265} {
		all, before := known(t, name, c), childIDs(t)
		pool := decode.Pool{Size: 1}
		after := func(n int) (kib int) {
			for k := range n {
				if got := pooled(&pool, all[k%len(all)], decode.Output{Width: 320}); got.err != nil {
					t.Fatal(got.err)
				}
			}
			for id := range childIDs(t) {
				if !before[id] {
					kib = resident(t, id)
				}
			}
			return kib
		}
		some, many := after(40), after(400)
		if s := pool.Stats(); s.Started != 1 || some == 0 || many > some+some/4 {
			t.Errorf("%s: %d KiB after 40 frames, %d KiB after 440; %+v", name, some, many, s)
		}
		t.Logf("%s: %d KiB, %d KiB", name, some, many)
		pool.Close()
	}
}

// resident returns a process's memory in KiB (proc(5)).
func resident(t *testing.T, id int) (kib int) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", id))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	fmt.Sscan(rest, &kib)
	return kib
}

// childIDs returns the IDs of this process's children, including zombies.
func childIDs(t *testing.T) map[int]bool {
	t.Helper()
	ids := map[int]bool{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		b, _ := os.ReadFile(path)
		head, rest, _ := strings.Cut(string(b), ") ")
		var state string
		var id, parent int
		fmt.Sscanf(head, "%d", &id)
		if n, _ := fmt.Sscanf(rest, "%s %d", &state, &parent); n == 2 && parent == os.Getpid() {
			ids[id] = true
		}
	}
	return ids
}

// TestPoolCancel proves that the end of a call's context ends a hanging
// process, and so does Close.
func TestPoolCancel(t *testing.T) {
	f := known(t, "h264.264", keyframe.H264)[0]
	cause := errors.New("the door was closed")
	for _, c := range hanging {
		t.Run(c.name, func(t *testing.T) {
			d := staying(t, c.script)
			pool := decode.Pool{Decoder: d, Size: 1}
			ctx, cancel := context.WithCancelCause(context.Background())
			result := make(chan error, 1)
			var w bytes.Buffer
			hang := func(ctx context.Context) (group int) {
				os.Remove(d.Path + ".pid")
				go func() { result <- pool.Decode(ctx, &w, f, decode.Output{}) }()
				return pid(t, &d)
			}
			group := hang(ctx)
			cancel(cause)
			if err := <-result; !errors.Is(err, cause) || w.Len() > 0 {
				t.Errorf("error %v and %d bytes", err, w.Len())
			}
			gone(t, group)

			group = hang(context.Background())
			pool.Close()
			if err := <-result; !errors.Is(err, os.ErrClosed) || w.Len() > 0 {
				t.Errorf("error %v and %d bytes", err, w.Len())
			}
			gone(t, group)
		})
	}
}

func TestPoolNoFFmpeg(t *testing.T) {
	pool := decode.Pool{Decoder: decode.Decoder{Path: filepath.Join(t.TempDir(), "none")}}
	defer pool.Close()
	if got := pooled(&pool, someFrame(), decode.Output{}); !errors.Is(got.err, decode.ErrNoFFmpeg) {
		t.Error(got.err)
	}
}

// TestPoolSize proves that there are never more processes than Size: the pool
// ends one before it starts the next.
func TestPoolSize(t *testing.T) {
	path, err := new(decode.Decoder).Find()
	if err != nil {
		t.Skip(err)
	}
	// The script writes a note if the previous process still runs.
	d := *script(t, fmt.Sprintf(`last=$(cat $0.pid 2>/dev/null) && kill -0 $last 2>/dev/null && echo "$last beside $$" >>$0.note
echo $$ >$0.pid
exec %q "$@"`, path))
	pool := decode.Pool{Decoder: d, Size: 1}
	defer pool.Close()
	f := known(t, "h264.264", keyframe.H264)[0]
	done := make(chan error)
	const callers, each = 4, 3
	for k := range callers {
		go func() {
			for n := range each {
				done <- pool.Decode(context.Background(), new(bytes.Buffer), f, decode.Output{Width: 16 + (k+n)%3})
			}
		}()
	}
	for range callers * each {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if note, err := os.ReadFile(d.Path + ".note"); err == nil {
		t.Errorf("%s", note)
	}
}
