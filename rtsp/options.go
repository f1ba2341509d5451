package rtsp

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/keyframe"
)

// defaultMaxBytes is the budget of one grab: four seconds of the 32 Mbit/s that
// the fastest 4K cameras send, more of anything else.
const defaultMaxBytes = 16 << 20

// DefaultKeyframeTimeout is how long a keyframe is waited for. Cameras come with
// GOPs of one to four seconds; their menus end at ten.
const DefaultKeyframeTimeout = 12 * time.Second

// Options are for New. The zero value works.
type Options struct {
	UserAgent   string    // "kfgrab" where empty
	Transport   Transport // of the media
	InsecureTLS bool      // take any certificate
	RootCAs     *x509.CertPool
	// TLSFingerprint is the SHA-256 of the one certificate that the server may
	// have, in place of every other check of it; empty: none.
	TLSFingerprint []byte

	MaxBytes int64 // of RTP packets in one grab; 16 MiB where 0

	// KeyframeTimeout bounds the wait for a keyframe, from the answer to PLAY;
	// DefaultKeyframeTimeout where 0.
	KeyframeTimeout time.Duration
	// NoKeyframeRequest leaves it to the server when a keyframe comes. Otherwise it
	// is asked for one (RTCP PLI and FIR) unless it begins with one, and an encoder
	// that listens makes it for all that watch. With a GOP of ten seconds GStreamer's
	// server took 0.1 s and 33 kB in place of up to 10 s and 2.4 MB; MediaMTX does not
	// pass requests on.
	NoKeyframeRequest bool
	// KeepSession leaves the session open behind a grab, paused, for the next one.
	// Close ends it. Where the server has ended it meanwhile, the next grab begins
	// another. A GStreamer server pauses its source with its only viewer, and some
	// sources do not wake up for another one until this session ends.
	KeepSession bool

	// DialContext makes every connection; nil: that of net.Dialer. Datagrams do not
	// come by it.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	Meter  *meter.Counter // counts the sockets' bytes and the requests
	Logger *slog.Logger   // what was decided, at level debug

	// OnCodec is called during Keyframe once DESCRIBE has told the codec, so
	// that a decoder can be started while the stream is waited for.
	OnCodec func(keyframe.Codec)
}

// withDefaults returns a copy of o, which may be nil, with no field left that has
// to be asked for its zero value.
func (o *Options) withDefaults() Options {
	c := Options{}
	if o != nil {
		c = *o
	}
	if c.UserAgent == "" {
		c.UserAgent = "kfgrab"
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = defaultMaxBytes
	}
	if c.KeyframeTimeout <= 0 {
		c.KeyframeTimeout = DefaultKeyframeTimeout
	}
	if c.DialContext == nil {
		c.DialContext = new(net.Dialer).DialContext
	}
	if c.Meter == nil {
		c.Meter = new(meter.Counter)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Transport is how RTP packets travel.
type Transport uint8

// The transports.
const (
	TCP       Transport = iota // in the RTSP connection (RFC 2326 10.12), tunnelled or not
	UDP                        // in datagrams to this host
	Multicast                  // in datagrams to a group
	Auto                       // TCP, or UDP where the server refuses that (status 461)
)

var transportNames = [...]string{TCP: "tcp", UDP: "udp", Multicast: "multicast", Auto: "auto"}

// String gives the name that ParseTransport reads.
func (t Transport) String() string {
	if int(t) >= len(transportNames) {
		return fmt.Sprintf("Transport(%d)", uint8(t))
	}
	return transportNames[t]
}

// ParseTransport reads tcp, udp, multicast or auto.
func ParseTransport(name string) (Transport, error) {
	for t, n := range transportNames {
		if n == name {
			return Transport(t), nil
		}
	}
	return TCP, fmt.Errorf("unknown RTSP transport %q: want tcp, udp, multicast or auto", name)
}

// MarshalText returns what String does. It implements encoding.TextMarshaler.
func (t Transport) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what ParseTransport does. It implements encoding.TextUnmarshaler.
func (t *Transport) UnmarshalText(text []byte) (err error) {
	*t, err = ParseTransport(string(text))
	return err
}

// Stats tells how a grab went.
type Stats struct {
	// Transport that was used: TCP, UDP or Multicast.
	Transport Transport
	// RoundTrips are the waits for the server: one for each TCP connection, TLS
	// handshake and request whose answer was waited for.
	RoundTrips int
	// Reused says what was known from the grab before.
	Reused Reuse
	// Wait is the time from the answer to PLAY to the end of the keyframe.
	Wait time.Duration

	Packets int   // RTP packets that came
	Bytes   int64 // of those
	Lost    int   // RTP packets that did not come, by their numbers
	// Damaged counts the keyframes that were thrown away for a hole in them.
	Damaged int
	// Requested counts how often a keyframe was asked for.
	Requested int
}

// Reuse is what a grab took over from an earlier one of the same Source.
type Reuse uint8

// What can be reused.
const (
	ReusedNothing     Reuse = iota
	ReusedDescription       // the answers to OPTIONS and DESCRIBE, and how to authenticate
	ReusedSession           // the session
)

// String gives "", "description" or "session".
func (r Reuse) String() string {
	switch r {
	case ReusedNothing:
		return ""
	case ReusedDescription:
		return "description"
	case ReusedSession:
		return "session"
	}
	return fmt.Sprintf("Reuse(%d)", uint8(r))
}
