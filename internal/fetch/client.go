package fetch

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"

	"github.com/kfgrab/kfgrab/internal/meter"
)

const (
	// DefaultMaxBytes bounds a job if Options.MaxBytes is 0.
	DefaultMaxBytes = 16 << 20
	// DefaultUserAgent names the program without a version.
	DefaultUserAgent = "kfgrab"
)

// Options are the settings of a Client. The zero value works.
type Options struct {
	// Header goes with every request to the origin (scheme, host and port) of
	// the stream's URL, and to no other.
	Header http.Header
	// HeadersEverywhere sends Header to every origin that playlists and redirects
	// lead to, except Host. The credentials in the stream's URL still go to its own
	// origin only.
	HeadersEverywhere bool
	// UserAgent goes with every request; "" means DefaultUserAgent.
	UserAgent string

	InsecureTLS bool           // accept any certificate
	RootCAs     *x509.CertPool // nil: the system's
	// TLSFingerprint is the SHA-256 of the one certificate that a server may have,
	// in place of every other check of it; empty: none.
	TLSFingerprint []byte

	// MaxBytes bounds the body bytes of a job; 0 means DefaultMaxBytes. The end
	// of a range that the reader did not want counts; headers do not.
	MaxBytes int64

	// Proxy is the http, https, socks5 or socks5h proxy for every request; nil: those of
	// the environment.
	Proxy *url.URL

	// DialContext makes every connection; nil: that of net.Dialer. If it is set, the
	// proxies of the environment are not used, because it would see no server then.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	Meter  *meter.Counter // counts what the sockets carry; may be nil
	Logger *slog.Logger   // gets a line at level Debug for each request; may be nil
}

// Client fetches the resources of one stream. It keeps connections, TLS sessions and
// cookies from one job to the next, and takes proxies from the environment as curl does:
// HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in capitals or not. Its methods are safe for concurrent use, but there
// is one job at a time.
type Client struct {
	origin    string        // of the stream
	user      *url.Userinfo // of the stream's URL
	header    http.Header
	foreign   http.Header // the part of header that goes to other origins
	logins    logins
	userAgent string

	dialer    *dialer
	transport *protocols
	jar       http.CookieJar
	budget    *budget
	meter     *meter.Counter
	log       *slog.Logger
}

// New returns a Client for the stream at u, whose origin decides where headers
// and credentials go. It does no I/O. o may be nil.
func New(u *url.URL, o *Options) *Client {
	if o == nil {
		o = &Options{}
	}

	jar, _ := cookiejar.New(nil) // never fails
	d := &dialer{connect: o.DialContext, meter: o.Meter, open: map[*conn]struct{}{}}
	c := &Client{
		origin:    originOf(u),
		user:      u.User,
		header:    canonicalHeader(o.Header),
		userAgent: o.UserAgent,
		dialer:    d,
		transport: newProtocols(d, o),
		jar:       jar,
		budget:    &budget{max: o.MaxBytes},
		meter:     o.Meter,
		log:       o.Logger,
	}

	if o.HeadersEverywhere {
		c.foreign = canonicalHeader(o.Header)
		c.foreign.Del("Host")
	}
	if c.userAgent == "" {
		c.userAgent = DefaultUserAgent
	}
	if c.budget.max <= 0 {
		c.budget.max = DefaultMaxBytes
	}
	if c.meter == nil {
		c.meter = new(meter.Counter)
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c
}

// StartJob restores the full budget of Options.MaxBytes.
func (c *Client) StartJob() { c.budget.used.Store(0) }

// Left returns how many body bytes the job may still fetch.
func (c *Client) Left() int64 { return max(0, c.budget.bytesLeft()) }

// Close ends every connection, and with it all reading. The Client can be used again
// afterwards.
func (c *Client) Close() {
	c.transport.closeIdle()
	c.dialer.closeAll()
}
