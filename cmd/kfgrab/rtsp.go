package main

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/rtsp"
)

// rtspFlags say how an RTSP stream is played.
type rtspFlags struct {
	transport rtspTransport
	timeout   time.Duration
	noRequest bool
}

func (f *rtspFlags) register(flags *pflag.FlagSet) {
	flags.Var(&f.transport, "rtsp-transport", "`name` of how RTSP media travel: tcp, udp, multicast, or auto for tcp and where the server refuses that udp")
	flags.DurationVar(&f.timeout, "keyframe-timeout", rtsp.DefaultKeyframeTimeout, "`time` that an RTSP server has for a keyframe from PLAY on")
	flags.BoolVar(&f.noRequest, "no-keyframe-request", false, "do not ask an RTSP server to make a keyframe at once")
}

func (f *rtspFlags) apply(o *kfgrab.Options) error {
	if f.timeout <= 0 {
		return usageError(fmt.Errorf("--keyframe-timeout %v is no time at all", f.timeout))
	}
	o.RTSP = kfgrab.RTSPOptions{
		Transport: rtsp.Transport(f.transport), KeyframeTimeout: f.timeout, NoKeyframeRequest: f.noRequest,
	}
	return nil
}

// rtspTransport is a flag's transport.
type rtspTransport rtsp.Transport

func (t *rtspTransport) Type() string { return "transport" }

func (t *rtspTransport) String() string { return rtsp.Transport(*t).String() }

func (t *rtspTransport) Set(text string) error {
	v, err := rtsp.ParseTransport(text)
	*t = rtspTransport(v)
	return err
}

// rtspReport is the part of a report that RTSP streams have.
type rtspReport struct {
	Transport  string  `json:"transport"`
	RoundTrips int     `json:"round_trips"`
	Reused     string  `json:"reused,omitempty"`
	Wait       float64 `json:"wait"` // from the answer to PLAY to the end of the keyframe
	Packets    int     `json:"packets"`
	Bytes      int64   `json:"packet_bytes"`
	Lost       int     `json:"packets_lost"`
	Damaged    int     `json:"keyframes_damaged"`
	Requested  int     `json:"keyframes_requested"`
}

// newRTSPReport returns nil for other streams.
func newRTSPReport(s *rtsp.Stats) *rtspReport {
	if s == nil {
		return nil
	}
	return &rtspReport{
		Transport: s.Transport.String(), RoundTrips: s.RoundTrips, Reused: s.Reused, Wait: seconds(s.Wait),
		Packets: s.Packets, Bytes: s.Bytes, Lost: s.Lost, Damaged: s.Damaged, Requested: s.Requested,
	}
}
