package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// interleaved is an RTP packet within the RTSP connection.
func interleaved(t *testing.T, marker bool, payload ...byte) string {
	t.Helper()
	b, err := (&rtp.Packet{Header: rtp.Header{Version: 2, Marker: marker}, Payload: payload}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return string(append([]byte{'$', 0, byte(len(b) >> 8), byte(len(b))}, b...))
}

// TestRTSPReader: however the bytes are cut, the reader finds the answer to
// PLAY, the end of the first complete keyframe after it, and the bytes between
// them.
func TestRTSPReader(t *testing.T) {
	before := "RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Length: 5\r\n\r\nv=0\r\n" + "RTSP/1.0 200 OK\r\nCSeq: 4\r\n\r\n"
	behind := interleaved(t, true, 28, 0x45, 1) + // the end of a keyframe that began before PLAY
		interleaved(t, true, 0x41, 1) +
		interleaved(t, false, 28, 0x85, 1) + interleaved(t, false, 28, 0x05, 1) + interleaved(t, true, 28, 0x45, 1)
	rest := interleaved(t, true, 0x41, 1) + interleaved(t, true, 0x65, 1)
	for _, size := range []int{1, 7, 1000} {
		r := &rtspReader{}
		r.readRequest([]byte("PLAY rtsp://h/live RTSP/1.0\r\nRange: npt=0-\r\nCSeq: 4\r\n\r\n"))
		began := time.Now()
		for text, at := before+behind+rest, 0; at < len(text); at += size {
			r.readAnswer([]byte(text[at:min(at+size, len(text))]), began.Add(time.Duration(at)))
		}
		if r.keyDown != int64(len(behind)) || r.key.Before(r.play) || r.play.Before(began) || (size == 1 && !r.latest.After(r.key)) {
			t.Errorf("in pieces of %d: %d bytes from PLAY to the keyframe, want %d; %v", size, r.keyDown, len(behind), r.latest)
		}
	}
}

func TestRTSPReport(t *testing.T) {
	r := &RTSPResults{
		Began: time.Unix(0, 0).UTC(), LeftOut: map[string]string{"go2rtc": "curl"},
		Versions: map[string]string{"b": "tool 2", "a": "tool 1"},
		Rows: []RTSPRow{
			{Contestant: tunedName, Command: "ffmpeg", Runs: []RTSPRun{{Down: 2000, Wall: time.Second}, {Down: 9000, Wall: 2 * time.Second, Failure: "grey"}}},
			{Contestant: coldName, Command: "kfgrab", Runs: []RTSPRun{{Down: 5000, KeyDown: 1000, Wall: time.Second, CPU: time.Millisecond, After: time.Millisecond}, {Down: 5100, KeyDown: 1000}}},
			{Contestant: undecodedName, Runs: []RTSPRun{{Down: 1, CPU: 15 * time.Millisecond}, {Down: 1, CPU: 16 * time.Millisecond}}},
		},
	}
	var b strings.Builder
	if _, err := r.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| ffmpeg tuned | 2.0 kB | 9.0 kB | 1.00 s | 2.00 s | 0 ms | 1 of 2 |",
		"at most 4 kB: 1 of 2 runs (3950 bytes, 4050 bytes",
		"at most 120 ms: 2 of 2",
		"at most 15 ms: 1 of 2 runs (15ms, 16ms",
		" With tool 1, tool 2.",
		"Left out: go2rtc (curl is not installed).",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestShrink(t *testing.T) {
	l := luma{width: 8, height: 4, pix: make([]byte, 32)}
	for i := range l.pix {
		if i%8 >= 4 {
			l.pix[i] = 200
		}
	}
	got := shrinkLuma(l)
	if got.width != 2 || got.height != 1 || string(got.pix) != "\x00\xc8" {
		t.Errorf("%+v", got)
	}
	if best := bestPSNR([]luma{{width: 2, height: 1, pix: []byte{9, 9}}, got}, got); best != 99 {
		t.Errorf("%v dB", best)
	}
}
