package ts_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

// TestTablesThatMislead proves that the keyframe of a stream is found whatever its
// tables say.
func TestTablesThatMislead(t *testing.T) {
	data := read(t, "h264.ts")
	const deadPID = 0x90
	video, dead := listed{kind: 0x1b, pid: videoPID}, listed{kind: 0x1b, pid: deadPID}
	one := map[int]int{1: mapPID}
	wrong := pmt(1, dead)
	other := read(t, "mpeg2video.ts")
	long := bytes.Repeat([]byte{0x05, 4, 'X', 'Y', 'Z', '0'}, 20)

	for name, stream := range map[string][]byte{
		"first video is not sent":          withTables(data, oneProgram(dead, video)),
		"first two are not sent":           withTables(data, oneProgram(dead, listed{kind: 0x24, pid: 0x91}, video)),
		"first program is not sent":        withTables(data, carry(0, pat(0, 0, map[int]int{1: 0x1001, 2: 0x1002})), carry(0x1001, pmt(1, dead)), carry(0x1002, pmt(2, video))),
		"first video has no keyframe":      withTables(interleaved(moved(testmedia.WithoutKeyframes(data), deadPID), data), oneProgram(dead, video)),
		"first video is scrambled":         withTables(interleaved(moved(scrambleAll(bytes.Clone(data)), deadPID), data), oneProgram(dead, video)),
		"first video is MPEG-2":            withTables(interleaved(moved(other, deadPID), data), oneProgram(dead, video)),
		"the only one listed is not sent":  withTables(data, oneProgram(dead)),
		"only audio is listed":             withTables(data, oneProgram(listed{kind: 0x0f, pid: 0x101})),
		"map of a program that PAT lacks":  withTables(data, carry(0, pat(0, 0, one)), carry(mapPID, pmt(7, dead), pmt(1, video))),
		"such a map after":                 withTables(data, carry(0, pat(0, 0, one)), carry(mapPID, pmt(1, video), pmt(7, dead))),
		"several maps in several packets":  withTables(data, carry(0, pat(0, 0, one)), carry(mapPID, pmt(7, listed{0x1b, deadPID, long}), pmt(8, dead), pmt(1, video), pmt(9, dead))),
		"the map spans packets":            withTables(data, carry(0, pat(0, 0, one)), carry(mapPID, pmt(1, listed{0x0f, 0x101, long}, listed{0x1b, videoPID, long}))),
		"several programs on one PID":      withTables(data, carry(0, pat(0, 0, map[int]int{1: mapPID, 2: mapPID})), carry(mapPID, pmt(2, listed{kind: 0x03, pid: 0x200}), pmt(1, video))),
		"map that is not in force":         withTables(data, carry(0, pat(0, 0, one)), carry(mapPID, futurePMT(1, dead), pmt(1, video))),
		"map with a wrong checksum":        withTables(data, carry(0, pat(0, 0, one)), carry(mapPID, append(wrong[:len(wrong)-1:len(wrong)-1], 0), pmt(1, video))),
		"PAT of two sections":              withTables(data, carry(0, pat(0, 1, map[int]int{1: 0x1001}), pat(1, 1, map[int]int{2: 0x1002})), carry(0x1001, pmt(1, listed{kind: 0x03, pid: 0x200})), carry(0x1002, pmt(2, video))),
		"PAT alone":                        withTables(data, carry(0, pat(0, 0, one))),
		"map alone":                        withTables(data, carry(mapPID, pmt(1, video))),
		"no tables and no video stream_id": eachVideo(dropTables(data), func(_ int, p []byte) { setStreamID(p, 0xbd) }),
	} {
		if got := keyframeOf(t, stream); !bytes.Equal(got.Data, keyframeOf(t, data).Data) {
			t.Errorf("%s: another keyframe", name)
		}
	}
}

// setStreamID sets stream_id of the PES packet that begins in a packet.
func setStreamID(packet []byte, id byte) {
	if at := payloadOf(packet); packet[1]&0x40 != 0 {
		packet[at+3] = id
	}
}

