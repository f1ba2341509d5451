package hlssource

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/keyframe"
)

// Options are the settings of a Source. The zero value takes the newest keyframe
// of a live stream and the first of another, from the best rendition.
type Options struct {
	hls.PickOptions

	// Edge is which keyframe of a live stream is wanted.
	Edge hls.Edge

	// At asks, of a stream that is not live, for the last keyframe at or before
	// this time from the start.
	At time.Duration

	// AllowTiles allows a ready-made JPEG tile (EXT-X-IMAGE-STREAM-INF) in place of a
	// keyframe, where Width or Height asks for a size that it serves and neither
	// Rendition, Codec nor EdgeNext asks for a keyframe: of a live stream the newest
	// tile, else the first, or the one at the time At. Its kind is keyframe.Tile. An
	// image comes whole, with all of its tiles. Where no tile can be had, a keyframe
	// is taken after all.
	AllowTiles bool

	// Program is the program of a transport stream; 0 is the first with video.
	Program int

	// IfNewer has Keyframe return an error that wraps keyframe.ErrNotModified, and
	// fetch no more than the playlist, where the newest keyframe is the one that it
	// returned last.
	IfNewer bool

	// OnCodec, where set, is called when the codec is known, before the keyframe
	// is whole. It is not called for tiles.
	OnCodec func(keyframe.Codec)

	// Playlist, where set, is what is at the URL, as it has just been fetched. It
	// serves the first grab.
	Playlist *fetch.Document

	Logger *slog.Logger // debug lines of what was decided; may be nil
}

// Source is an HLS stream. Between grabs it remembers the rendition, its
// initialisation section, the keys, the playlist and the size of its keyframes, so that
// the next grab fetches what is new in the playlist and little more than the keyframe. It is for one goroutine
// at a time.
type Source struct {
	client *fetch.Client
	url    *url.URL
	opts   Options

	master  *hls.Master
	variant *hls.Variant // being read: the one chosen, or the one of its I-frames; nil where url is a media playlist's
	selection
	begun time.Time // when the grab did

	learnt
	course    *course   // while Keyframes goes on
	follow    *follower // while Follow reads on
	noIFrames bool      // the I-frame playlist turned out to be of no use
	noTiles   bool      // the image playlist did
	tracks    []keyframe.Track

	// upTo is how far the segment that is opened will be read, at least; 0: to its
	// first keyframe.
	upTo time.Duration
}

// learnt is what a Source knows of its rendition by having read it.
type learnt struct {
	sequence int64              // of the media playlist
	section  *section           // of the last segment, if it has one
	span     int                // bytes of the last keyframe
	whole    int64              // bytes of the segment that was read last, 0 unknown
	keys     map[string][]byte  // by address
	last     *hls.Segment       // that the last keyframe came from
	reloads  map[string]*reload // media playlists, by address
	latest   *hls.Media         // the media playlist that was read last
	ahead    *hls.Place         // what comes next, before a playlist tells; nil where nobody knows
}

// New returns a Source of the master or media playlist at u, fetched through
// client. o may be nil. There is no I/O yet.
func New(client *fetch.Client, u *url.URL, o *Options) *Source {
	s := &Source{client: client, url: u}
	if o != nil {
		s.opts = *o
	}
	return s
}

// Keyframe returns the keyframe that Options.Edge asks for of a live stream, and
// else the first of all or the one that Options.At asks for. Where the segment that
// should hold it is missing, damaged or has no keyframe, the one next to it is
// tried, once. Where the rendition cannot be fetched, Choice.Alternates are tried.
// The error wraps keyframe.ErrNotFound, ErrCorrupt or ErrUnsupported, or is one of
// package fetch.
func (s *Source) Keyframe(ctx context.Context) (*keyframe.Frame, error) {
	s.whole = 0
	return s.withAlternates(ctx, s.keyframe)
}

// keyframe takes the keyframe from one variant.
func (s *Source) keyframe(ctx context.Context) (*keyframe.Frame, error) {
	for {
		media, err := s.mediaPlaylist(ctx)
		if err == nil {
			var f *keyframe.Frame
			if f, err = s.from(ctx, media); err == nil {
				return f, nil
			}
		}
		if !s.setAside(ctx, err) {
			return nil, err
		}
	}
}

func (s *Source) from(ctx context.Context, media *hls.Media) (*keyframe.Frame, error) {
	if s.opts.Edge == hls.EdgeNext && media.Live && !media.ImagesOnly {
		return s.next(ctx, media)
	}
	ctx, stop := s.lasting(ctx)
	defer stop()
	if media.ImagesOnly {
		return s.fromImages(ctx, media)
	}
	if s.opts.At > 0 && !media.Live {
		return s.at(ctx, media)
	}
	seg, err := media.PickSegment()
	if err != nil {
		return nil, err
	}
	return s.grab(ctx, media, seg)
}

// grab returns the keyframe of seg that is wanted, or of the one next to it.
func (s *Source) grab(ctx context.Context, media *hls.Media, seg *hls.Segment) (*keyframe.Frame, error) {
	s.course.begin(media)
	s.log(ctx, "segment", "sequence", seg.Sequence, "uri", seg.URI.String(), "live", media.Live)
	f, err := s.newer(ctx, seg)
	if err == nil || !anotherMayDo(ctx, err) {
		return f, err
	}
	other := media.Neighbour(seg)
	if other == nil {
		return nil, err
	}
	s.log(ctx, "another segment", "sequence", other.Sequence, "because", err)
	f, otherErr := s.newer(ctx, other)
	if otherErr == nil || ctx.Err() != nil || errors.Is(otherErr, keyframe.ErrNotModified) {
		return f, otherErr
	}
	s.reloads = nil // what is amiss may be the playlist that is kept
	return nil, err
}

// anotherMayDo says whether it is worth trying another segment after err.
func anotherMayDo(ctx context.Context, err error) bool {
	var status *fetch.StatusError
	switch {
	case ctx.Err() != nil, errors.Is(err, fetch.ErrBudget), errors.Is(err, keyframe.ErrUnsupported), errors.Is(err, keyframe.ErrNotModified), refused(err):
		return false
	case errors.As(err, &status):
		return status.Code != http.StatusUnauthorized
	}
	return true
}

// mediaPlaylist fetches the media playlist, through the master playlist the first
// time and whenever the rendition chosen then has gone.
func (s *Source) mediaPlaylist(ctx context.Context) (*hls.Media, error) {
	media, err := s.knownPlaylist(ctx)
	if err != nil {
		return nil, err
	}
	if media.MediaSequence < s.sequence {
		// The server has begun anew, maybe with other pictures under the same names.
		s.learnt = learnt{}
	}
	s.sequence = media.MediaSequence
	return media, nil
}

// Chosen is the variant that the last grab was from, nil where there is no master
// playlist or was no grab.
func (s *Source) Chosen() *hls.Variant { return s.chosen }

// Tracks lists the elementary streams that the last Keyframe came across.
func (s *Source) Tracks() []keyframe.Track { return s.tracks }

// SegmentSize is how many bytes the segment has, as a whole, that the last Keyframe came
// from: 0 where the server does not tell, and of partial segments, I-frames and tiles.
func (s *Source) SegmentSize() int64 { return s.whole }

// Close is there for the interface that all sources share; the connections are
// the client's.
func (s *Source) Close() error { return nil }

func (s *Source) log(ctx context.Context, msg string, args ...any) {
	if s.opts.Logger != nil {
		s.opts.Logger.DebugContext(ctx, msg, args...)
	}
}
