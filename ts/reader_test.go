package ts_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

const packetSize = 188

func TestKeyframe(t *testing.T) {
	tests := []struct {
		recipe string
		codec  keyframe.Codec
		kind   keyframe.Kind
	}{
		{"h264.ts", keyframe.H264, keyframe.IDR},
		{"h265.ts", keyframe.H265, keyframe.IDR},
		{"open-gop.ts", keyframe.H264, keyframe.IDR},
		{"interlaced.ts", keyframe.H264, keyframe.IDR},
		{"slices.ts", keyframe.H264, keyframe.IDR},
	}
	for _, test := range tests {
		t.Run(test.recipe, func(t *testing.T) {
			data := read(t, test.recipe)
			f, err := ts.NewReader(bytes.NewReader(data), nil).Keyframe()
			if err != nil {
				t.Fatal(err)
			}
			if f.Codec != test.codec || f.Kind != test.kind || f.PTS < 0 {
				t.Errorf("got %v %v at %v", f.Codec, f.Kind, f.PTS)
			}
		})
	}
}

// TestJoinedInMidstream proves that a stream joined after its first keyframe
// gives the next one, whatever its kind.
func TestJoinedInMidstream(t *testing.T) {
	tests := []struct {
		recipe string
		kind   keyframe.Kind
	}{
		{"h264.ts", keyframe.IDR},
		{"h265.ts", keyframe.CRA},
		{"open-gop.ts", keyframe.RecoveryPoint},
		{"interlaced.ts", keyframe.IDR},
		{"intra-refresh.ts", keyframe.GradualRefresh},
	}
	for _, test := range tests {
		t.Run(test.recipe, func(t *testing.T) {
			data := read(t, test.recipe)
			src := &counted{r: bytes.NewReader(data)}
			if _, err := ts.NewReader(iotest.OneByteReader(src), nil).Keyframe(); err != nil {
				t.Fatal(err)
			}
			// 100 bytes later: in the middle of a packet, after the first
			// keyframe.
			f, err := ts.NewReader(bytes.NewReader(data[src.n+100:]), nil).Keyframe()
			if err != nil {
				t.Fatal(err)
			}
			if f.Kind != test.kind {
				t.Errorf("got %v, want %v", f.Kind, test.kind)
			}
		})
	}
}

// TestReadsNoFurtherThanTheAccessUnit proves that the reader stops as soon as
// it knows that the access unit is over.
func TestReadsNoFurtherThanTheAccessUnit(t *testing.T) {
	data := read(t, "1080p.ts")
	src := &counted{r: bytes.NewReader(data)}
	f, err := ts.NewReader(iotest.OneByteReader(src), nil).Keyframe()
	if err != nil {
		t.Fatal(err)
	}
	packets := videoPackets(data, len(f.Data))
	if over := src.n - packets[len(packets)-1]; over > 4<<10 {
		t.Errorf("read %d bytes, %d past the keyframe's end", src.n, over)
	}
}

// TestBuffered proves that the reader uses the same number of bytes, however
// many a source returns at once.
func TestBuffered(t *testing.T) {
	data := read(t, "1080p.ts")
	use := func(wrap func(io.Reader) io.Reader) int {
		src := &counted{r: bytes.NewReader(data)}
		r := ts.NewReader(wrap(src), nil)
		if _, err := r.Keyframe(); err != nil {
			t.Fatal(err)
		}
		return src.n - r.Buffered()
	}
	byByte, atOnce := use(iotest.OneByteReader), use(func(r io.Reader) io.Reader { return r })
	if byByte != atOnce || byByte%packetSize != 0 || byByte == 0 {
		t.Errorf("%d bytes used, and %d", byByte, atOnce)
	}
}

// TestEveryKeyframe proves that the reader returns every keyframe in turn.
func TestEveryKeyframe(t *testing.T) {
	r := ts.NewReader(bytes.NewReader(read(t, "h264.ts")), nil)
	var at []time.Duration
	for {
		f, err := r.Keyframe()
		if errors.Is(err, keyframe.ErrNotFound) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, ts.Since(f.PTS, r.Start()).Round(time.Millisecond))
	}
	if len(at) != 4 || at[0] != 0 || at[3] != 3*time.Second {
		t.Errorf("keyframes at %v, want one a second from 0 to 3 s", at)
	}
}

