package kfgrab

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/internal/file"
	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/internal/redact"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/rtsp"
)

// Source is one stream, grabbed again and again; it remembers what makes the next
// grab cheaper. It is for one goroutine at a time.
type Source interface {
	// Keyframe returns the newest keyframe that costs little to have. Its error
	// wraps one of package keyframe's, the context's cause, or is the network's.
	Keyframe(ctx context.Context) (*keyframe.Frame, error)
	Close() error
}

// tracker is a Source that knows the elementary streams it came across, and goes on.
type tracker interface {
	Source
	// Keyframes gives take what Keyframe returns, and what follows until take returns
	// false: then the error is nil.
	Keyframes(ctx context.Context, take func(*keyframe.Frame) bool) error
	Tracks() []keyframe.Track
}

// Stream is a Source of any protocol, with the cost of each grab counted.
type Stream struct {
	source tracker
	name   string         // the redacted URL
	codec  keyframe.Codec // the only one wanted, if known
	meter  *meter.Counter
}

// Snapshot is a keyframe, or a tile in its place, with its circumstances.
type Snapshot struct {
	Frame *keyframe.Frame
	URL   string // of the stream, without credentials
	Taken time.Time
	// MediaTime is when the picture was taken by the stream's own account, or the
	// zero time where it tells nothing.
	MediaTime time.Time
	Cost      Cost
	// SegmentSize is how many bytes the HLS segment has, as a whole, that the keyframe is
	// from; 0 where nobody tells, and of other streams.
	SegmentSize int64
	RTSP        *rtsp.Stats // of RTSP streams
}

// Cost is what a grab took.
type Cost struct {
	Down, Up int64 // bytes through the sockets, or read of a file or pipe
	Requests int
	Elapsed  time.Duration
}

// ErrUsage is wrapped by errors that no network can mend: a URL or an option that
// makes no sense.
var ErrUsage = errors.New("usage")

// Open returns the stream at rawURL. There is no I/O before the first grab. opt
// may be nil. The error wraps ErrUsage.
func Open(rawURL string, opt *Options) (*Stream, error) {
	if opt == nil {
		opt = &Options{}
	}
	if opt.At < 0 || opt.Width < 0 || opt.Height < 0 || opt.MaxBytes < 0 || opt.Program < 0 || opt.MaxBandwidth < 0 {
		return nil, fmt.Errorf("%w: a negative number among the options", ErrUsage)
	}
	if n := len(opt.TLSFingerprint); n != 0 && n != sha256.Size {
		return nil, fmt.Errorf("%w: a TLS fingerprint of %d bytes, not %d", ErrUsage, n, sha256.Size)
	}
	if opt.Edge > EdgeNext || opt.RTSP.Transport > TransportAuto || opt.Codec > keyframe.JPEG {
		return nil, fmt.Errorf("%w: unknown edge %v, transport %v or codec %v", ErrUsage, opt.Edge, opt.RTSP.Transport, opt.Codec)
	}
	s := &Stream{name: redact.URL(rawURL), codec: opt.Codec, meter: &meter.Counter{}}
	var err error
	s.source, err = openSource(rawURL, opt, s.meter)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// openSource chooses the protocol.
func openSource(rawURL string, opt *Options, m *meter.Counter) (tracker, error) {
	files := &file.Options{
		At: opt.At, Program: opt.Program, MaxBytes: opt.MaxBytes,
		OnCodec: opt.OnCodec, Meter: m, Logger: opt.Logger,
	}
	switch {
	case rawURL == "":
		return nil, fmt.Errorf("%w: no URL", ErrUsage)
	case rawURL == "-" && opt.Stdin == nil:
		return nil, fmt.Errorf("%w: no standard input to read from", ErrUsage)
	case rawURL == "-":
		return file.NewStream(opt.Stdin, files), nil
	case !strings.Contains(rawURL, "://"):
		return file.Open(rawURL, files), nil
	}
	u, err := url.Parse(rawURL)
	if err != nil { // its text has the password in it
		return nil, fmt.Errorf("%w: %s is no valid URL: reserved characters in a user name or password are written as %%40 for @ and so on", ErrUsage, redact.URL(rawURL))
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
		if u.Hostname() == "" {
			return nil, fmt.Errorf("%w: %s has no host", ErrUsage, redact.URL(rawURL))
		}
		return newWebSource(u, opt, files, m), nil
	case "udp":
		s, err := file.OpenUDP(u, files)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUsage, err)
		}
		return s, nil
	case "file":
		return file.Open(u.Path, files), nil
	}
	if u.Scheme = strings.ToLower(u.Scheme); rtsp.IsScheme(u.Scheme) {
		s, err := rtsp.New(u, &rtsp.Options{
			Transport: opt.RTSP.Transport, KeyframeTimeout: opt.RTSP.KeyframeTimeout,
			NoKeyframeRequest: opt.RTSP.NoKeyframeRequest, KeepSession: opt.RTSP.KeepSession,
			UserAgent: opt.UserAgent, InsecureTLS: opt.InsecureTLS, RootCAs: opt.RootCAs, TLSFingerprint: opt.TLSFingerprint,
			DialContext: opt.DialContext, MaxBytes: opt.MaxBytes, Logger: opt.Logger, OnCodec: opt.OnCodec,
		})
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUsage, err)
		}
		return s, nil
	}
	return nil, fmt.Errorf("%w: %s: kfgrab reads http, https, rtsp, rtsps, tunnels of these, udp and file", ErrUsage, redact.URL(rawURL))
}

