package rtsp

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"

	"github.com/kfgrab/kfgrab/internal/proxyurl"
	"github.com/kfgrab/kfgrab/keyframe"
)

// defaultMaxBytes is the budget of one grab: four seconds of the 32 Mbit/s that
// the fastest 4K cameras send, more of anything else.
const defaultMaxBytes = 16 << 20

// DefaultKeyframeTimeout is how long Keyframe waits by default. Cameras come with
// GOPs of one to four seconds; their menus end at ten.
const DefaultKeyframeTimeout = 12 * time.Second

// Options are for New. The zero value works.
type Options struct {
	UserAgent   string         // "kfgrab" if empty
	Transport   Transport      // of the media
	InsecureTLS bool           // accept any certificate
	RootCAs     *x509.CertPool // nil: those of the system

	// TLSFingerprint is the SHA-256 of the only certificate to accept. It replaces
	// every other check of the certificate; empty: none.
	TLSFingerprint []byte

	// MaxBytes bounds the RTP packets of one grab; 0: 16 MiB.
	MaxBytes int64

	// KeyframeTimeout bounds the wait for a keyframe, counted from the answer to
	// PLAY; 0: DefaultKeyframeTimeout.
	KeyframeTimeout time.Duration

	// NoKeyframeRequest leaves it to the server when a keyframe comes. Otherwise
	// the server is asked for one (RTCP PLI and FIR) unless it begins with one. An
	// encoder that complies makes it for all its viewers. With a GOP of ten seconds
	// GStreamer's server took 0.1 s and 33 kB instead of up to 10 s and 2.4 MB;
	// MediaMTX does not forward requests.
	NoKeyframeRequest bool

	// KeepSession leaves the session open after a grab, paused, for the next one.
	// Close ends it. If the server has ended it meanwhile, the next grab begins
	// another. A GStreamer server pauses its source with its only viewer, and some
	// sources do not wake up for another viewer until this session ends.
	KeepSession bool

	// Proxy is an http, https, socks5 or socks5h proxy for every connection; nil: none.
	// Datagrams do not pass it: with a proxy, Auto is TCP, and UDP and Multicast are
	// refused.
	Proxy *url.URL

	// DialContext makes every connection; nil: that of net.Dialer. Datagrams do not
	// use it.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	// Logger receives decisions at level debug; nil: none.
	Logger *slog.Logger

	// OnCodec is called during Keyframe as soon as the codec is known, so that a
	// decoder can be started while the stream is awaited.
	OnCodec func(keyframe.Codec)
}

// withDefaults returns a copy of o, which may be nil, with defaults in place of
// zero values.
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
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// checkProxy returns an error if the media cannot pass the proxy. With a proxy, Auto
// becomes TCP.
func (o *Options) checkProxy() error {
	switch {
	case o.Proxy == nil:
		return nil
	case o.Transport == Auto:
		o.Transport = TCP
	case o.Transport != TCP:
		return fmt.Errorf("datagrams do not pass a proxy: RTSP transport %v needs a direct connection", o.Transport)
	}
	return proxyurl.Check(o.Proxy)
}

// Transport is how RTP packets travel.
type Transport uint8

// The transports.
const (
	Auto      Transport = iota // TCP, or UDP if the server refuses that
	TCP                        // in the RTSP connection (RFC 2326 10.12), tunnelled or not
	UDP                        // in datagrams to this host
	Multicast                  // in datagrams to a group
)

var transportNames = [...]string{Auto: "auto", TCP: "tcp", UDP: "udp", Multicast: "multicast"}

// String returns the name that ParseTransport reads, or Transport(9) for an
// unknown value.
func (t Transport) String() string {
	if int(t) < len(transportNames) {
		return transportNames[t]
	}
	return fmt.Sprintf("Transport(%d)", uint8(t))
}

// ParseTransport reads auto, tcp, udp or multicast.
func ParseTransport(name string) (Transport, error) {
	for t, n := range transportNames {
		if n == name {
			return Transport(t), nil
		}
	}
	return Auto, fmt.Errorf("unknown RTSP transport %q: want auto, tcp, udp or multicast", name)
}

// MarshalText returns what String does. It implements encoding.TextMarshaler.
func (t Transport) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what ParseTransport does. It implements encoding.TextUnmarshaler.
func (t *Transport) UnmarshalText(text []byte) (err error) {
	*t, err = ParseTransport(string(text))
	return err
}

// Stats describes a grab.
type Stats struct {
	// Transport that was used: TCP, UDP or Multicast.
	Transport Transport
	// RoundTrips are the waits for the server: one for each TCP connection, TLS
	// handshake and request whose answer was waited for.
	RoundTrips int
	// Reused is what the grab took over from an earlier one of the same Source:
	// "session"; "description", the answers to OPTIONS and DESCRIBE and how to
	// authenticate; or "".
	Reused string
	// Wait is the time from the answer to PLAY to the end of the keyframe.
	Wait time.Duration

	Packets   int   // RTP packets received
	Bytes     int64 // of those
	Lost      int   // RTP packets that are missing by their sequence numbers
	Damaged   int   // keyframes dropped for a hole in them
	Requested int   // how often the server was asked for a keyframe
}

// Values of Stats.Reused.
const (
	reusedNothing     = ""
	reusedDescription = "description"
	reusedSession     = "session"
)
