package kfgrab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/address"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/file"
	"github.com/kfgrab/kfgrab/internal/hlssource"
	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/internal/redact"
	"github.com/kfgrab/kfgrab/internal/spelling"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/rtsp"
)

// source is a stream of some protocol. Methods that the protocol cannot support return
// an error that wraps keyframe.ErrUnsupported.
type source interface {
	Keyframe(ctx context.Context) (*keyframe.Frame, error)
	// Keyframes passes the first keyframe and the following ones to take, until take
	// returns false: then the error is nil.
	Keyframes(ctx context.Context, take func(*keyframe.Frame) bool) error
	// Receive passes every picture of a live stream to take. The error is never nil.
	Receive(ctx context.Context, take func(*keyframe.Frame)) error
	readTimeline(ctx context.Context) (*Timeline, error)
	probeRenditions(ctx context.Context) ([]Rendition, error)

	// Tracks lists the elementary streams that the last call came across.
	Tracks() []keyframe.Track
	// chosenRendition returns the rendition of the last grab; ok is false if there is
	// none to choose.
	chosenRendition() (r Rendition, ok bool)
	// addFacts adds to s what only this protocol knows of the last grab.
	addFacts(s *Snapshot)
	// traffic is safe for concurrent use.
	traffic() meter.Reading
	Close() error
}

var (
	errNotLive = fmt.Errorf("%w: only RTSP and live HLS can be held open", keyframe.ErrUnsupported)
	errNoTimes = fmt.Errorf("%w: only HLS and MP4 have keyframes of several times to go to", keyframe.ErrUnsupported)
)

// openSource chooses the protocol by the URL.
func openSource(rawURL string, opt *Options) (source, error) {
	m := &meter.Counter{}
	files := &file.Options{
		At: opt.At, Program: opt.Program, MaxBytes: opt.MaxBytes, CheckKind: opt.checkKind,
		OnCodec: opt.OnCodec, Meter: m, Logger: opt.Logger,
	}

	switch {
	case rawURL == "":
		return nil, fmt.Errorf("%w: no URL", ErrUsage)
	case rawURL == "-" && opt.Stdin == nil:
		return nil, fmt.Errorf("%w: no standard input to read from", ErrUsage)
	case rawURL == "-":
		return &fileSource{file.NewStream(opt.Stdin, files), m}, nil
	case !strings.Contains(rawURL, "://"):
		if err := address.CheckPath(rawURL); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUsage, err)
		}
		return &fileSource{file.Open(rawURL, files), m}, nil
	}

	u, err := address.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	switch {
	case u.Scheme == "http" || u.Scheme == "https":
		if u.Hostname() == "" {
			return nil, fmt.Errorf("%w: %s has no host", ErrUsage, redact.URL(rawURL))
		}
		return newWebSource(u, opt, files), nil
	case u.Scheme == "udp" && opt.Proxy != nil:
		return nil, fmt.Errorf("%w: datagrams do not pass a proxy: udp needs a direct connection", ErrUsage)
	case u.Scheme == "udp":
		s, err := file.OpenUDP(u, files)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUsage, err)
		}
		return &fileSource{s, m}, nil
	case u.Scheme == "file":
		return &fileSource{file.Open(u.Path, files), m}, nil
	case rtsp.IsScheme(u.Scheme):
		return newRTSPSource(u, opt)
	}
	return nil, fmt.Errorf("%w: %s: kfgrab reads http, https, rtsp, rtsps, tunnels of these, udp and file%s", ErrUsage, redact.URL(rawURL), nearestScheme(u.Scheme))
}

// schemes are those that openSource knows.
var schemes = []string{"http", "https", "rtsp", "rtsps", "udp", "file", "rtsp+http", "rtsps+http", "rtsp+ws", "rtsps+ws"}

// otherSchemes belong to protocols that kfgrab does not speak: they are no misspellings.
var otherSchemes = []string{"rtmp", "rtmps", "rtp"}

// nearestScheme returns "; did you mean …?" if a scheme was probably meant by another.
func nearestScheme(scheme string) string {
	near := spelling.Nearest(scheme, schemes)
	if near == "" || slices.Contains(otherSchemes, scheme) {
		return ""
	}
	return "; did you mean " + near + "://?"
}

// fileSource is a media file, a pipe or datagrams.
type fileSource struct {
	*file.Source
	meter *meter.Counter
}