func TestFraming(t *testing.T) {
	plain := read(t, "h264.ts")
	want := keyframeOf(t, plain)
	tests := []struct {
		name string
		data []byte
	}{
		{"192 bytes", reframe(plain, []byte{1, 2, 3, 4}, nil)},
		{"204 bytes", reframe(plain, nil, make([]byte, 16))},
		{"192 bytes from the middle of a packet", reframe(plain, []byte{1, 2, 3, 4}, nil)[100:]},
		{"junk in front", append(bytes.Repeat([]byte("junk"), 50), plain...)},
		{"a sync byte in the junk in front", append([]byte{0x47, 1, 2, 0x47}, plain...)},
		{"junk between packets", splice(plain, 3, []byte("some junk"))},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := keyframeOf(t, test.data); !bytes.Equal(got.Data, want.Data) {
				t.Error("another keyframe")
			}
		})
	}
}

// TestDamageWithinTheKeyframe proves that damage to the packets of the first
// keyframe never gives a torn one: the reader returns the second, or an error.
func TestDamageWithinTheKeyframe(t *testing.T) {
	data := read(t, "h264.ts")
	r := ts.NewReader(bytes.NewReader(data), nil)
	first, err := r.Keyframe()
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.Keyframe()
	if err != nil {
		t.Fatal(err)
	}
	packets := videoPackets(data, len(first.Data))
	middle := packets[len(packets)/2]
	tests := []struct {
		name string
		do   func(b []byte) []byte
		want *keyframe.Frame // nil: an error
	}{
		{"a packet lost", func(b []byte) []byte { return append(b[:middle], b[middle+packetSize:]...) }, second},
		{"a packet twice", func(b []byte) []byte { return splice(b, middle/packetSize, b[middle-packetSize:middle]) }, first},
		{"a packet marked as damaged", func(b []byte) []byte { b[middle+1] |= 0x80; return b }, second},
		{"a packet scrambled", func(b []byte) []byte { b[middle+3] |= 0xc0; return b }, second},
		{"some bytes lost", func(b []byte) []byte { return append(b[:middle+20], b[middle+50:]...) }, second},
		{"cut within a packet", func(b []byte) []byte { return b[:middle+50] }, nil},
		{"all scrambled", scrambleAll, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, err := ts.NewReader(bytes.NewReader(test.do(bytes.Clone(data))), nil).Keyframe()
			switch {
			case test.want == nil && err == nil:
				t.Error("a keyframe, not an error")
			case test.want != nil && err != nil:
				t.Error(err)
			case test.want != nil && !bytes.Equal(f.Data, test.want.Data):
				t.Error("another keyframe")
			}
		})
	}
}

