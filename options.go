package kfgrab

import (
	"context"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
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
	TransportTCP       = rtsp.TCP
	TransportUDP       = rtsp.UDP
	TransportMulticast = rtsp.Multicast
	TransportAuto      = rtsp.Auto
)

// RTSPOptions are the settings of RTSP alone, as rtsp.Options has them.
type RTSPOptions struct {
	Transport         RTSPTransport
	KeyframeTimeout   time.Duration // rtsp.DefaultKeyframeTimeout where 0
	NoKeyframeRequest bool          // wait for the keyframe that the server sends anyway
	KeepSession       bool          // between the grabs of a Stream
}

// Options are the settings of a Stream. The zero value takes the newest keyframe
// of a live stream, the first of another, at the best quality there is.
type Options struct {
	// At asks, of a recording, for the last keyframe at or before this time from
	// its start. Live streams pass it over.
	At time.Duration

	// Edge is which keyframe of a live HLS stream is wanted: EdgeFirst, the zero
	// value, costs least, EdgeLast is the freshest there is, EdgeNext waits for one
	// that is taken from now on. Others give what they have next.
	Edge Edge

	// IfNewer has a grab of an HLS stream fail with an error that wraps
	// keyframe.ErrNotModified, for the price of the playlist, where the newest
	// keyframe is the one that the Stream delivered last. Other streams pass it over,
	// and grab again.
	IfNewer bool

	// Width and Height are the size of the picture that is wanted; 0 is any. Where
	// there are several renditions, the cheapest that serves the size is taken.
	// Frames are not scaled: that is for decode.Output, whose Needed is what goes here.
	Width, Height int

	// MaxBandwidth bounds the HLS renditions to choose from, in bit/s; 0 is none.
	// Where all have more, the cheapest is taken.
	MaxBandwidth int

	// Rendition names the HLS rendition to take, in place of Width and Height. The
	// zero value names none.
	Rendition Selector

	// Codec is the only one that is taken: others are passed over where there is a
	// choice, and else an error that wraps keyframe.ErrNotFound. UnknownCodec is
	// any.
	Codec keyframe.Codec

	// AllowTiles allows a ready-made tile of an HLS stream (EXT-X-IMAGE-STREAM-INF) in
	// place of a keyframe, where Width or Height asks for a size that one serves: see
	// hlssource.Options. Such a frame has the kind keyframe.Tile and the codec keyframe.JPEG,
	// and cannot be muxed.
	AllowTiles bool

	// Program is the program of a transport stream; 0 is the first with video.
	Program int

	// MaxBytes bounds what is fetched for one grab; 0 stands for 16 MiB. Local
	// files are not bounded.
	MaxBytes int64

	// Header goes with every HTTP request to the stream's own origin.
	Header http.Header
	// HeadersEverywhere sends Header to every other origin, too, that playlists and
	// redirects lead to. User and password of the URL stay with its own.
	HeadersEverywhere bool
	// UserAgent goes with every request; "" stands for "kfgrab".
	UserAgent string

	InsecureTLS bool           // take any certificate
	RootCAs     *x509.CertPool // instead of the system's; may be nil
	// TLSFingerprint is the SHA-256 of the one certificate that a server may have,
	// 32 bytes, in place of every other check of it; empty: none.
	TLSFingerprint []byte

	// DialContext makes every connection of HTTP and RTSP: to the stream's server, and
	// to all others that redirects and playlists lead to. nil: that of net.Dialer. Where
	// it is set, HTTP passes the proxies of the environment over. Datagrams, which are
	// for udp URLs and TransportUDP, Multicast and Auto alone, do not come by it.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	// RTSP is how RTSP streams are played.
	RTSP RTSPOptions

	// Stdin is what the URL "-" stands for. For the end of a context to end a read
	// that waits, it has to have the method SetReadDeadline.
	Stdin io.Reader

	// OnCodec, where set, is called when the codec is known, while the keyframe is
	// still on its way: the moment to start a decoder. It is not called for tiles.
	OnCodec func(keyframe.Codec)

	// Logger takes debug lines of what was decided and why; may be nil.
	Logger *slog.Logger
}
