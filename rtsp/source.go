package rtsp

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"

	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/internal/redact"
	"github.com/kfgrab/kfgrab/keyframe"
)

// defaultMaxBytes is the budget of one grab: four seconds of the 32 Mbit/s that
// the fastest 4K cameras send, more of anything else.
const defaultMaxBytes = 16 << 20

// maxRedirects is the number of DESCRIBE answers 3xx that are followed.
const maxRedirects = 5

// Options are for New. The zero value works.
type Options struct {
	UserAgent   string         // "kfgrab" where empty
	InsecureTLS bool           // take any certificate
	RootCAs     *x509.CertPool // in place of the system's
	// TLSFingerprint is the SHA-256 of the one certificate that the server may
	// have, in place of every other check of it; empty: none.
	TLSFingerprint []byte

	MaxBytes    int64          // of RTP packets in one grab; 16 MiB where 0
	Meter       *meter.Counter // counts the connection's bytes and the requests
	Logger      *slog.Logger   // what was decided, at level debug

	// OnCodec is called during Keyframe once DESCRIBE has told the codec, so
	// that a decoder can be started while the stream is waited for.
	OnCodec func(keyframe.Codec)
}

// Source is one RTSP stream. Its methods are not for concurrent use.
type Source struct {
	url    *url.URL
	opt    Options
	tracks []keyframe.Track
}

// New returns a Source for an rtsp:// or rtsps:// URL, whose userinfo holds the
// credentials for basic or digest authentication. No connection is made yet.
// o may be nil.
func New(u *url.URL, o *Options) (*Source, error) {
	switch {
	case u.Scheme != "rtsp" && u.Scheme != "rtsps":
		return nil, fmt.Errorf("%w: scheme %q, want rtsp or rtsps", keyframe.ErrUnsupported, u.Scheme)
	case u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("rtsp URL without a host")
	}
	s := &Source{url: withoutFragment(u)}
	if o != nil {
		s.opt = *o
	}
	if s.opt.UserAgent == "" {
		s.opt.UserAgent = "kfgrab"
	}
	if s.opt.MaxBytes <= 0 {
		s.opt.MaxBytes = defaultMaxBytes
	}
	if s.opt.Meter == nil {
		s.opt.Meter = new(meter.Counter)
	}
	if s.opt.Logger == nil {
		s.opt.Logger = slog.New(slog.DiscardHandler)
	}
	return s, nil
}

func withoutFragment(u *url.URL) *url.URL {
	c := *u
	c.Fragment, c.RawFragment = "", ""
	return &c
}

// Tracks lists the media that the last DESCRIBE told of, video or not. ID is the
// index of the SDP's media description.
func (s *Source) Tracks() []keyframe.Track { return s.tracks }

// Close is there for the interface that all sources share: between calls a
// Source holds no connection.
func (s *Source) Close() error { return nil }

// Description is what DESCRIBE told.
type Description struct {
	Codec  keyframe.Codec // of the video track that Keyframe would play, or UnknownCodec
	Info   keyframe.Info  // from the SDP's parameter sets; zero where it has none
	Tracks []keyframe.Track
}

// Describe asks for the SDP and no more. A stream without H.264 or H.265 video is
// described too. Errors are those of Keyframe.
func (s *Source) Describe(ctx context.Context) (*Description, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	d := &Description{Tracks: s.tracks}
	if v := c.video; v != nil {
		d.Codec, d.Info = v.codec, v.info()
	}
	return d, nil
}

// Keyframe takes the first picture that a decoder can start from, in a session of
// its own. Frame.PTS counts from the beginning of what the server plays, or from
// the first packet where it does not tell.
//
// The error is a *StatusError where the server refuses; it wraps
// keyframe.ErrNotFound where the stream has no video, or ends or uses the budget
// up before a keyframe, keyframe.ErrUnsupported for other codecs,
// keyframe.ErrCorrupt for answers that make no sense, and context.Cause(ctx) once
// ctx is done. Without a deadline in ctx a server may be silent for 10 s, after
// which the error wraps os.ErrDeadlineExceeded.
func (s *Source) Keyframe(ctx context.Context) (*keyframe.Frame, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if c.videoErr != nil {
		return nil, c.videoErr
	}
	s.opt.Logger.DebugContext(ctx, "rtsp track", "index", c.video.index, "codec", c.video.codec,
		"of", len(s.tracks), "parameter_sets", len(c.video.parameterSets))
	if s.opt.OnCodec != nil {
		s.opt.OnCodec(c.video.codec)
	}
	return c.play(ctx)
}

// connect opens a session up to the answer to DESCRIBE, through redirects.
func (s *Source) connect(ctx context.Context) (*session, error) {
	u := s.url
	for hops := 0; ; hops++ {
		c, err := s.open(ctx, u)
		if err != nil {
			return nil, err
		}
		err = c.describe(ctx)
		if err == nil {
			s.tracks = c.sdp.tracks()
			return c, nil
		}
		c.close()
		if c.location == "" {
			return nil, err
		}
		if hops == maxRedirects {
			return nil, &StatusError{
				Code: c.redirect, Method: "DESCRIBE", URL: redact.URL(u.String()),
				Hint: fmt.Sprintf("more than %d redirects", maxRedirects),
			}
		}
		if u, err = follow(u, c.location); err != nil {
			return nil, err
		}
		s.opt.Logger.DebugContext(ctx, "rtsp redirect", "url", redact.URL(u.String()))
	}
}

// follow returns where a redirect from u leads. Credentials go along to the same
// host and port only, and never from TLS to plain text.
func follow(u *url.URL, location string) (*url.URL, error) {
	to, err := u.Parse(location)
	if err != nil {
		return nil, fmt.Errorf("%w: redirect to something that is no URL", keyframe.ErrCorrupt)
	}
	switch {
	case to.Scheme != "rtsp" && to.Scheme != "rtsps" || to.Hostname() == "":
		return nil, fmt.Errorf("%w: redirect to %s", keyframe.ErrUnsupported, oneLine(to.String()))
	case u.Scheme == "rtsps" && to.Scheme == "rtsp":
		return nil, fmt.Errorf("%w: redirect from rtsps to rtsp, which is not encrypted", keyframe.ErrUnsupported)
	}
	if to.User == nil && address(to) == address(u) {
		to.User = u.User
	}
	return withoutFragment(to), nil
}

// address is host and port, the latter from the scheme where there is none.
func address(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "rtsps":
		port = "322"
	default:
		port = "554"
	}
	return net.JoinHostPort(u.Hostname(), port)
}