// TestContentOverLabel proves that the content of a stream says what it is, not its
// stream_type.
func TestContentOverLabel(t *testing.T) {
	for _, recipe := range []string{"h264.ts", "h265.ts"} {
		data := read(t, recipe)
		want := keyframeOf(t, data)
		for _, label := range []listed{
			{kind: 0x06},
			{kind: 0x06, descriptors: []byte("\x05\x04HDMV")},
			{kind: 0x06, descriptors: []byte("\x05\x04H264")},
			{kind: 0x06, descriptors: []byte("\x05\x04HEVC")},
			{kind: 0x06, descriptors: []byte("\x6a\x01\x00")}, // AC-3
			{kind: 0x80},
			{kind: 0x1b},
			{kind: 0x24},
			{kind: 0x02},
			{kind: 0x10},
			{kind: 0xea},
			{kind: 0x0f},
			{kind: 0xff},
		} {
			label.pid = videoPID
			r := ts.NewReader(bytes.NewReader(withTables(data, oneProgram(listed{kind: 0x0f, pid: 0x101}, label))), nil)
			f, err := r.Keyframe()
			if err != nil || !bytes.Equal(f.Data, want.Data) || f.Codec != want.Codec {
				t.Errorf("%s as stream_type %#x %q: %v", recipe, label.kind, label.descriptors, err)
				continue
			}
			if tracks := r.Tracks(); tracks[1].Type != "video" || tracks[1].Codec != want.Codec.String() {
				t.Errorf("%s as stream_type %#x: listed as %+v", recipe, label.kind, tracks[1])
			}
		}
	}
}

// TestOnCodecCorrected proves that OnCodec is called again if the content is of
// another codec than the label.
func TestOnCodecCorrected(t *testing.T) {
	var told []keyframe.Codec
	o := &ts.Options{OnCodec: func(c keyframe.Codec) { told = append(told, c) }}
	stream := withTables(read(t, "h265.ts"), oneProgram(listed{kind: 0x1b, pid: videoPID}))
	if _, err := ts.NewReader(bytes.NewReader(stream), o).Keyframe(); err != nil || !slices.Equal(told, []keyframe.Codec{keyframe.H264, keyframe.H265}) {
		t.Errorf("told %v, %v", told, err)
	}
}

// TestWaitsForTheBetterCandidate proves that the first video of the tables is the one
// whose keyframe is returned even if that of another comes earlier, and that the wait
// is bounded.
func TestWaitsForTheBetterCandidate(t *testing.T) {
	data := dropTables(read(t, "5mbit.ts"))
	first, second := listed{kind: 0x1b, pid: 0x90}, listed{kind: 0x1b, pid: videoPID}
	small := moved(read(t, "two-programs.ts"), 0x90)
	tables := oneProgram(first, second)

	late := slices.Concat(tables, data[:200*packetSize], interleaved(small, data[200*packetSize:]))
	if f := keyframeOf(t, late); f.Info.Width != 320 {
		t.Errorf("%d wide: not the first video of the map", f.Info.Width)
	}

	const silentPatience = 512 << 10
	src := &counted{r: bytes.NewReader(append(tables, data...))}
	r := ts.NewReader(src, nil)
	f, err := r.Keyframe()
	if err != nil || f.Info.Width != 640 || src.n-r.Buffered() > silentPatience+4*packetSize {
		t.Errorf("%v after %d bytes", err, src.n-r.Buffered())
	}
}

// TestCountersThatNeverCount proves that wrong counters are no losses in a stream that
// does not count, nor in the beginning of one.
func TestCountersThatNeverCount(t *testing.T) {
	pes := 0
	for name, counter := range map[string]func(n int, packet []byte) int{
		"zero":     func(int, []byte) int { return 0 },
		"constant": func(int, []byte) int { return 11 },
		"random":   func(n int, _ []byte) int { return rand.New(rand.NewPCG(uint64(n), 3)).IntN(16) },
		"backward": func(n int, _ []byte) int { return -n & 15 },
		"of PES packets": func(_ int, packet []byte) int {
			if packet[1]&0x40 != 0 {
				pes++
			}
			return pes & 15
		},
	} {
		for _, recipe := range []string{"h264.ts", "h265.ts", "1080p.ts"} {
			data := read(t, recipe)
			stream := eachVideo(data, func(n int, packet []byte) { packet[3] = packet[3]&0xf0 | byte(counter(n, packet)) })
			if got, want := keyframes(stream, nil), keyframes(data, nil); len(got) != len(want) || !bytes.Equal(got[0].Data, want[0].Data) {
				t.Errorf("%s, %s: %d keyframes, or others than the %d", recipe, name, len(got), len(want))
			}
		}
	}
}

// TestEarlyLoss proves that a packet lost at the beginning of a stream that counts
// costs the keyframe, though it is not known yet that it counts.
func TestEarlyLoss(t *testing.T) {
	data := read(t, "1080p.ts")
	all := keyframes(data, nil)
	at := videoPackets(data, len(all[0].Data))
	for _, n := range []int{1, 2, 5, 14, 15, 16, 40} {
		stream := slices.Concat(data[:at[n]], data[at[n]+packetSize:])
		if got := keyframes(stream, nil); len(got) != len(all)-1 || !bytes.Equal(got[0].Data, all[1].Data) {
			t.Errorf("packet %d lost: %d keyframes of %d", n, len(got), len(all))
		}
	}
}

