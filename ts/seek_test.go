package ts_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

// file counts the bytes read, and fails from a position on.
type file struct {
	data   []byte
	n      int
	broken int // 0 for never
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	if f.broken > 0 && off+int64(len(p)) > int64(f.broken) {
		return 0, errBroken
	}
	n, err := bytes.NewReader(f.data).ReadAt(p, off)
	f.n += n
	return n, err
}

var errBroken = errors.New("broken")

// timed is a keyframe with its time from the start.
type timed struct {
	*keyframe.Frame
	at time.Duration
}

func keyframes(data []byte, o *ts.Options) (all []timed) {
	r := ts.NewReader(bytes.NewReader(data), o)
	for {
		f, err := r.Keyframe()
		if err != nil {
			return all
		}
		all = append(all, timed{f, ts.Since(f.PTS, r.Start())})
	}
}

// last returns the last keyframe at or before at, or else the first.
func last(all []timed, at time.Duration) *keyframe.Frame {
	best := all[0].Frame
	for _, f := range all {
		if f.at <= at {
			best = f.Frame
		}
	}
	return best
}

// TestKeyframeAt proves that the search finds the same as reading the whole
// stream, or reading up to the time, at any time and in any stream whose clock
// goes forward.
func TestKeyframeAt(t *testing.T) {
	long := read(t, "5mbit.ts")
	tests := []struct {
		name string
		data []byte
		o    *ts.Options
	}{
		{"one GOP a second", read(t, "h264.ts"), nil},
		{"open GOPs", read(t, "open-gop.ts"), nil},
		{"field pairs", read(t, "interlaced.ts"), nil},
		{"H.265", read(t, "h265.ts"), nil},
		{"a minute", long, nil},
		{"starting in mid-GOP", long[900_000:], nil},
		{"ending in mid-packet", long[:len(long)-1_000_100], nil},
		{"192-byte packets", reframe(read(t, "wrap.ts"), make([]byte, 4), nil), nil},
		{"the clock wraps", read(t, "wrap.ts"), nil},
		{"a GOP of 22 s", read(t, "long-gop.ts"), nil},
		{"of two programs", read(t, "two-programs.ts"), &ts.Options{Program: 2}},
		{"tables at the end", append(dropTables(read(t, "wrap.ts")), read(t, "wrap.ts")[:3*packetSize]...), nil},
		{"gradual refresh", read(t, "intra-refresh.ts"), nil},
	}
	for _, test := range tests {
		all := keyframes(test.data, test.o)
		for _, at := range []float64{0, 0.5, 1, 1.999, 2.3, 3.1, 7, 19.97, 30.01, 45, 59.99, 60, 3600} {
			at := time.Duration(at * float64(time.Second))
			want := last(all, at)
			f, err := ts.NewRecording(bytes.NewReader(test.data), int64(len(test.data)), test.o).KeyframeAt(at)
			if err != nil || f.PTS != want.PTS || !bytes.Equal(f.Data, want.Data) {
				t.Errorf("%s: at %v: %v, %v; want %v", test.name, at, pts(f), err, want.PTS)
			}
			f, err = ts.NewReader(bytes.NewReader(test.data), test.o).KeyframeAt(keyframe.NoPTS, at)
			if err != nil || f.PTS != want.PTS {
				t.Errorf("%s: reading up to %v: %v, %v; want %v", test.name, at, pts(f), err, want.PTS)
			}
		}
	}
}

func pts(f *keyframe.Frame) any {
	if f == nil {
		return "nothing"
	}
	return f.PTS
}

// TestKeyframeAtReadsOn proves that after KeyframeAt the following pictures can
// still be read.
func TestKeyframeAtReadsOn(t *testing.T) {
	data := read(t, "h264.ts")
	r := ts.NewReader(bytes.NewReader(data), nil)
	var got []string
	for range 4 {
		f, err := r.KeyframeAt(keyframe.NoPTS, 1500*time.Millisecond)
		if err != nil {
			got = append(got, "end")
			break
		}
		got = append(got, fmt.Sprint(ts.Since(f.PTS, r.Start())))
	}
	if s := strings.Join(got, " "); s != "1s 2s 3s end" {
		t.Error(s)
	}
}