func (s *fileSource) Receive(context.Context, func(*keyframe.Frame)) error { return errNotLive }

func (s *fileSource) readTimeline(ctx context.Context) (*Timeline, error) {
	t, err := s.Timeline(ctx)
	if err != nil {
		return nil, err
	}
	return &Timeline{Duration: t.Duration, inner: t}, nil
}

// probeRenditions takes a keyframe. A stream without one still has its tracks.
func (s *fileSource) probeRenditions(ctx context.Context) ([]Rendition, error) {
	f, err := s.Keyframe(ctx)
	r := Rendition{Tracks: s.Tracks()}
	switch {
	case err == nil:
		r.Codec, r.Info = f.Codec, f.Info
	case len(r.Tracks) == 0 || ctx.Err() != nil:
		return nil, err
	}
	return []Rendition{r}, nil
}

func (s *fileSource) chosenRendition() (r Rendition, ok bool) { return r, false }

func (s *fileSource) addFacts(*Snapshot) {}

func (s *fileSource) traffic() meter.Reading { return s.meter.Read() }

// hlsSource is an HLS stream.
type hlsSource struct {
	*hlssource.Source
	meter *meter.Counter
}

func (s *hlsSource) readTimeline(ctx context.Context) (*Timeline, error) {
	t, err := s.Timeline(ctx)
	if err != nil {
		return nil, err
	}
	return &Timeline{Duration: t.Duration, Live: t.Live, inner: t}, nil
}

func (s *hlsSource) probeRenditions(ctx context.Context) ([]Rendition, error) {
	probed, err := s.Probe(ctx)
	if err != nil {
		return nil, err
	}

	var list []Rendition
	for i, p := range probed {
		r := Rendition{Index: i, Codec: p.Codec, Info: p.Info, Tracks: p.Tracks, Err: p.Err}
		if p.Variant != nil {
			r.Bandwidth, r.URI = p.Variant.Bandwidth, p.Variant.URI.String()
		}
		list = append(list, r)
	}
	return list, nil
}

func (s *hlsSource) chosenRendition() (r Rendition, ok bool) {
	v := s.Chosen()
	if v == nil {
		return r, false
	}
	return Rendition{Index: v.Index, Bandwidth: v.Bandwidth, URI: v.URI.String()}, true
}

func (s *hlsSource) addFacts(snap *Snapshot) { snap.SegmentSize = s.SegmentSize() }

func (s *hlsSource) traffic() meter.Reading { return s.meter.Read() }

// rtspSource is an RTSP stream.
type rtspSource struct{ *rtsp.Source }