// TestScramblingMarks proves that a stream marked as scrambled is read if it is not.
func TestScramblingMarks(t *testing.T) {
	data := read(t, "h264.ts")
	for name, change := range map[string]func(int, []byte){
		"of packets":     func(_ int, p []byte) { p[3] |= 0xc0 },
		"of some":        func(n int, p []byte) { p[3] |= byte(n/100%2) << 7 & (p[1] << 1) },
		"of PES packets": func(_ int, p []byte) { markPES(p) },
	} {
		if f := keyframeOf(t, eachVideo(data, change)); !bytes.Equal(f.Data, keyframeOf(t, data).Data) {
			t.Errorf("%s: another keyframe", name)
		}
	}
	tables := bytes.Clone(data)
	for packet := range slices.Chunk(tables, packetSize) {
		if pid := pidOf(packet); pid == 0 || pid == mapPID {
			packet[3] |= 0x80
		}
	}
	r := ts.NewReader(bytes.NewReader(tables), nil)
	if _, err := r.Keyframe(); err != nil || len(r.Tracks()) != 2 {
		t.Errorf("of tables: %v, %d tracks", err, len(r.Tracks()))
	}
}

// markPES sets PES_scrambling_control of the PES packet that begins in a packet.
func markPES(packet []byte) {
	if packet[1]&0x40 != 0 {
		packet[payloadOf(packet)+6] |= 0x20
	}
}

// TestEveryPictureOfACandidate proves that with every picture, too, a video that is
// not sent gives way, and that the pictures of the other then follow without a gap.
func TestEveryPictureOfACandidate(t *testing.T) {
	data := withTables(read(t, "5mbit.ts"), oneProgram(listed{kind: 0x1b, pid: 0x90}, listed{kind: 0x1b, pid: videoPID}))
	r := ts.NewReader(bytes.NewReader(data), &ts.Options{EveryPicture: true})
	pictures, gaps := 0, 0
	for {
		f, err := r.Keyframe()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Error(err)
			}
			break
		}
		pictures++
		if f.AfterGap {
			gaps++
		}
	}
	if all := everyPicture(t, read(t, "5mbit.ts")); pictures < len(all)*9/10 || gaps > 0 {
		t.Errorf("%d pictures of %d, %d after a gap", pictures, len(all), gaps)
	}
}

// TestSeekInCandidates proves that a recording is searched in the video that is sent.
func TestSeekInCandidates(t *testing.T) {
	plain := read(t, "h264.ts")
	data := withTables(plain, oneProgram(listed{kind: 0x1b, pid: 0x90}, listed{kind: 0x24, pid: videoPID}))
	all := keyframes(plain, nil)
	for _, at := range []time.Duration{0, 1500 * time.Millisecond, time.Minute} {
		f, err := ts.NewRecording(bytes.NewReader(data), int64(len(data)), nil).KeyframeAt(at)
		if err != nil || !bytes.Equal(f.Data, last(all, at).Data) {
			t.Errorf("at %v: another keyframe, %v", at, err)
		}
	}
}

// withoutPromises makes an open-GOP stream one of all-intra pictures without IDR
// pictures or recovery points, as older broadcast encoders send.
func withoutPromises(data []byte) []byte {
	data = testmedia.WithoutKeyframes(data)
	recovery := []byte{0, 0, 1, 6, 6}
	for at := bytes.Index(data, recovery); at >= 0; at = bytes.Index(data, recovery) {
		data[at+4] = 100 // a reserved payloadType
	}
	return data
}

// TestIntraWithoutPromise proves that the first all-intra picture is taken at the
// second one, and that one that is cut short does not displace a whole one.
func TestIntraWithoutPromise(t *testing.T) {
	data := withoutPromises(read(t, "open-gop.ts"))
	all := keyframes(data, nil)
	if len(all) < 3 || slices.ContainsFunc(all, func(f timed) bool { return f.Kind != keyframe.Intra }) {
		t.Fatalf("%d keyframes", len(all))
	}

	second := beginning(t, data, all[1].Frame)
	src := &counted{r: bytes.NewReader(data)}
	r := ts.NewReader(src, nil)
	f, err := r.Keyframe()
	if used := src.n - r.Buffered(); err != nil || !bytes.Equal(f.Data, all[0].Data) || used > second+2*packetSize {
		t.Errorf("%v after %d bytes; the second one begins at %d", err, used, second)
	}

	final := beginning(t, data, all[len(all)-1].Frame)
	for _, packets := range []int{5, 8, 12} {
		cut := data[:final+packets*packetSize]
		f, err := ts.LastKeyframe(bytes.NewReader(cut), int64(len(cut)), nil)
		if err != nil || !bytes.Equal(f.Data, all[len(all)-2].Data) {
			t.Errorf("cut %d packets after the last one begins: another one, %v", packets, err)
		}
	}
}