// TestClockJumps proves that if the clock jumps forward, the result is the
// keyframe before the jump. If it jumps back, the time occurs twice, and either
// keyframe is right.
func TestClockJumps(t *testing.T) {
	one := read(t, "wrap.ts")  // begins at 95441.4 s
	two := read(t, "5mbit.ts") // begins at 1.4 s
	forward := append(bytes.Clone(two[:len(two)/packetSize/2*packetSize]), one...)
	f, err := ts.NewRecording(bytes.NewReader(forward), int64(len(forward)), nil).KeyframeAt(20 * time.Second)
	if want := last(keyframes(two, nil), 20*time.Second); err != nil || f.PTS != want.PTS {
		t.Errorf("forward: %v, %v; want %v", pts(f), err, want.PTS)
	}
	back := append(bytes.Clone(two), two...)
	f, err = ts.NewRecording(bytes.NewReader(back), int64(len(back)), nil).KeyframeAt(20 * time.Second)
	if want := last(keyframes(two, nil), 20*time.Second); err != nil || f.PTS != want.PTS {
		t.Errorf("back: %v, %v; want %v", pts(f), err, want.PTS)
	}
}

// TestKeyframeAtReadsLittle proves that KeyframeAt reads little of a minute at
// 5 Mbit/s, 37 MB. A GOP of 22 s and 11 MB is within the default byte budget.
func TestKeyframeAtReadsLittle(t *testing.T) {
	for _, test := range []struct {
		recipe string
		at     time.Duration
		most   int
	}{
		{"5mbit.ts", time.Second, 1_800_000},
		{"5mbit.ts", 45 * time.Second, 2_500_000},
		{"5mbit.ts", time.Hour, 2_500_000},
		{"long-gop.ts", 20 * time.Second, 16 << 20},
	} {
		f := &file{data: read(t, test.recipe)}
		if _, err := ts.NewRecording(f, int64(len(f.data)), nil).KeyframeAt(test.at); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s at %v: %d of %d bytes", test.recipe, test.at, f.n, len(f.data))
		if f.n > test.most {
			t.Errorf("%s at %v: %d of %d bytes read, at most %d", test.recipe, test.at, f.n, len(f.data), test.most)
		}
	}
}

