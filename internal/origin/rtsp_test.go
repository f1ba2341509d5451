package origin

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/keyframe"
)

func TestParseUnits(t *testing.T) {
	for _, c := range []struct {
		name  string
		codec keyframe.Codec
		nalus [][]byte
		want  stream
	}{
		{
			"H.264", keyframe.H264,
			[][]byte{{9, 0x10}, {0x67, 1}, {0x68, 2}, {0x65, 3}, {9, 0x30}, {0x41, 4}, {0x41, 5}},
			stream{
				units: [][][]byte{{{0x67, 1}, {0x68, 2}, {0x65, 3}}, {{0x41, 4}, {0x41, 5}}},
				sps:   []byte{0x67, 1}, pps: []byte{0x68, 2},
			},
		},
		{
			"H.265", keyframe.H265,
			[][]byte{{70, 1, 0x10}, {64, 1, 1}, {66, 1, 2}, {68, 1, 3}, {38, 1, 4}, {70, 1, 0x30}, {2, 1, 5}},
			stream{
				units: [][][]byte{{{64, 1, 1}, {66, 1, 2}, {68, 1, 3}, {38, 1, 4}}, {{2, 1, 5}}},
				vps:   []byte{64, 1, 1}, sps: []byte{66, 1, 2}, pps: []byte{68, 1, 3},
			},
		},
		{"before the first delimiter", keyframe.H264, [][]byte{{0x41, 4}, {9, 0x30}, {0x41, 5}}, stream{units: [][][]byte{{{0x41, 5}}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b []byte
			for _, n := range c.nalus {
				b = keyframe.AppendNALU(b, n)
			}
			if d := cmp.Diff(c.want, parseUnits(c.codec, b), cmp.AllowUnexported(stream{})); d != "" {
				t.Error(d)
			}
		})
	}
}

// onePacket is a packer that puts the first NAL unit into one packet.
type onePacket struct{}

func (onePacket) Encode(au [][]byte) ([]*rtp.Packet, error) {
	return []*rtp.Packet{{Payload: au[0]}}, nil
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := t.Context(), make(chan struct{})
		begun := time.Now()
		var at []time.Duration
		var stamps []uint32
		var payload []byte
		units := [][][]byte{{{0}}, {{1}}, {{2}}}
		go sendPaced(ctx, units, onePacket{}, func(p *rtp.Packet) error {
			at = append(at, time.Since(begun))
			stamps = append(stamps, p.Timestamp)
			payload = append(payload, p.Payload...)
			if len(at) == 5 {
				close(stop)
			}
			return nil
		})
		<-stop
		const f = 40 * time.Millisecond
		if want := []time.Duration{0, f, 2 * f, 3 * f, 4 * f}; !slices.Equal(at, want) {
			t.Errorf("sent at %v, want %v", at, want)
		}
		if want := []uint32{0, 3600, 7200, 10800, 14400}; !slices.Equal(stamps, want) {
			t.Errorf("time stamps %v, want %v", stamps, want)
		}
		if want := []byte{0, 1, 2, 0, 1}; !slices.Equal(payload, want) {
			t.Errorf("units %v, want %v", payload, want)
		}
	})
}

// play views a stream and passes each packet to got until the test ends.
func play(t *testing.T, url string, f format.Format, got func(*rtp.Packet)) *gortsplib.Client {
	t.Helper()
	u, err := base.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	tcp := gortsplib.ProtocolTCP
	c := &gortsplib.Client{Scheme: u.Scheme, Host: u.Host, Protocol: &tcp}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	desc, _, err := c.Describe(u)
	if err != nil {
		t.Fatal(err)
	}
	var media *description.Media
	switch f := f.(type) {
	case *format.H264:
		media = desc.FindFormat(&f)
	case *format.H265:
		media = desc.FindFormat(&f)
	}
	if media == nil {
		t.Fatalf("no such format in %v", desc)
	}
	if _, err := c.Setup(desc.BaseURL, media, 0, 0); err != nil {
		t.Fatal(err)
	}
	c.OnPacketRTPAny(func(_ *description.Media, _ format.Format, p *rtp.Packet) { got(p) })
	if _, err := c.Play(nil); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestViewerBeginsNow: a viewer gets only what is sent after it connected: no
// GOP is cached for it.
func TestViewerBeginsNow(t *testing.T) {
	o := startSmall(t)
	early, late := make(chan uint32, 1), make(chan uint32, 1)
	latest := func(c chan uint32) func(*rtp.Packet) {
		return func(p *rtp.Packet) {
			select {
			case c <- p.Timestamp:
			default:
			}
		}
	}
	play(t, o.RTSP(keyframe.H264), new(format.H264), latest(early))
	<-early
	seen := <-early
	play(t, o.RTSP(keyframe.H264), new(format.H264), latest(late))
	if first := <-late; first < seen {
		t.Errorf("the second viewer began at %d, before %d", first, seen)
	}
}

func TestUnknownStream(t *testing.T) {
	o := startSmall(t)
	u, err := base.ParseURL(o.RTSP(keyframe.H264) + "/nothing")
	if err != nil {
		t.Fatal(err)
	}
	c := &gortsplib.Client{Scheme: u.Scheme, Host: u.Host}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, resp, err := c.Describe(u); err == nil || resp == nil || resp.StatusCode != base.StatusNotFound {
		t.Errorf("DESCRIBE of an unknown stream: %v, %v", resp, err)
	}
}