// TestIntraCutShort proves the same of a file of the cases.
func TestIntraCutShort(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "shared", "cases", "streams", "last-intra-cut-short.ts"))
	if err != nil {
		t.Skip("needs the cases next to the repository: ", err)
	}
	whole := testmedia.Hashes(t, data)
	f := keyframeOf(t, data)
	last, err := ts.LastKeyframe(bytes.NewReader(data), int64(len(data)), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*keyframe.Frame{f, last} {
		if got := testmedia.Hashes(t, f.Data, "-f", "h264"); len(got) != 1 || !slices.Contains(whole, got[0]) {
			t.Errorf("%v at %v: no picture of the stream", f.Kind, f.PTS)
		}
	}
}

// TestSetsOfFieldPair proves that a keyframe of two fields whose PPS changes between
// them decodes as in the whole stream. The input is an AVCHD camcorder's.
func TestSetsOfFieldPair(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "shared", "cases", "streams", "avchd-paff-pps-changes-between-fields.mts"))
	if err != nil {
		t.Skip("needs the cases next to the repository: ", err)
	}
	got := testmedia.Hashes(t, keyframeOf(t, data).Data, "-f", "h264")
	if fmt.Sprint(got) != "[91b63ff4edcd3cfddfa0f76129576eef]" {
		t.Errorf("the picture of MD5 %s", got)
	}
}

// beginning returns the offset of the packet in which a frame begins.
func beginning(t *testing.T, data []byte, f *keyframe.Frame) int {
	t.Helper()
	for at := len(data) / packetSize * packetSize; at > 0; {
		at -= packetSize
		if pidOf(data[at:]) != videoPID || data[at+1]&0x40 == 0 {
			continue
		}
		if g, err := ts.NewReader(bytes.NewReader(data[at:]), nil).Keyframe(); err == nil && g.PTS == f.PTS {
			return at
		}
	}
	t.Fatal("not found")
	return 0
}

// TestLastKeyframeReadsLittle proves that LastKeyframe finds the last keyframe wherever
// a stream ends, and reads at most a fifth more than what stands from its
// beginning on, and no byte twice.
func TestLastKeyframeReadsLittle(t *testing.T) {
	const atOnce, slack = 48 << 10, 8 * packetSize
	for _, recipe := range []string{"5mbit.ts", "h264.ts", "h265.ts", "1080p.ts", "open-gop.ts"} {
		whole := read(t, recipe)
		for _, part := range []int{100, 97, 93, 88, 80, 71, 63, 55} {
			data := whole[:len(whole)/packetSize*part/100*packetSize]
			all := keyframes(data, nil)
			want := all[len(all)-1].Frame
			after := len(data) - beginning(t, data, want)
			src := &file{data: data}
			f, err := ts.LastKeyframe(src, int64(len(data)), nil)
			if err != nil || !bytes.Equal(f.Data, want.Data) {
				t.Errorf("%s, %d %%: another keyframe, %v", recipe, part, err)
			}
			if most := max(atOnce, after*6/5, after+16<<10) + slack; src.n > most {
				t.Errorf("%s, %d %%: %d bytes read, %d stand from the keyframe on", recipe, part, src.n, after)
			}
		}
	}
}

// TestLastKeyframeErrors proves what LastKeyframe returns without a keyframe.
func TestLastKeyframeErrors(t *testing.T) {
	data := read(t, "h264.ts")
	for _, test := range []struct {
		name string
		src  *file
		want error
	}{
		{"no keyframe", &file{data: testmedia.WithoutKeyframes(data)}, keyframe.ErrNotFound},
		{"broken", &file{data: data, broken: len(data) / 2}, errBroken},
		{"not a transport stream", &file{data: bytes.Repeat([]byte(strings.Repeat("text ", 40)), 1000)}, keyframe.ErrCorrupt},
		{"empty", &file{}, keyframe.ErrCorrupt},
	} {
		if f, err := ts.LastKeyframe(test.src, int64(len(test.src.data)), nil); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, %v", test.name, f, err)
		}
	}
}