func TestErrorsSayWhatThereIs(t *testing.T) {
	audio := read(t, "h264-audio.ts")
	tests := []struct {
		name string
		data []byte
		is   error
		says string
	}{
		{"empty", nil, keyframe.ErrCorrupt, "not an MPEG transport stream"},
		{"text", bytes.Repeat([]byte("hello world\n"), 400), keyframe.ErrCorrupt, "not an MPEG transport stream"},
		{"audio only", audio, keyframe.ErrNotFound, "audio aac"},
		{"another codec, no tables", dropTables(read(t, "mpeg2video.ts")), keyframe.ErrNotFound, "no keyframe"},
		{"another codec", read(t, "mpeg2video.ts"), keyframe.ErrUnsupported, "mpeg2video"},
		{"scrambled", scrambleAll(bytes.Clone(read(t, "h264.ts"))), keyframe.ErrUnsupported, "scrambled"},
		{"null packets", bytes.Repeat(append([]byte{0x47, 0x1f, 0xff, 0x10}, make([]byte, 184)...), 20), keyframe.ErrNotFound, "no video stream"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := ts.NewReader(bytes.NewReader(test.data), nil).Keyframe()
			if !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestStopsWhereThereIsNoVideo proves that the reader stops if the program map
// names no H.264 or H.265.
func TestStopsWhereThereIsNoVideo(t *testing.T) {
	audio := read(t, "h264-audio.ts")
	src := &counted{r: bytes.NewReader(bytes.Repeat(audio, 4<<20/len(audio)))}
	_, err := ts.NewReader(src, nil).Keyframe()
	if !errors.Is(err, keyframe.ErrNotFound) || src.n > 1<<20 {
		t.Errorf("%v after %d bytes", err, src.n)
	}
}

// TestSourceErrors proves that the reader returns the error of its source.
func TestSourceErrors(t *testing.T) {
	data := read(t, "open-gop.ts")
	cut := errors.New("connection reset")
	r := ts.NewReader(io.MultiReader(bytes.NewReader(data[:2000]), iotest.ErrReader(cut)), nil)
	if _, err := r.Keyframe(); !errors.Is(err, cut) {
		t.Errorf("got %v, want the source's error", err)
	}
}

func TestPrograms(t *testing.T) {
	data := read(t, "two-programs.ts")
	tests := []struct {
		program int
		width   int
		is      error
	}{
		{0, 320, nil},
		{1, 320, nil},
		{2, 640, nil},
		{3, 0, keyframe.ErrNotFound},
	}
	for _, test := range tests {
		f, err := ts.NewReader(bytes.NewReader(data), &ts.Options{Program: test.program}).Keyframe()
		if !errors.Is(err, test.is) {
			t.Errorf("program %d: %v", test.program, err)
		}
		if err == nil && f.Info.Width != test.width {
			t.Errorf("program %d: %d wide, want %d", test.program, f.Info.Width, test.width)
		}
	}
}

// TestLateTables proves that the program tables may come after the keyframe, or
// not at all.
func TestLateTables(t *testing.T) {
	for _, recipe := range []string{"h264.ts", "h265.ts"} {
		data := read(t, recipe)
		want := keyframeOf(t, data)
		others := dropTables(data)
		for name, stream := range map[string][]byte{"late": append(bytes.Clone(others), data...), "never": others} {
			if got := keyframeOf(t, stream); !bytes.Equal(got.Data, want.Data) {
				t.Errorf("%s, tables %s: another keyframe", recipe, name)
			}
		}
	}
}

// TestProgramMapChanges proves that the program map may give video another PID
// and another codec in mid-stream.
func TestProgramMapChanges(t *testing.T) {
	stream := append(bytes.Clone(read(t, "h264-audio.ts")), read(t, "h265.ts")...)
	var told []keyframe.Codec
	r := ts.NewReader(bytes.NewReader(stream), &ts.Options{OnCodec: func(c keyframe.Codec) { told = append(told, c) }})
	f, err := r.Keyframe()
	if err != nil {
		t.Fatal(err)
	}
	if f.Codec != keyframe.H265 || len(told) != 1 || told[0] != keyframe.H265 {
		t.Errorf("got %v, told %v", f.Codec, told)
	}
}

func TestTracks(t *testing.T) {
	r := ts.NewReader(bytes.NewReader(read(t, "h264.ts")), nil)
	if _, err := r.Keyframe(); err != nil {
		t.Fatal(err)
	}
	tracks := r.Tracks()
	if len(tracks) != 2 || tracks[0].Codec != "h264" || tracks[0].Type != "video" || tracks[1].Codec != "aac" || tracks[1].Type != "audio" {
		t.Errorf("got %+v", tracks)
	}
}

func TestSince(t *testing.T) {
	const wrap = (1 << 33) * time.Second / 90000
	tests := []struct{ pts, start, want time.Duration }{
		{5 * time.Second, 2 * time.Second, 3 * time.Second},
		{2 * time.Second, 5 * time.Second, -3 * time.Second},
		{time.Second, wrap - time.Second, 2 * time.Second},
		{wrap - time.Second, time.Second, -2 * time.Second},
	}
	for _, test := range tests {
		if got := ts.Since(test.pts, test.start); got != test.want {
			t.Errorf("Since(%v, %v) = %v, want %v", test.pts, test.start, got, test.want)
		}
	}
}

// FuzzReader checks that any bytes give frames whose NAL units were in the
// payload, or an error of the known kinds. The sizes of the reads must not
// matter.
func FuzzReader(f *testing.F) {
	for _, recipe := range []string{"h264.ts", "h265.ts", "two-programs.ts"} {
		if path, err := testmedia.Path(recipe); err == nil {
			if data, err := os.ReadFile(path); err == nil {
				f.Add(data[:12*packetSize])
				f.Add(reframe(data[:12*packetSize], nil, make([]byte, 16)))
			}
		}
	}
	f.Add(bytes.Repeat([]byte{0x47}, 5*packetSize))
	f.Fuzz(func(t *testing.T, data []byte) {
		whole, err := ts.NewReader(bytes.NewReader(data), nil).Keyframe()
		cut, cutErr := ts.NewReader(iotest.HalfReader(bytes.NewReader(data)), nil).Keyframe()
		if (err == nil) != (cutErr == nil) || err == nil && !bytes.Equal(whole.Data, cut.Data) {
			t.Fatalf("read whole: %v; in pieces: %v", err, cutErr)
		}
		known := errors.Is(err, keyframe.ErrNotFound) || errors.Is(err, keyframe.ErrCorrupt) || errors.Is(err, keyframe.ErrUnsupported)
		if err != nil && !known {
			t.Fatal(err)
		}
		if err == nil && len(whole.Data) > len(data)+64 {
			t.Fatalf("%d bytes out of %d", len(whole.Data), len(data))
		}
	})
}

// BenchmarkScan reads a stream without a keyframe to its end.
func BenchmarkScan(b *testing.B) {
	path, err := testmedia.Path("1080p.ts")
	if err != nil {
		b.Skip(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	stream := bytes.Repeat(testmedia.WithoutKeyframes(data), 20)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	before, runs := processTime(b), 0
	for b.Loop() {
		if _, err := ts.NewReader(bytes.NewReader(stream), nil).Keyframe(); !errors.Is(err, keyframe.ErrNotFound) {
			b.Fatal(err)
		}
		runs++
	}
	b.ReportMetric(float64(runs)*float64(len(stream))/1e6/(processTime(b)-before).Seconds(), "MB/cpu-s")
}

// processTime returns this process's CPU time so far. Other programs on the
// machine do not affect it.
func processTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLargeAccessUnit reads keyframes of several sizes. The time should be
// linear in the size.
func BenchmarkLargeAccessUnit(b *testing.B) {
	for _, recipe := range []string{"1080p.ts", "noise4mb.ts"} {
		path, err := testmedia.Path(recipe)
		if err != nil {
			b.Skip(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(recipe, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f, err := ts.NewReader(bytes.NewReader(data), nil).Keyframe()
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(f.Data)))
			}
		})
	}
}

type counted struct {
	r io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

func read(t *testing.T, recipe string) []byte {
	t.Helper()
	data, err := os.ReadFile(testmedia.Make(t, recipe))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func keyframeOf(t *testing.T, data []byte) *keyframe.Frame {
	t.Helper()
	f, err := ts.NewReader(bytes.NewReader(data), nil).Keyframe()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func pidOf(packet []byte) int { return int(packet[1]&0x1f)<<8 | int(packet[2]) }

// reframe inserts bytes before and after every packet.
func reframe(data, before, behind []byte) (out []byte) {
	for at := 0; at+packetSize <= len(data); at += packetSize {
		out = append(out, before...)
		out = append(out, data[at:at+packetSize]...)
		out = append(out, behind...)
	}
	return out
}

// splice inserts extra before packet n.
func splice(data []byte, n int, extra []byte) []byte {
	return append(append(bytes.Clone(data[:n*packetSize]), extra...), data[n*packetSize:]...)
}

// videoPackets returns the offsets of the first packets on ffmpeg's video PID
// that together carry n bytes.
func videoPackets(data []byte, n int) (at []int) {
	for o := 0; o < len(data) && len(at)*184 < n; o += packetSize {
		if pidOf(data[o:]) == 0x100 {
			at = append(at, o)
		}
	}
	return at
}

// dropTables removes the packets of ffmpeg's program tables.
func dropTables(data []byte) (out []byte) {
	for at := 0; at < len(data); at += packetSize {
		if pid := pidOf(data[at:]); pid != 0 && pid != 0x1000 {
			out = append(out, data[at:at+packetSize]...)
		}
	}
	return out
}

// scrambleAll scrambles the payload of ffmpeg's video PID.
func scrambleAll(data []byte) []byte {
	for o := 0; o < len(data); o += packetSize {
		if packet := data[o : o+packetSize]; pidOf(packet) == 0x100 {
			packet[3] |= 0x80
			for i := payloadOf(packet); i < packetSize; i++ {
				packet[i] ^= byte(0xa5 + 31*i)
			}
		}
	}
	return data
}

// payloadOf returns where the payload of a packet begins.
func payloadOf(packet []byte) int {
	if packet[3]&0x20 != 0 {
		return 5 + int(packet[4])
	}
	return 4
}
