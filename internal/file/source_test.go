package file_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/file"
	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// sources are recipes of every format, with the number of their keyframes.
var sources = []struct {
	recipe    string
	codec     keyframe.Codec
	keyframes int
}{
	{"h264.ts", keyframe.H264, 4},
	{"h265.ts", keyframe.H265, 3},
	{"interlaced.ts", keyframe.H264, 3},
	{"faststart.mp4", keyframe.H264, 4},
	{"moov-last.mp4", keyframe.H264, 4},
	{"fragmented.mp4", keyframe.H264, 4},
	{"h265.mp4", keyframe.H265, 3},
	{"h264.264", keyframe.H264, 3},
	{"h265.265", keyframe.H265, 3},
}

// TestFormats proves that a file, the same file through a pipe, and the same
// byte by byte have the same first keyframe. A pipe then continues with the
// next keyframe, and a file starts over.
func TestFormats(t *testing.T) {
	for _, c := range sources {
		t.Run(c.recipe, func(t *testing.T) {
			ctx := within(t, testTime)
			path, data := testmedia.Make(t, c.recipe), read(t, c.recipe)
			var codecs []keyframe.Codec
			opened := file.Open(path, &file.Options{OnCodec: func(c keyframe.Codec) { codecs = append(codecs, c) }})
			defer opened.Close()
			first, err := opened.Keyframe(ctx)
			if err != nil || first.Codec != c.codec {
				t.Fatal(first, err)
			}
			again, err := opened.Keyframe(ctx)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "opened again", again, first)
			if slices.Contains(codecs, keyframe.UnknownCodec) || len(codecs) > 2 {
				t.Errorf("OnCodec was told %v", codecs)
			}

			same(t, "in single bytes", grab(t, file.NewStream(iotest.OneByteReader(bytes.NewReader(data)), nil)), first)
			r, w := pipe(t)
			feed(t, w, data)
			piped := file.NewStream(r, nil)
			defer piped.Close()
			for n := 0; ; n++ {
				f, err := piped.Keyframe(ctx)
				if n == 0 && err == nil {
					same(t, "piped", f, first)
				}
				if err == nil {
					continue
				}
				if n != c.keyframes || !errors.Is(err, keyframe.ErrNotFound) {
					t.Errorf("%d keyframes, then %v", n, err)
				}
				break
			}
		})
	}
}

// TestOnCodec proves that OnCodec is called once, with the codec, even if the
// grab searches for a time.
func TestOnCodec(t *testing.T) {
	for _, recipe := range []string{"h264.ts", "faststart.mp4", "moov-last.mp4", "fragmented.mp4", "5mbit.ts"} {
		var got []keyframe.Codec
		o := &file.Options{At: time.Second, OnCodec: func(c keyframe.Codec) { got = append(got, c) }}
		grab(t, file.Open(testmedia.Make(t, recipe), o))
		if len(got) != 1 || got[0] != keyframe.H264 {
			t.Errorf("%s: told %v", recipe, got)
		}
	}
}

// TestAt proves that At selects the last keyframe at or before a time, in a
// file and in a pipe alike. GOPs last one second.
func TestAt(t *testing.T) {
	for _, recipe := range []string{"h264.ts", "wrap.ts", "faststart.mp4", "moov-last.mp4", "fragmented.mp4", "h265.mp4"} {
		for _, at := range []time.Duration{1, 998 * time.Millisecond, time.Second, 2500 * time.Millisecond, 3900 * time.Millisecond} {
			var m meter.Counter
			o := &file.Options{At: at, Meter: &m}
			s := file.Open(testmedia.Make(t, recipe), o)
			f := grab(t, s)
			if tracks := s.Tracks(); len(tracks) == 0 || tracks[0].Type != "video" {
				t.Errorf("%s at %v: tracks %v", recipe, at, tracks)
			}
			if m.Read().Down == 0 {
				t.Errorf("%s at %v: nothing counted", recipe, at)
			}
			same(t, recipe+" piped", grab(t, file.NewStream(onlyReader{bytes.NewReader(read(t, recipe))}, o)), f)
			if first := grab(t, file.Open(testmedia.Make(t, recipe), nil)); bytes.Equal(first.Data, f.Data) != (at < time.Second) {
				t.Errorf("%s at %v: the keyframe at %v, the first one is at %v", recipe, at, f.PTS, first.PTS)
			}
		}
	}
}

func TestProgram(t *testing.T) {
	path := testmedia.Make(t, "two-programs.ts")
	for program, width := range map[int]int{0: 320, 1: 320, 2: 640} {
		for _, at := range []time.Duration{0, time.Second} {
			f := grab(t, file.Open(path, &file.Options{Program: program, At: at}))
			if f.Info.Width != width {
				t.Errorf("program %d at %v: %d wide, want %d", program, at, f.Info.Width, width)
			}
		}
	}
}

// TestCorpus proves that every judged file of the corpus has the same keyframe
// as a file and as a pipe, or fails both ways.
func TestCorpus(t *testing.T) {
	judged := 0
	for _, row := range testmedia.MustCorpus(t, "ts", "mp4", "fmp4", "annexb") {
		if row.Expect == "any" || row.Init != "" {
			continue
		}
		judged++
		data, err := os.ReadFile(row.Path)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := file.Open(row.Path, nil).Keyframe(t.Context())
		o := &file.Options{MaxBytes: int64(len(data)) + 1}
		piped, pipedErr := file.NewStream(onlyReader{bytes.NewReader(data)}, o).Keyframe(t.Context())
		switch {
		case (err != nil) != (pipedErr != nil), (err == nil) != (row.Expect == "picture"):
			t.Errorf("%s: %v; piped: %v; expected: %s", row.Name, err, pipedErr, row.Expect)
		case err != nil && !known(err):
			t.Errorf("%s: %v", row.Name, err)
		case err == nil:
			same(t, row.Name, piped, whole)
		}
	}
	if judged < 120 {
		t.Errorf("%d files only", judged)
	}
}

