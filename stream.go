package kfgrab

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strconv"
	"time"

	"github.com/kfgrab/kfgrab/internal/proxyurl"
	"github.com/kfgrab/kfgrab/internal/redact"
	"github.com/kfgrab/kfgrab/internal/sourcekind"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/rtsp"
)

// ErrUsage is wrapped by errors of the caller: a URL or an option that makes no
// sense.
var ErrUsage = errors.New("usage")

// Stream is one stream of any protocol, with the cost of each grab counted. Between
// grabs it remembers what makes the next one cheaper. It is for one goroutine at a
// time. The errors of its methods name the stream, without credentials; ClassOf sorts
// them.
type Stream struct {
	source source
	name   string         // the redacted URL
	codec  keyframe.Codec // the only one wanted, if known
}

// Snapshot is a keyframe, or a tile in its place, with its circumstances.
type Snapshot struct {
	Frame *keyframe.Frame
	URL   string // of the stream, without credentials
	Taken time.Time
	// MediaTime is when the picture was taken according to the stream; zero if it
	// does not say.
	MediaTime time.Time
	Cost      Cost
	// SegmentSize is the size in bytes of the whole HLS segment that the keyframe is
	// from; 0 if it is unknown, and for other streams.
	SegmentSize int64
	RTSP        *rtsp.Stats // of RTSP streams
}

// Cost is what a grab took.
type Cost struct {
	Down, Up int64 // bytes through the sockets, or read from a file or pipe
	Requests int
	Elapsed  time.Duration
}

// Rendition describes one rendition of a stream. Most streams have one.
type Rendition struct {
	Index     int
	Bandwidth int    // bit/s as the master playlist declares it; 0 if there is none
	URI       string // of its media playlist, redacted

	Codec  keyframe.Codec // UnknownCodec if there is no video that is read
	Info   keyframe.Info  // zero if the stream does not say
	Tracks []keyframe.Track
	Err    error // why this rendition could not be probed
}

// Attributes returns the rendition's attributes in the master playlist, under
// ffprobe's names of tags.
func (r *Rendition) Attributes() map[string]string {
	if r.Bandwidth == 0 {
		return nil
	}
	return map[string]string{"variant_bitrate": strconv.Itoa(r.Bandwidth), "uri": r.URI}
}

// Grab takes one keyframe of the stream at rawURL: Open, Stream.Grab, Close. opt may
// be nil.
func Grab(ctx context.Context, rawURL string, opt *Options) (*Snapshot, error) {
	s, err := Open(rawURL, opt)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.Grab(ctx)
}

// Open returns the stream at rawURL. There is no I/O before the first grab. opt may
// be nil. The error wraps ErrUsage.
func Open(rawURL string, opt *Options) (*Stream, error) {
	if opt == nil {
		opt = &Options{}
	}
	if err := opt.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	src, err := openSource(rawURL, opt)
	if err != nil {
		return nil, err
	}
	s := &Stream{source: src, name: redact.URL(rawURL), codec: opt.Codec}
	if err := opt.checkKind(sourcekind.OfURL(rawURL)); err != nil {
		src.Close()
		return nil, s.nameError(err)
	}
	return s, nil
}

// check returns an error that names the option that makes no sense.
func (o *Options) check() error {
	for _, number := range []struct {
		name  string
		value int64
	}{
		{"Width", int64(o.Width)},
		{"Height", int64(o.Height)},
		{"MaxBandwidth", int64(o.MaxBandwidth)},
		{"Program", int64(o.Program)},
		{"MaxBytes", o.MaxBytes},
		{"RTSP.KeyframeTimeout", int64(o.RTSP.KeyframeTimeout)},
	} {
		if number.value < 0 {
			return fmt.Errorf("option %s is negative", number.name)
		}
	}

	switch n := len(o.TLSFingerprint); {
	case o.Edge > EdgeNext:
		return fmt.Errorf("option Edge: unknown value %v", o.Edge)
	case o.Edge != EdgeFirst && (o.At != 0 || !o.AtClock.IsZero()):
		return &sourcekind.Error{Option: "At", Reason: fmt.Sprintf("a keyframe of a time contradicts the %v one: ask for one of them", o.Edge)}
	case o.RTSP.Transport > TransportMulticast:
		return fmt.Errorf("option RTSP.Transport: unknown value %v", o.RTSP.Transport)
	case o.Codec > keyframe.JPEG:
		return fmt.Errorf("option Codec: unknown value %v", o.Codec)
	case n != 0 && n != sha256.Size:
		return fmt.Errorf("option TLSFingerprint has %d bytes, not %d", n, sha256.Size)
	case o.Proxy == nil:
		return nil
	case n != 0 && o.Proxy.Scheme == "https": // net/http has one tls.Config for both
		return errors.New("a certificate's fingerprint cannot be checked behind an https proxy; an http or socks5 proxy passes TLS through, too")
	}
	return proxyurl.Check(o.Proxy)
}

// Keyframe returns the newest keyframe that costs little to fetch.
func (s *Stream) Keyframe(ctx context.Context) (*keyframe.Frame, error) {
	f, err := s.source.Keyframe(ctx)
	if err == nil {
		err = s.checkCodec(f)
	}
	if err != nil {
		return nil, s.nameError(err)
	}
	return f, nil
}

// Grab is Keyframe with the cost and the other circumstances of the frame.
func (s *Stream) Grab(ctx context.Context) (*Snapshot, error) {
	snapshot := s.startSnapshots()
	f, err := s.Keyframe(ctx)
	if err != nil {
		return nil, err
	}
	return snapshot(f), nil
}