func newRTSPSource(u *url.URL, opt *Options) (*rtspSource, error) {
	s, err := rtsp.New(u, &rtsp.Options{
		Transport: opt.RTSP.Transport, KeyframeTimeout: opt.RTSP.KeyframeTimeout,
		NoKeyframeRequest: opt.RTSP.NoKeyframeRequest, KeepSession: opt.RTSP.KeepSession,
		UserAgent: opt.UserAgent, InsecureTLS: opt.InsecureTLS, RootCAs: opt.RootCAs, TLSFingerprint: opt.TLSFingerprint,
		Proxy: opt.Proxy, DialContext: opt.DialContext, MaxBytes: opt.MaxBytes, Logger: opt.Logger, OnCodec: opt.OnCodec,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return &rtspSource{s}, nil
}

func (s *rtspSource) readTimeline(context.Context) (*Timeline, error) { return nil, errNoTimes }

func (s *rtspSource) probeRenditions(ctx context.Context) ([]Rendition, error) {
	d, err := s.Describe(ctx)
	if err != nil {
		return nil, err
	}
	return []Rendition{{Codec: d.Codec, Info: d.Info, Tracks: d.Tracks}}, nil
}

func (s *rtspSource) chosenRendition() (r Rendition, ok bool) { return r, false }

func (s *rtspSource) addFacts(snap *Snapshot) { snap.RTSP = new(s.Stats()) }

func (s *rtspSource) traffic() meter.Reading {
	down, up, requests := s.Traffic()
	return meter.Reading{Down: down, Up: up, Requests: requests}
}

// webSource is an http or https URL: HLS or a media file. The first call detects
// which.
type webSource struct {
	source // an empty one until it is known
	known  bool

	url    *url.URL
	client *fetch.Client
	files  *file.Options
	lists  *hlssource.Options
}

func newWebSource(u *url.URL, opt *Options, files *file.Options) *webSource {
	client := fetch.New(u, &fetch.Options{
		Header: opt.Header, HeadersEverywhere: opt.HeadersEverywhere, UserAgent: opt.UserAgent,
		InsecureTLS: opt.InsecureTLS, RootCAs: opt.RootCAs, TLSFingerprint: opt.TLSFingerprint,
		Proxy: opt.Proxy, DialContext: opt.DialContext, MaxBytes: opt.MaxBytes, Meter: files.Meter, Logger: opt.Logger,
	})
	lists := &hlssource.Options{
		Edge: opt.Edge, IfNewer: opt.IfNewer, At: opt.At, AtClock: opt.AtClock, AllowTiles: opt.AllowTiles,
		Program: opt.Program, CheckKind: opt.checkKind, OnCodec: opt.OnCodec, Logger: opt.Logger,
	}
	lists.Width, lists.Height, lists.MaxBandwidth = opt.Width, opt.Height, opt.MaxBandwidth
	lists.Rendition, lists.Codec = opt.Rendition, opt.Codec
	return &webSource{source: &fileSource{&file.Source{}, files.Meter}, url: u, client: client, files: files, lists: lists}
}

// begin starts a job with its own byte budget, and detects the format by content. If
// the name ends like a playlist's, begin requests the whole at once, so that the server
// can compress it; the content still decides.
func (w *webSource) begin(ctx context.Context) error {
	w.client.StartJob()
	if w.known {
		return nil
	}

	switch strings.ToLower(path.Ext(w.url.Path)) {
	case ".m3u8", ".m3u":
		w.become(w.newHLS(nil))
		return nil
	}
	r := w.client.Open(ctx, w.url, file.FirstRange)
	head, err := r.Peek(file.SniffSize)
	if err != nil && !errors.Is(err, io.EOF) {
		r.Close()
		return err
	}
	if file.Sniff(head, err != nil) != file.Playlist {
		w.become(&fileSource{file.OpenResource(w.client, w.url, r, w.files), w.files.Meter})
		return nil
	}

	defer r.Close()
	playlist, err := readPlaylist(ctx, w.client, r)
	if err == nil {
		w.become(w.newHLS(playlist))
	}
	return err
}

// readPlaylist returns the playlist that r has begun to read by ranges. Servers that
// make playlists by program count characters as bytes in Content-Range, so one with
// other characters than ASCII is fetched again as a whole.
func readPlaylist(ctx context.Context, client *fetch.Client, r *fetch.Resource) (*fetch.Document, error) {
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	beyondASCII := bytes.ContainsFunc(body, func(c rune) bool { return c > unicode.MaxASCII })
	if beyondASCII && r.Ranges()[0].Code == http.StatusPartialContent {
		return client.Get(ctx, r.URL(), hls.MaxBytes)
	}
	return &fetch.Document{URL: r.URL(), Body: body}, nil
}

func (w *webSource) become(s source) { w.source, w.known = s, true }

// traffic reads no field that begin sets: it may be called during a grab.
func (w *webSource) traffic() meter.Reading { return w.files.Meter.Read() }

// newHLS returns an HLS source, whose playlist is given if it was fetched already.
func (w *webSource) newHLS(playlist *fetch.Document) source {
	o := *w.lists
	o.Playlist = playlist
	return &hlsSource{hlssource.New(w.client, w.url, &o), w.files.Meter}
}

func (w *webSource) Keyframe(ctx context.Context) (*keyframe.Frame, error) {
	if err := w.begin(ctx); err != nil {
		return nil, err
	}
	return w.source.Keyframe(ctx)
}

func (w *webSource) Keyframes(ctx context.Context, take func(*keyframe.Frame) bool) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	return w.source.Keyframes(ctx, take)
}

func (w *webSource) Receive(ctx context.Context, take func(*keyframe.Frame)) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	return w.source.Receive(ctx, take)
}

func (w *webSource) readTimeline(ctx context.Context) (*Timeline, error) {
	if err := w.begin(ctx); err != nil {
		return nil, err
	}
	return w.source.readTimeline(ctx)
}

func (w *webSource) probeRenditions(ctx context.Context) ([]Rendition, error) {
	if err := w.begin(ctx); err != nil {
		return nil, err
	}
	return w.source.probeRenditions(ctx)
}

func (w *webSource) Close() error {
	w.source.Close()
	w.client.Close()
	return nil
}