// TestBudget proves that the budget counts for one Keyframe. A pipe that has
// spent it continues with the next one.
func TestBudget(t *testing.T) {
	data := read(t, "h264.ts")
	first := grab(t, file.NewStream(bytes.NewReader(data), nil))
	for _, c := range []struct {
		max  int64
		want error
	}{
		{188 * 20, fetch.ErrBudget}, {1000, fetch.ErrBudget}, {0, nil}, {int64(len(first.Data)) * 2, nil},
	} {
		var m meter.Counter
		s := file.NewStream(bytes.NewReader(data), &file.Options{MaxBytes: c.max, Meter: &m})
		_, err := s.Keyframe(t.Context())
		if c.want == nil && err != nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("within %d: %v", c.max, err)
		}
		if n := m.Read().Down; c.max != 0 && n > c.max || n == 0 {
			t.Errorf("within %d: %d read", c.max, n)
		}
	}

	gop := len(data) / 4
	s := file.NewStream(bytes.NewReader(data), &file.Options{MaxBytes: int64(gop / 3)})
	var budgets, found int
	for range 40 {
		f, err := s.Keyframe(t.Context())
		switch {
		case errors.Is(err, fetch.ErrBudget):
			budgets++
			continue
		case err == nil:
			found++
			if f.OpenEnd {
				t.Error("a keyframe cut by the budget")
			}
			continue
		}
		if budgets == 0 || found == 0 {
			t.Errorf("%d budgets spent, %d keyframes found, then %v", budgets, found, err)
		}
		return
	}
	t.Error("no end")
}

// TestInterruptedPipe proves that the end of the context ends a waiting read,
// and that the next Keyframe continues. Nothing is lost except the sample of an
// MP4 file that was being read.
func TestInterruptedPipe(t *testing.T) {
	for _, recipe := range []string{"h264.ts", "fragmented.mp4", "faststart.mp4", "h264.264"} {
		data := read(t, recipe)
		r, w := pipe(t)
		s := file.NewStream(r, nil)
		defer s.Close()
		for _, cut := range []struct{ from, to int }{{0, 0}, {0, 3000}, {3000, 6000}} {
			if _, err := w.Write(data[cut.from:cut.to]); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			_, err := s.Keyframe(ctx)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no data came") && !strings.Contains(err.Error(), "waiting for a keyframe") {
				t.Fatalf("%s after %d bytes: %v", recipe, cut.to, err)
			}
		}
		feed(t, w, data[6000:])
		f, err := s.Keyframe(within(t, testTime))
		if err != nil {
			t.Fatalf("%s: %v", recipe, err)
		}
		if first := grab(t, file.Open(testmedia.Make(t, recipe), nil)); strings.HasSuffix(recipe, ".mp4") != (f.PTS > first.PTS) {
			t.Errorf("%s: the keyframe at %v, the first one is at %v", recipe, f.PTS, first.PTS)
		}
	}
}

// TestCancelledFile proves that reading a file, too, stops at the end of the
// context.
func TestCancelledFile(t *testing.T) {
	reason := errors.New("no longer wanted")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(reason)
	for _, s := range []*file.Source{
		file.Open(testmedia.Make(t, "h264.ts"), nil),
		file.Open("/dev/zero", nil),
		file.NewStream(bytes.NewReader(read(t, "h264.ts")), nil),
	} {
		if _, err := s.Keyframe(ctx); !errors.Is(err, reason) {
			t.Errorf("%v", err)
		}
		s.Close()
	}
}

// TestNamedPipe proves that kfgrab waits for a named pipe, reads it once and
// continues. Nothing is lost between two keyframes.
func TestNamedPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	s := file.Open(path, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Keyframe(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("without a writer: %v", err)
	}
	data := read(t, "h264.ts")
	done := make(chan struct{})
	go func() {
		defer close(done)
		w, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer w.Close()
		if _, err := w.Write(data); err != nil {
			t.Error(err)
		}
	}()
	for n := range 4 {
		if _, err := s.Keyframe(within(t, testTime)); err != nil {
			t.Fatalf("keyframe %d: %v", n, err)
		}
	}
	<-done
	s.Close()
}

func TestReadError(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range sources {
		data := read(t, c.recipe)
		r := io.MultiReader(bytes.NewReader(data[:2000]), iotest.ErrReader(broken))
		if _, err := file.NewStream(r, nil).Keyframe(t.Context()); !errors.Is(err, broken) {
			t.Errorf("%s: %v", c.recipe, err)
		}
	}
	idle := io.MultiReader(bytes.NewReader(read(t, "h264.ts")[:5000]), readerFunc(func([]byte) (int, error) { return 0, nil }))
	if _, err := file.NewStream(idle, nil).Keyframe(t.Context()); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("an idle reader: %v", err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	_, err := file.Open(filepath.Join(dir, "absent.ts"), nil).Keyframe(t.Context())
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	_, err = file.Open(dir, nil).Keyframe(t.Context())
	if err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("directory: %v", err)
	}
	_, err = file.Open("/dev/null", nil).Keyframe(t.Context())
	if !errors.Is(err, keyframe.ErrCorrupt) || !strings.Contains(err.Error(), "the input is empty") {
		t.Errorf("nothing: %v", err)
	}
	_, err = file.Open("/dev/zero", &file.Options{MaxBytes: 1 << 20}).Keyframe(t.Context())
	if !errors.Is(err, keyframe.ErrCorrupt) {
		t.Errorf("zeros: %v", err)
	}
}