// Keyframes yields the keyframe that Grab takes, and then those that follow it in the
// stream, for callers that may reject the first one. What is read stays open until the
// loop ends: no byte is fetched twice, and Options.MaxBytes bounds all of them
// together. Each Cost is that of all so far, including the time that the loop's body
// took.
//
// In HLS the next keyframe is the next one that the playlist or the index of the
// segment lists. Those within a segment of MPEG-TS are skipped if there is another
// segment, because only reading it would find them. In RTSP it is the next one that
// is sent; in files, pipes and datagrams the next one in the data, in MP4 by the
// index. On a live stream, Keyframes waits for further keyframes until ctx is done.
//
// If the loop goes on long enough, the last pair has an error: one that wraps
// keyframe.ErrNotFound at the end of a recording, else that of Grab.
func (s *Stream) Keyframes(ctx context.Context) iter.Seq2[*Snapshot, error] {
	return func(yield func(*Snapshot, error) bool) {
		snapshot := s.startSnapshots()
		more := true
		var unwanted error
		err := s.source.Keyframes(ctx, func(f *keyframe.Frame) bool {
			if unwanted = s.checkCodec(f); unwanted != nil {
				return false
			}
			more = yield(snapshot(f), nil)
			return more
		})

		if err == nil {
			err = unwanted
		}
		if err != nil && more {
			yield(nil, s.nameError(err))
		}
	}
}

// Receive passes every picture of a live stream to take, in decoding order, as
// keyframe.Assembler.EveryPicture returns them, until ctx is done or the stream fails.
// It reads RTSP and live HLS; for other streams the error wraps
// keyframe.ErrUnsupported. The error is never nil. Package session holds a stream open
// this way.
func (s *Stream) Receive(ctx context.Context, take func(*keyframe.Frame)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	return s.nameError(s.source.Receive(ctx, func(f *keyframe.Frame) {
		if ctx.Err() != nil {
			return
		}
		if err := s.checkCodec(f); err != nil {
			cancel(err)
			return
		}
		take(f)
	}))
}

// Timeline reads the times of the stream and no picture: the playlist of an HLS
// stream, live or not, or the index of an MP4 file that is local or read by ranges.
// For other streams the error wraps keyframe.ErrUnsupported. Options.MaxBytes bounds
// the bytes that Timeline and Timeline.Keyframes fetch together.
func (s *Stream) Timeline(ctx context.Context) (*Timeline, error) {
	t, err := s.source.readTimeline(ctx)
	if err != nil {
		return nil, s.nameError(err)
	}
	t.stream = s
	return t, nil
}

// Probe describes what the stream holds, for no more than one keyframe per rendition.
func (s *Stream) Probe(ctx context.Context) ([]Rendition, error) {
	list, err := s.source.probeRenditions(ctx)
	if err != nil {
		return nil, s.nameError(err)
	}
	return list, nil
}

// Rendition returns the Index, Bandwidth and URI of the rendition of a master playlist
// that the last grab was from; ok is false if there is none to choose.
func (s *Stream) Rendition() (r Rendition, ok bool) { return s.source.chosenRendition() }

// Tracks lists the elementary streams that the last grab came across.
func (s *Stream) Tracks() []keyframe.Track { return s.source.Tracks() }

// URL returns the URL of the stream, without credentials.
func (s *Stream) URL() string { return s.name }

// Spent returns what all grabs of the stream have cost so far, except Elapsed. It is
// safe for concurrent use.
func (s *Stream) Spent() Cost {
	spent := s.source.traffic()
	return Cost{Down: spent.Down, Up: spent.Up, Requests: spent.Requests}
}

// Close closes the connections and whatever else the stream holds open.
func (s *Stream) Close() error { return s.source.Close() }

// startSnapshots returns a function that makes a Snapshot of a frame. Costs count from
// the call of startSnapshots.
func (s *Stream) startSnapshots() func(*keyframe.Frame) *Snapshot {
	began, before := time.Now(), s.source.traffic()
	return func(f *keyframe.Frame) *Snapshot {
		spent := s.source.traffic().Sub(before)
		snap := &Snapshot{
			Frame: f, URL: s.name, Taken: time.Now(), MediaTime: f.Time,
			Cost: Cost{Down: spent.Down, Up: spent.Up, Requests: spent.Requests, Elapsed: time.Since(began)},
		}
		s.source.addFacts(snap)
		return snap
	}
}

// checkCodec returns an error if f has another codec than the one asked for.
func (s *Stream) checkCodec(f *keyframe.Frame) error {
	if s.codec == keyframe.UnknownCodec || s.codec == f.Codec {
		return nil
	}
	return otherCodec(f.Codec, s.codec)
}

func otherCodec(got, want keyframe.Codec) error {
	return &sourcekind.CodecError{Err: fmt.Errorf("%w: the video is %v, not %v", keyframe.ErrNotFound, got, want)}
}

// nameError puts the stream's URL in front of err, unless it begins with it already.
func (s *Stream) nameError(err error) error {
	var remote interface{ Address() string }
	var local *fs.PathError
	if (errors.As(err, &remote) && remote.Address() == s.name) || (errors.As(err, &local) && local.Path == s.name) {
		return err
	}
	return usageOf(&streamError{s.name, err})
}

// streamError is an error of the stream at url.
type streamError struct {
	url string // redacted
	err error
}

func (e *streamError) Error() string   { return e.url + ": " + e.err.Error() }
func (e *streamError) Unwrap() error   { return e.err }
func (e *streamError) Address() string { return e.url }
