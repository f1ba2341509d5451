package kfgrab

import (
	"context"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/rtsp"
)

// Edge is which keyframe of a live HLS stream is wanted.
type Edge = hls.Edge

// The edges: see hls.Edge.
const (
	EdgeFirst = hls.EdgeFirst
	EdgeLast  = hls.EdgeLast
	EdgeNext  = hls.EdgeNext
)

// Selector names a rendition of an HLS stream; hls.ParseRendition makes one.
type Selector = hls.Selector

// RTSPTransport is how the media of an RTSP stream travel.
type RTSPTransport = rtsp.Transport

// The transports: see rtsp.Transport.
const (
	TransportAuto      = rtsp.Auto
	TransportTCP       = rtsp.TCP
	TransportUDP       = rtsp.UDP
	TransportMulticast = rtsp.Multicast
)

// RTSPOptions are the settings for RTSP; see rtsp.Options.
type RTSPOptions struct {
	Transport         RTSPTransport
	KeyframeTimeout   time.Duration // 0 stands for rtsp.DefaultKeyframeTimeout
	NoKeyframeRequest bool          // wait for the keyframe that the server sends anyway
	KeepSession       bool          // between the grabs of a Stream
}

// Options are the settings of a Stream. With the zero value, kfgrab takes the
// newest keyframe of a live stream and the first of a recording, at the best
// quality.
//
// An option that the stream cannot honour is refused with an error that wraps
// ErrUsage: by Open if the URL shows it, else by the first grab as soon as the format
// is known. For leaves such options out.
type Options struct {
	// At asks for the last keyframe at or before this time from the start of a
	// recording, or of the past that a live HLS playlist lists. A negative time counts
	// back from the end or the live edge. 0 asks for none: less than a millisecond
	// stands for the start. Times beyond the end are refused, except within a second of
	// it.
	At time.Duration

	// AtClock asks for the last keyframe at or before a time of day, of an HLS playlist
	// with EXT-X-PROGRAM-DATE-TIME. If both are set, AtClock decides in a live playlist
	// with such times, and At elsewhere.
	AtClock time.Time

	// Edge is which keyframe of a live HLS stream is wanted: EdgeFirst, the zero
	// value, costs least, EdgeLast is the newest, and EdgeNext waits for one that is
	// taken from now on. An HLS recording has a last keyframe, and none that is next.
	Edge Edge

	// IfNewer makes a grab of an HLS stream fail with an error that wraps
	// keyframe.ErrNotModified, for the price of the playlist, if the newest
	// keyframe is the one that the Stream delivered last. Other streams ignore it.
	IfNewer bool

	// Width and Height are the size of the picture that is wanted; 0 is any. If
	// there are several renditions, kfgrab takes the cheapest that serves the size.
	// It does not scale frames: decode.Output does, and its Needed returns the
	// values for these fields.
	Width, Height int

	// MaxBandwidth bounds the HLS renditions to choose from, in bit/s; 0 is no
	// bound. If all have more, the cheapest is taken.
	MaxBandwidth int

	// Rendition names the HLS rendition to take, instead of Width and Height. The
	// zero value names none.
	Rendition Selector

	// Codec is the only codec that is taken. Others are skipped if there is a
	// choice, and else the error wraps keyframe.ErrNotFound. UnknownCodec is any.
	Codec keyframe.Codec

	// AllowTiles allows a ready-made tile of an HLS stream (EXT-X-IMAGE-STREAM-INF)
	// instead of a keyframe, if Width or Height asks for a size that a tile serves
	// and neither Rendition, Codec nor EdgeNext asks for a keyframe. Such a frame
	// has the kind keyframe.Tile and the codec keyframe.JPEG, and cannot be muxed.
	AllowTiles bool

	// Program is the program of a transport stream; 0 is the first with video.
	Program int

	// MaxBytes bounds what is fetched for one grab; 0 stands for 16 MiB. Local
	// files are not bounded.
	MaxBytes int64

	// Header goes with every HTTP request to the stream's own origin.
	Header http.Header
	// HeadersEverywhere sends Header to every other origin, too, that playlists and
	// redirects lead to. User and password of the URL are sent only to its own origin.
	HeadersEverywhere bool
	// UserAgent goes with every request; "" stands for "kfgrab".
	UserAgent string

	InsecureTLS bool           // take any certificate
	RootCAs     *x509.CertPool // instead of the system's; may be nil
	// TLSFingerprint is the SHA-256 of the one certificate that a server may have,
	// 32 bytes. It replaces every other check of the certificate; empty: none.
	TLSFingerprint []byte

	// Proxy is the http, https, socks5 or socks5h proxy for every connection of HTTP and
	// RTSP; user and password may be in it. Datagrams do not pass it: udp URLs,
	// TransportUDP and TransportMulticast are refused, and TransportAuto is TCP. nil: for
	// HTTP those of the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY), for
	// RTSP none.
	Proxy *url.URL

	// DialContext makes every connection of HTTP and RTSP: to the stream's server,
	// and to all others that redirects and playlists lead to. nil: that of
	// net.Dialer. If it is set, HTTP ignores the proxies of the environment.
	// Datagrams, which only udp URLs and TransportUDP, Multicast and Auto use, do
	// not pass through it.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	// RTSP is how RTSP streams are played. Other streams refuse each of its fields.
	RTSP RTSPOptions

	// Stdin is what the URL "-" stands for. A context can interrupt a read that
	// waits only if Stdin has the method SetReadDeadline.
	Stdin io.Reader

	// OnCodec, if set, is called when the codec is known, while the keyframe is
	// still being fetched: the moment to start a decoder. It is not called for
	// tiles.
	OnCodec func(keyframe.Codec)

	// Logger takes debug lines of what was decided and why; may be nil.
	Logger *slog.Logger
}