func TestKeyframeAtErrors(t *testing.T) {
	data := read(t, "5mbit.ts")
	for _, test := range []struct {
		name string
		src  io.ReaderAt
		size int
		o    *ts.Options
		want error
	}{
		{"not a transport stream", bytes.NewReader(make([]byte, 3<<20)), 3 << 20, nil, keyframe.ErrCorrupt},
		{"without video", &file{data: read(t, "h264-audio.ts")}, len(read(t, "h264-audio.ts")), nil, keyframe.ErrNotFound},
		{"no such program", &file{data: data}, len(data), &ts.Options{Program: 9}, keyframe.ErrNotFound},
		{"without keyframes", &file{data: testmedia.WithoutKeyframes(read(t, "h264.ts"))}, len(read(t, "h264.ts")), nil, keyframe.ErrNotFound},
		{"without times", &file{data: withoutTimes(read(t, "h264.ts"))}, len(read(t, "h264.ts")), nil, keyframe.ErrUnsupported},
		{"broken at its beginning", &file{data: data, broken: 1}, len(data), nil, errBroken},
		{"broken where the search leads", &file{data: data, broken: len(data) / 3}, len(data), nil, errBroken},
		{"broken where the keyframe may be", &file{data: data, broken: len(data)}, len(data) + 1, nil, errBroken},
	} {
		if _, err := ts.NewRecording(test.src, int64(test.size), test.o).KeyframeAt(time.Minute); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

// withoutTimes clears PTS_DTS_flags in all video PES packets, and fills the
// time stamps with stuffing.
func withoutTimes(data []byte) []byte {
	data = bytes.Clone(data)
	for at := range data[:len(data)-20] {
		if bytes.HasPrefix(data[at:], []byte{0, 0, 1, 0xe0}) {
			data[at+7] &= 0x3f
			for i := range int(data[at+8]) {
				data[at+9+i] = 0xff
			}
		}
	}
	return data
}

// TestGoesOnAfterAnError proves that no data is lost at a temporary error: a
// time-out, or a budget that is renewed.
func TestGoesOnAfterAnError(t *testing.T) {
	data := read(t, "h264.ts")
	for _, fault := range []error{errBroken, keyframe.ErrNotFound} {
		src := &hiccups{r: bytes.NewReader(data), err: fault}
		r := ts.NewReader(src, nil)
		var found int
		for {
			f, err := r.Keyframe()
			if f != nil {
				found++
			}
			if err == nil {
				continue
			}
			if src.over {
				break
			}
			if !errors.Is(err, fault) {
				t.Fatal(err)
			}
		}
		// The end of a budget discards the unfinished keyframe.
		if want := 4; fault == errBroken && found != want || found == 0 {
			t.Errorf("after %v: %d keyframes, want %d", fault, found, want)
		}
	}
}

// hiccups fails on every other read.
type hiccups struct {
	r      io.Reader
	err    error
	failed bool
	over   bool
}

func (h *hiccups) Read(p []byte) (int, error) {
	h.failed = !h.failed
	if h.failed {
		return 0, h.err
	}
	n, err := h.r.Read(p[:min(len(p), 20_000)])
	h.over = err == io.EOF
	return n, err
}

// TestFewPackets proves that a stream can be read even if it has fewer packets
// than detection asks for.
func TestFewPackets(t *testing.T) {
	data := read(t, "tiny.ts")
	for n := 2; n <= 5; n++ {
		_, err := ts.NewReader(bytes.NewReader(data[:n*packetSize]), nil).Keyframe()
		if errors.Is(err, keyframe.ErrCorrupt) && strings.Contains(err.Error(), "not an MPEG") {
			t.Errorf("%d packets: %v", n, err)
		}
		if !ts.Sniff(data[:n*packetSize], true) {
			t.Errorf("%d packets are not recognised", n)
		}
	}
	if ts.Sniff([]byte("GET me some text, with a G in it"+strings.Repeat(" and so on", 20)), true) {
		t.Error("text is taken for a transport stream")
	}
}

// TestKeyframeAtSampleAES proves that the tables at the beginning, and their
// SAMPLE-AES, apply wherever a recording is read.
func TestKeyframeAtSampleAES(t *testing.T) {
	all := sampleAES(read(t, "wrap.ts"))
	data := append(bytes.Clone(all[:3*packetSize]), dropTables(all)...)
	o := &ts.Options{SampleAES: func(f *keyframe.Frame) { f.Data = []byte("in the clear") }}
	f, err := ts.NewRecording(bytes.NewReader(data), int64(len(data)), o).KeyframeAt(5 * time.Second)
	if err != nil || string(f.Data) != "in the clear" {
		t.Errorf("%v: not decrypted", err)
	}
}

// sampleAES gives the H.264 stream of ffmpeg's program map the stream_type 0xDB.
func sampleAES(data []byte) []byte {
	for at := 0; at < len(data); at += packetSize {
		if pidOf(data[at:]) != 0x1000 {
			continue
		}
		section := data[at+5:]
		section = section[:3+int(section[1]&0x0f)<<8+int(section[2])]
		section[12] = 0xdb
		end := len(section) - 4
		binary.BigEndian.PutUint32(section[end:], crcMPEG2(section[:end]))
	}
	return data
}

// crcMPEG2 is the CRC_32 of ISO/IEC 13818-1 annex A.
func crcMPEG2(b []byte) uint32 {
	crc := ^uint32(0)
	for _, c := range b {
		crc ^= uint32(c) << 24
		for range 8 {
			crc = crc<<1 ^ crc>>31*0x04c11db7
		}
	}
	return crc
}
