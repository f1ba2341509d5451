package rtsp

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// watch runs ffmpeg as another viewer, so that the encoder does not restart for
// each grab.
func watch(t *testing.T, srv *testserver.RTSP) {
	t.Helper()
	cmd := exec.Command("ffmpeg", "-nostdin", "-v", "quiet", "-rtsp_transport", "tcp",
		"-i", srv.URL("/live").String(), "-c", "copy", "-f", "null", "-")
	if err := cmd.Start(); err != nil {
		t.Skipf("no other viewer: %v", err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait() //nolint:errcheck // it was killed
	})
	srv.Await(t, "request PLAY")
}

// TestKeyframeRequest proves that GStreamer's encoder makes a keyframe on
// request, with and without RTP/AVPF in the SDP. Its GOP has ten seconds and
// some 2000 packets.
func TestKeyframeRequest(t *testing.T) {
	for _, codec := range []string{"h264", "h265"} {
		for _, feedback := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, AVPF %v", codec, feedback), func(t *testing.T) {
				srv := testserver.GStreamer{Codec: codec, Feedback: feedback}.Start(t)
				watch(t, srv)
				for _, transport := range []Transport{TCP, UDP} {
					for _, g := range grabs(t, srv.URL("/live"), &Options{Transport: transport}, 2, whole(t)) {
						if g.Packets > 500 {
							t.Errorf("%v: %+v: the request was not heard", transport, g)
						}
					}
				}
			})
		}
	}
}

// whole checks that a decoder finds nothing missing.
func whole(t *testing.T) func(*keyframe.Frame) {
	return func(f *keyframe.Frame) {
		if err := new(decode.Decoder).Decode(t.Context(), io.Discard, f, decode.Output{}); err != nil {
			t.Error(err)
		}
	}
}

// TestKeyframeRequestSent proves that the request is one compound packet with
// both kinds of request, and that NoKeyframeRequest prevents it.
func TestKeyframeRequestSent(t *testing.T) {
	_, packets := pictures(t, 20, 30)
	for _, c := range []struct {
		name string
		o    *Options
		want int
	}{
		{"sent", nil, 1},
		{"not wanted", &Options{NoKeyframeRequest: true}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := &script{sdp: h264SDP, play: func(p *peer) {
				p.send(packets[:1])
				if c.want > 0 {
					p.script.report(p.in)
				}
				p.send(packets[1:])
			}}
			got := grabs(t, srv.run(t), c.o, 1, func(*keyframe.Frame) {})
			if got[0].Requested != c.want || len(srv.reports) != c.want {
				t.Fatalf("%+v, %d reports", got[0], len(srv.reports))
			}
			if c.want == 0 {
				return
			}
			list, err := rtcp.Unmarshal(srv.reports[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := rtcp.CompoundPacket(list).Validate(); err != nil || len(list) != 4 {
				t.Errorf("%v: %v", list, err)
			}
			pli, ok := list[2].(*rtcp.PictureLossIndication)
			if !ok || pli.MediaSSRC != packets[0].SSRC {
				t.Errorf("%v", list[2])
			}
			fir, ok := list[3].(*rtcp.FullIntraRequest)
			if !ok || fir.FIR[0] != (rtcp.FIREntry{SSRC: packets[0].SSRC, SequenceNumber: 1}) {
				t.Errorf("%v", list[3])
			}
		})
	}
}

// TestKeyframeTimeout proves that the error after KeyframeTimeout estimates the
// interval of keyframes.
func TestKeyframeTimeout(t *testing.T) {
	_, none := pictures(t, 1, 20)
	_, all := pictures(t, 0, 60)
	var holes []*rtp.Packet
	for i, p := range all {
		if i < 2 || all[i-2].Timestamp == p.Timestamp { // drops the first two packets of each picture
			holes = append(holes, p)
		}
	}
	for _, c := range []struct {
		name    string
		packets []*rtp.Packet
		is      error
		text    string
	}{
		{"no keyframe", none, keyframe.ErrNotFound, "19 pictures, none that a decoder can start from (within 300ms: the GOP seems to be longer than 700ms)"},
		{"damaged ones", holes, keyframe.ErrNotFound, "2 damaged ones, one about every 1s, for "},
		{"nothing", nil, os.ErrDeadlineExceeded, "the server sent nothing within 300ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv := &script{sdp: h264SDP, play: func(p *peer) { p.send(c.packets) }}
			_, err := grab(t, srv.run(t), &Options{KeyframeTimeout: 300 * time.Millisecond, NoKeyframeRequest: true})
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, want %q", err, c.text)
			}
		})
	}
}

