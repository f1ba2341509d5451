package file_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/file"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// all takes keyframes to the end of s, but no more than most, and closes it.
func all(t *testing.T, s *file.Source, most int) (list []*keyframe.Frame, err error) {
	t.Helper()
	defer s.Close()
	err = s.Keyframes(within(t, testTime), func(f *keyframe.Frame) bool {
		list = append(list, f)
		return len(list) < most
	})
	return list, err
}

const noEnd = 1 << 20

// TestKeyframes proves that Keyframes returns the keyframes in turn to the end,
// from the start or from a time: from a file, from a pipe, and over HTTP with
// and without ranges. No byte is fetched twice.
func TestKeyframes(t *testing.T) {
	for _, c := range []struct {
		recipe string
		timed  bool
		count  int
	}{
		{"h264.ts", true, 4},
		{"h265.ts", true, 3},
		{"faststart.mp4", true, 4},
		{"moov-last.mp4", true, 4},
		{"fragmented.mp4", true, 4},
		{"dash-sidx.mp4", true, 10},
		{"h264.264", false, 3},
		{"h265.265", false, 3},
	} {
		path := testmedia.Make(t, c.recipe)
		data := read(t, c.recipe)
		want, err := all(t, file.Open(path, nil), noEnd)
		if len(want) != c.count || !errors.Is(err, keyframe.ErrNotFound) || errors.Is(err, fetch.ErrBudget) {
			t.Fatalf("%s: %d keyframes, %v", c.recipe, len(want), err)
		}
		var joined []byte
		for _, f := range want {
			joined = append(joined, f.Data...)
		}
		if got := testmedia.Hashes(t, joined, "-f", want[0].Codec.String()); !slices.Equal(got, testmedia.Hashes(t, data, "-skip_frame", "nokey")) {
			t.Errorf("%s: pictures %q", c.recipe, got)
		}
		for at := time.Duration(0); at <= 1500*time.Millisecond; at += 1500 * time.Millisecond {
			o := &file.Options{At: at}
			from := int(at / time.Second)
			if from > 0 && !c.timed {
				continue
			}
			name := filepath.Base(path)
			ranged, counted := resource(t, testserver.Nginx(t, filepath.Dir(path))+"/"+name, o, nil)
			plain, _ := resource(t, testserver.Nginx(t, filepath.Dir(path), "max_ranges 0;")+"/"+name, o, nil)
			r, w := pipe(t)
			feed(t, w, data)
			for how, s := range map[string]*file.Source{
				"file": file.Open(path, o), "pipe": file.NewStream(r, o), "ranges": ranged, "no ranges": plain,
			} {
				got, err := all(t, s, noEnd)
				if len(got) != len(want)-from || !errors.Is(err, keyframe.ErrNotFound) {
					t.Errorf("%s from %v, %s: %d keyframes, %v", c.recipe, at, how, len(got), err)
					continue
				}
				for i, f := range got {
					same(t, fmt.Sprintf("%s from %v, %s, %d", c.recipe, at, how, i), f, want[from+i])
				}
			}
			spent := counted.Read()
			if most := int64(len(data) + 500*spent.Requests); spent.Down > most {
				t.Errorf("%s from %v: %d bytes of %d came, in %d requests", c.recipe, at, spent.Down, len(data), spent.Requests)
			}
		}
	}
}

// TestKeyframesOfPipe proves that unused data stays in the pipe, and that the
// budget is shared by all keyframes.
func TestKeyframesOfPipe(t *testing.T) {
	data := read(t, "h264.ts")
	want, _ := all(t, file.NewStream(bytes.NewReader(data), nil), noEnd)
	s := file.NewStream(bytes.NewReader(data), nil)
	n := 0
	if err := s.Keyframes(t.Context(), func(*keyframe.Frame) bool { n++; return n < 2 }); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	same(t, "behind two", grab(t, s), want[2])
	few := &file.Options{MaxBytes: int64(len(data)) * 2 / 5}
	got, err := all(t, file.NewStream(bytes.NewReader(data), few), noEnd)
	if len(got) == 0 || len(got) == len(want) || !errors.Is(err, fetch.ErrBudget) {
		t.Errorf("within the budget %d keyframes, %v", len(got), err)
	}
}

// TestKeyframesOfDatagrams proves that Keyframes receives all datagrams through
// one socket.
func TestKeyframesOfDatagrams(t *testing.T) {
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	sendTo(t, addr, pieces(read(t, "h264.ts"), nil))
	s := openUDP(t, "udp://"+addr, nil)
	times := map[time.Duration]bool{}
	err := s.Keyframes(within(t, testTime), func(f *keyframe.Frame) bool {
		if conn, err := net.ListenPacket("udp4", addr); err == nil {
			conn.Close()
			t.Error("nobody listens between two keyframes")
		}
		times[f.PTS] = true
		return len(times) < 3
	})
	if err != nil || len(times) != 3 {
		t.Errorf("%v, %v", times, err)
	}
}
