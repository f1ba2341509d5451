package rtsp

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/kfgrab/kfgrab/internal/redact"
	"github.com/kfgrab/kfgrab/keyframe"
)

// maxRedirects is the number of DESCRIBE answers 3xx that are followed.
const maxRedirects = 5

// Source is one RTSP stream. It remembers of a grab what makes the next one
// cheaper. Its methods are not for concurrent use.
type Source struct {
	url    *url.URL // with the scheme that is spoken within a tunnel
	scheme scheme
	opt    Options
	tracks []keyframe.Track
	stats  Stats
	known  *memory  // from the last grab, or nil
	kept   *session // paused, with Options.KeepSession
}

// New returns a Source for an rtsp:// or rtsps:// URL, whose userinfo holds the
// credentials for basic or digest authentication; rtsp+http, rtsps+http, rtsp+ws
// and rtsps+ws tunnel through HTTP and WebSocket. No connection is made yet. o may
// be nil.
func New(u *url.URL, o *Options) (*Source, error) {
	inner, scheme, err := parseAddress(u)
	if err != nil {
		return nil, err
	}
	return &Source{url: inner, scheme: scheme, opt: o.withDefaults()}, nil
}

// Tracks lists the media that the last DESCRIBE told of, video or not. ID is the
// index of the SDP's media description.
func (s *Source) Tracks() []keyframe.Track { return s.tracks }

// Stats tells how the last Keyframe went, even where it failed.
func (s *Source) Stats() Stats { return s.stats }

// Close ends the session that KeepSession has kept, if any.
func (s *Source) Close() error {
	if s.kept != nil {
		s.kept.close()
		s.kept = nil
	}
	return nil
}

// Description is what a stream holds.
type Description struct {
	Codec  keyframe.Codec // of the video track that Keyframe would play, or UnknownCodec
	Info   keyframe.Info  // from the parameter sets; zero where there are none
	Tracks []keyframe.Track
}

// Describe tells what the stream holds: by its SDP alone where that has parameter
// sets, else by the first ones that come. A stream without H.264 or H.265 video is
// described too, and so is one that has no parameter sets. Errors are those of
// Keyframe.
func (s *Source) Describe(ctx context.Context) (*Description, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	d := &Description{Tracks: s.tracks}
	if c.video == nil {
		return d, nil
	}
	d.Codec, d.Info = c.video.codec, c.video.info()
	if d.Info.Width > 0 {
		return d, nil
	}
	defer c.watch(ctx)()
	if err = c.setup(ctx); err == nil {
		d.Info, err = c.playInfo(ctx)
	}
	if errors.Is(err, keyframe.ErrNotFound) && ctx.Err() == nil {
		err = nil
	}
	return d, err
}

// Keyframe takes the first picture that a decoder can start from, in a session of
// its own unless Options.KeepSession. Frame.PTS counts from the beginning of what
// the server plays, or from the first packet where it does not tell.
//
// The error is a *StatusError where the server refuses; it wraps
// keyframe.ErrNotFound where the stream has no video, or ends or uses the budget
// or KeyframeTimeout up before a keyframe, keyframe.ErrUnsupported for other
// codecs, keyframe.ErrCorrupt for answers that make no sense, and
// context.Cause(ctx) once ctx is done. Where nothing comes within KeyframeTimeout,
// or a server is silent for 10 s and there is no deadline in ctx, the error wraps
// os.ErrDeadlineExceeded.
func (s *Source) Keyframe(ctx context.Context) (*keyframe.Frame, error) {
	var first *keyframe.Frame
	err := s.Keyframes(ctx, func(f *keyframe.Frame) bool {
		first = f
		return false
	})
	return first, err
}

// Keyframes gives take the keyframe that Keyframe returns and those that follow it,
// until take returns false; then the error is nil. The session plays on meanwhile:
// while take is busy one keyframe waits for it, and those behind that one are passed
// over. Options.MaxBytes is for all of them, KeyframeTimeout for each. A server that
// can be asked for a keyframe is asked for the next one when none has come within a
// second: at once it would send the same picture again. Behind the last one the error
// wraps keyframe.ErrNotFound; else it is that of Keyframe.
func (s *Source) Keyframes(ctx context.Context, take func(*keyframe.Frame) bool) error {
	s.stats = Stats{}
	if c := s.kept; c != nil {
		s.kept = nil
		played, err := s.play(ctx, c, ReusedSession, take)
		if err == nil || played || ctx.Err() != nil {
			return err
		}
		s.opt.Logger.DebugContext(ctx, "rtsp session was not kept", "why", err)
	}
	if k := s.known; k != nil {
		c, err := s.open(ctx, k.url, k)
		if err != nil {
			return err
		}
		played, err := s.play(ctx, c, ReusedDescription, take)
		if err == nil || played || ctx.Err() != nil {
			return err
		}
		// A DESCRIBE before each SETUP: some Hikvision cameras want it. Others have
		// changed meanwhile, or are gone, which is found out anew.
		s.opt.Logger.DebugContext(ctx, "rtsp description does not hold", "why", err)
	}
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	_, err = s.play(ctx, c, ReusedNothing, take)
	return err
}

// play plays c, which is closed in the end or kept, for take. What an earlier grab has
// found out is forgotten unless this one confirms it.
func (s *Source) play(ctx context.Context, c *session, reused Reuse, take func(*keyframe.Frame) bool) (played bool, err error) {
	if reused != ReusedSession {
		s.known = nil
	}
	s.stats.Reused = reused
	kept := false
	spent := func() {
		s.stats.RoundTrips += int(c.roundTrips.Swap(0))
		c.countDatagrams()
	}
	defer func() {
		if !kept {
			c.close()
		}
		spent()
	}()
	if c.videoErr != nil {
		return false, c.videoErr
	}
	stop := c.watch(ctx)
	defer stop()
	if reused != ReusedSession {
		s.opt.Logger.DebugContext(ctx, "rtsp track", "index", c.video.index, "codec", c.video.codec,
			"of", len(s.tracks), "parameter_sets", len(c.video.parameterSets))
		if err := c.setup(ctx); err != nil {
			return false, err
		}
	}
	if s.opt.OnCodec != nil {
		s.opt.OnCodec(c.video.codec)
	}
	tell := func(stats Stats) {
		stats.RoundTrips, stats.Reused = s.stats.RoundTrips, reused
		s.stats = stats
	}
	stats, played, err := c.play(ctx, func(f *keyframe.Frame, stats Stats) bool {
		tell(stats)
		spent()
		return take(f)
	})
	tell(stats)
	if played {
		s.known = c.learnt
	}
	if err != nil {
		return played, err
	}
	if s.opt.KeepSession && c.pause() && stop() {
		s.kept, kept = c, true
	}
	return true, nil
}

// connect opens a session up to the answer to DESCRIBE, through redirects.
func (s *Source) connect(ctx context.Context) (*session, error) {
	u := s.url
	for hops := 0; ; hops++ {
		c, err := s.open(ctx, u, nil)
		if err != nil {
			return nil, err
		}
		err = c.describe(ctx)
		if s.stats.RoundTrips += int(c.roundTrips.Swap(0)); err == nil {
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