// Keyframe returns the newest keyframe that costs little to have. The error names
// the stream, redacted; ClassOf sorts it.
func (s *Stream) Keyframe(ctx context.Context) (*keyframe.Frame, error) {
	f, err := s.source.Keyframe(ctx)
	if err == nil {
		err = s.wants(f)
	}
	if err != nil {
		return nil, s.named(err)
	}
	return f, nil
}

// wants says why f is not what was asked for.
func (s *Stream) wants(f *keyframe.Frame) error {
	if s.codec == keyframe.UnknownCodec || s.codec == f.Codec {
		return nil
	}
	return fmt.Errorf("%w: the video is %v, not %v", keyframe.ErrNotFound, f.Codec, s.codec)
}

// Grab is Keyframe with the circumstances.
func (s *Stream) Grab(ctx context.Context) (*Snapshot, error) {
	snapshot := s.snapshots()
	f, err := s.Keyframe(ctx)
	if err != nil {
		return nil, err
	}
	return snapshot(f), nil
}

// snapshots returns what makes a Snapshot of a frame. Costs count from the call.
func (s *Stream) snapshots() func(*keyframe.Frame) *Snapshot {
	began, before := time.Now(), s.traffic()
	return func(f *keyframe.Frame) *Snapshot {
		spent := s.traffic().Sub(before)
		snap := &Snapshot{
			Frame: f, URL: s.name, Taken: time.Now(), MediaTime: f.Time,
			Cost: Cost{Down: spent.Down, Up: spent.Up, Requests: spent.Requests, Elapsed: time.Since(began)},
		}
		switch source := s.source.(type) {
		case *rtsp.Source:
			snap.RTSP = new(source.Stats())
		case *webSource:
			snap.SegmentSize = source.segmentSize()
		}
		return snap
	}
}

// traffic returns what crossed the stream's sockets so far. An RTSP source counts
// for itself.
func (s *Stream) traffic() meter.Reading {
	if source, ok := s.source.(*rtsp.Source); ok {
		down, up, requests := source.Traffic()
		return meter.Reading{Down: down, Up: up, Requests: requests}
	}
	return s.meter.Read()
}

// named puts the stream's URL in front of err, unless it has it already.
func (s *Stream) named(err error) error {
	if strings.Contains(err.Error(), s.name+": ") {
		return err
	}
	return fmt.Errorf("%s: %w", s.name, err)
}

// Tracks lists the elementary streams that the last grab came across.
func (s *Stream) Tracks() []keyframe.Track { return s.source.Tracks() }

// Close ends connections and lets go of what the stream holds.
func (s *Stream) Close() error { return s.source.Close() }

// Grab takes one keyframe of the stream at rawURL: Open, Stream.Grab, Close. opt
// may be nil.
func Grab(ctx context.Context, rawURL string, opt *Options) (*Snapshot, error) {
	s, err := Open(rawURL, opt)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.Grab(ctx)
}