func TestRequestsDue(t *testing.T) {
	type event struct {
		after   time.Duration
		opening firstSlice
		damaged int
		want    bool
	}
	for name, events := range map[string][]event{
		"a server that begins with a keyframe": {{0, keyframeBegins, 0, false}, {500, otherSlice, 0, false}},
		"one that does not":                    {{0, noSlice, 0, false}, {1, otherSlice, 0, true}, {2, otherSlice, 0, false}, {5000, otherSlice, 0, false}},
		"a keyframe that never ends":           {{0, keyframeBegins, 0, false}, {999, otherSlice, 0, false}, {1000, otherSlice, 0, true}, {3000, noSlice, 0, false}},
		"no slice":                             {{0, noSlice, 0, false}, {1000, noSlice, 0, true}},
		"damaged ones":                         {{0, otherSlice, 0, true}, {100, otherSlice, 1, false}, {1000, otherSlice, 1, true}, {1100, otherSlice, 1, false}, {5000, noSlice, 2, true}},
	} {
		var q requests
		began := time.Now()
		for i, e := range events {
			if got := q.isDue(began.Add(e.after*time.Millisecond), e.opening, e.damaged); got != e.want {
				t.Errorf("%s, packet %d: %v", name, i, got)
			}
		}
	}
}

// TestRequestsDueAgain proves that after a keyframe the next one is requested
// if it does not come by itself.
func TestRequestsDueAgain(t *testing.T) {
	began := time.Now()
	at := func(ms time.Duration) time.Time { return began.Add(ms * time.Millisecond) }
	var q requests
	if !q.isDue(at(0), otherSlice, 0) {
		t.Error("the first one was not asked for")
	}
	q.noteAnswer(at(100))
	for _, e := range []struct {
		after time.Duration
		want  bool
	}{{200, false}, {1099, false}, {1100, true}, {1200, false}, {9000, false}} {
		if got := q.isDue(at(e.after), otherSlice, 0); got != e.want {
			t.Errorf("after %d ms: %v", e.after, got)
		}
	}
	q.noteAnswer(at(9000))
	if q.isDue(at(9999), otherSlice, 0) || !q.isDue(at(10000), otherSlice, 0) {
		t.Error("the third one was asked for at another time")
	}
}

func TestOpening(t *testing.T) {
	for _, c := range []struct {
		codec   keyframe.Codec
		donl    bool
		payload []byte
		want    firstSlice
	}{
		{keyframe.H264, false, nil, noSlice},
		{keyframe.H264, false, []byte{0x65, 0x88}, keyframeBegins},
		{keyframe.H264, false, []byte{0x41, 0x9a}, otherSlice},
		{keyframe.H264, false, []byte{0x67, 0x42}, noSlice},
		{keyframe.H264, false, []byte{0x09, 0x10}, noSlice},
		{keyframe.H264, false, []byte{fuA, 0x85, 1}, keyframeBegins},
		{keyframe.H264, false, []byte{fuA, 0x05, 1}, otherSlice}, // its beginning is missing
		{keyframe.H264, false, []byte{stapA, 0, 2, 0x67, 1, 0, 2, 0x68, 1}, noSlice},
		{keyframe.H264, false, []byte{stapA, 0, 2, 0x67, 1, 0, 2, 0x65, 1}, keyframeBegins},
		{keyframe.H264, false, []byte{stapA, 0, 9, 0x67, 1}, noSlice},
		{keyframe.H265, false, []byte{19 << 1, 1, 0xac}, keyframeBegins},
		{keyframe.H265, false, []byte{21 << 1, 1, 0xac}, keyframeBegins},
		{keyframe.H265, false, []byte{1 << 1, 1, 0xd0}, otherSlice},
		{keyframe.H265, false, []byte{32 << 1, 1, 0xd0}, noSlice},
		{keyframe.H265, false, []byte{fragmentation << 1, 1, 0x80 | 19}, keyframeBegins},
		{keyframe.H265, true, []byte{fragmentation << 1, 1, 19, 0, 0}, otherSlice},
		{keyframe.H265, true, []byte{aggregation << 1, 1, 0, 0, 0, 3, 32 << 1, 1, 9, 0, 0, 3, 20 << 1, 1, 9}, keyframeBegins},
	} {
		d := &depacketizer{codec: c.codec, donl: c.donl}
		if got := d.classifyPayload(c.payload); got != c.want {
			t.Errorf("%v %x: %d, want %d", c.codec, c.payload, got, c.want)
		}
	}
}
