package rtsp

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/internal/redact"
	"github.com/kfgrab/kfgrab/keyframe"
)

// maxRedirects is the number of redirects of DESCRIBE that are followed.
const maxRedirects = 5

// Source is one RTSP stream. It remembers what makes the next grab cheaper. Its
// methods are not for concurrent use, except Traffic.
type Source struct {
	url    *url.URL // with the scheme that is spoken within a tunnel
	scheme scheme
	opt    Options
	meter  meter.Counter

	tracks []keyframe.Track
	stats  Stats    // of the last grab
	known  *memory  // from the last grab, or nil
	kept   *session // paused, with Options.KeepSession
}

// New returns a Source for an rtsp:// or rtsps:// URL, whose userinfo holds the
// credentials for basic or digest authentication; rtsp+http, rtsps+http, rtsp+ws
// and rtsps+ws tunnel through HTTP and WebSocket. New makes no connection. o may be
// nil.
func New(u *url.URL, o *Options) (*Source, error) {
	inner, scheme, err := parseAddress(u)
	if err != nil {
		return nil, err
	}
	s := &Source{url: inner, scheme: scheme, opt: o.withDefaults()}
	if s.opt.Transport > Multicast {
		return nil, fmt.Errorf("unknown RTSP transport %v", s.opt.Transport)
	}
	if err := s.opt.checkProxy(); err != nil {
		return nil, err
	}
	return s, nil
}

// Tracks lists the media of the last DESCRIBE, video or not. ID is the index of
// the SDP's media description.
func (s *Source) Tracks() []keyframe.Track { return s.tracks }

// Stats describes the last call of Keyframe or Keyframes, even one that failed.
func (s *Source) Stats() Stats { return s.stats }

// Traffic returns how many bytes the sockets received and sent, and how many
// requests were sent, since New. It may be called from any goroutine.
func (s *Source) Traffic() (down, up int64, requests int) {
	r := s.meter.Read()
	return r.Down, r.Up, r.Requests
}

// Close ends the session that Options.KeepSession has kept, if any.
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
	Info   keyframe.Info  // from the parameter sets; zero if there are none
	Tracks []keyframe.Track
}

// Describe returns what the stream holds: from its SDP alone if that has parameter
// sets, else from the first ones that come. It also describes a stream without
// H.264 or H.265 video, and one without parameter sets. Errors are those of
// Keyframe.
func (s *Source) Describe(ctx context.Context) (*Description, error) {
	c, err := s.connect(ctx, 0)
	if err != nil {
		return nil, err
	}
	defer c.close()

	d := &Description{Tracks: s.tracks}
	if c.video == nil {
		return d, nil
	}
	d.Codec, d.Info = c.video.codec, c.video.parseInfo()
	if d.Info.Width > 0 {
		return d, nil
	}

	defer c.watch(ctx)()
	if err = c.setup(ctx); err == nil {
		d.Codec, d.Info, err = c.playInfo(ctx)
	}
	if errors.Is(err, keyframe.ErrNotFound) && ctx.Err() == nil {
		err = nil
	}
	return d, err
}

// Keyframe returns the first picture that a decoder can start from. It uses a
// session of its own unless Options.KeepSession is set. Frame.PTS counts from the
// beginning of what the server plays, or from the first packet if the server does
// not say.
//
// The error is a *StatusError if the server refuses. It wraps
// keyframe.ErrNotFound if the stream has no video, or ends or exceeds the budget or
// KeyframeTimeout before a keyframe; keyframe.ErrUnsupported for other codecs;
// keyframe.ErrCorrupt for answers that make no sense; and context.Cause(ctx) once
// ctx is done. If nothing comes within KeyframeTimeout, or a server is silent for
// 10 s and ctx has no deadline, the error wraps os.ErrDeadlineExceeded.
func (s *Source) Keyframe(ctx context.Context) (*keyframe.Frame, error) {
	var first *keyframe.Frame
	err := s.Keyframes(ctx, func(f *keyframe.Frame) bool {
		first = f
		return false
	})
	return first, err
}

// Keyframes passes the keyframe that Keyframe returns and the following ones to
// take, until take returns false; then the error is nil. The session plays on
// meanwhile: while take is busy, one keyframe waits for it, and later ones are
// skipped. Options.MaxBytes bounds all of them together, KeyframeTimeout the wait for
// each. If no keyframe has come a second after the last one, Keyframes requests one:
// an earlier request would bring the same picture again. After the last one the error
// wraps keyframe.ErrNotFound; other errors are those of Keyframe.
func (s *Source) Keyframes(ctx context.Context, take func(*keyframe.Frame) bool) error {
	s.stats = Stats{}
	if c := s.kept; c != nil {
		s.kept = nil
		played, err := s.grab(ctx, c, reusedSession, take)
		if err == nil || played || ctx.Err() != nil {
			return err
		}
		s.opt.Logger.DebugContext(ctx, "rtsp session was not kept", "why", err)
	}

	if k := s.known; k != nil {
		c, err := s.newSession(ctx, k.url, k, 0)
		if err != nil {
			return err
		}
		played, err := s.grab(ctx, c, reusedDescription, take)
		if err == nil || played || ctx.Err() != nil {
			return err
		}
		// Some Hikvision cameras want a DESCRIBE before each SETUP. Other streams have
		// changed or gone, which a new DESCRIBE shows.
		s.opt.Logger.DebugContext(ctx, "rtsp description does not hold", "why", err)
	}

	return s.tryTracks(ctx, take)
}

// tryTracks plays one after the other of the video tracks until one delivers a
// keyframe. The error is that of the first one.
func (s *Source) tryTracks(ctx context.Context, take func(*keyframe.Frame) bool) (first error) {
	taken := false
	for candidate := 0; ; candidate++ {
		c, err := s.connect(ctx, candidate)
		if err != nil {
			return errors.Join(first, err)
		}

		video := c.video
		_, err = s.grab(ctx, c, reusedNothing, func(f *keyframe.Frame) bool {
			taken = true
			return take(f)
		})
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
		if taken || ctx.Err() != nil || video == nil || candidate == video.alternatives {
			return first
		}
		s.opt.Logger.DebugContext(ctx, "rtsp track has no keyframe", "index", video.index, "why", err)
	}
}

// grab plays c for take, and then closes c or keeps it. It forgets what an earlier
// grab has learnt unless this one confirms it. played reports whether the server
// accepted PLAY.
func (s *Source) grab(ctx context.Context, c *session, reused string, take func(*keyframe.Frame) bool) (played bool, err error) {
	s.stats.Reused = reused
	kept := false
	defer func() {
		if !kept {
			c.close()
		}
		s.countTraffic(c)
	}()

	if reused != reusedSession {
		s.known = nil
		if err := s.prepare(ctx, c); err != nil {
			return false, err
		}
	}
	stop := c.watch(ctx)
	defer stop()
	if s.opt.OnCodec != nil && c.video.codec != keyframe.UnknownCodec {
		s.opt.OnCodec(c.video.codec)
	}

	stats, played, err := c.playKeyframes(ctx, func(f *keyframe.Frame, stats Stats) bool {
		s.keepStats(stats)
		s.countTraffic(c)
		return take(f)
	})
	s.keepStats(stats)
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

// prepare sets up the track to play.
func (s *Source) prepare(ctx context.Context, c *session) error {
	if c.videoErr != nil {
		return c.videoErr
	}
	s.opt.Logger.DebugContext(ctx, "rtsp track", "index", c.video.index, "codec", c.video.codec,
		"of", len(s.tracks), "parameter_sets", len(c.video.parameterSets))
	defer c.watch(ctx)()
	return c.setup(ctx)
}

// keepStats keeps what a session counted, beside what the Source counts.
func (s *Source) keepStats(stats Stats) {
	stats.RoundTrips, stats.Reused = s.stats.RoundTrips, s.stats.Reused
	s.stats = stats
}

func (s *Source) countTraffic(c *session) {
	s.stats.RoundTrips += c.talk.takeRoundTrips()
	c.countDatagrams()
}

// Receive plays the stream in a session of its own, and passes every picture to
// take in decoding order, as keyframe.Assembler.EveryPicture returns them: until
// ctx is done, the server ends the stream, or nothing comes for 10 s. The origin
// of picture times is arbitrary. take is called by one goroutine at a time, and
// holds up the connection.
//
// Receive always returns an error: context.Cause(ctx), one that wraps
// io.ErrUnexpectedEOF at the stream's end or os.ErrDeadlineExceeded if it fell
// silent, or those of Keyframe. Options.MaxBytes and KeyframeTimeout do not apply.
func (s *Source) Receive(ctx context.Context, take func(*keyframe.Frame)) error {
	s.stats = Stats{}
	c, err := s.connect(ctx, 0)
	if err != nil {
		return err
	}
	defer func() {
		c.close()
		c.countDatagrams()
	}()

	if c.videoErr != nil {
		return c.videoErr
	}
	defer c.watch(ctx)()
	if err := c.setup(ctx); err != nil {
		return err
	}
	return c.playAll(ctx, take)
}

// connect opens a session up to the answer to DESCRIBE, through redirects. candidate
// counts the video tracks that kfgrab reads: which one to play.
func (s *Source) connect(ctx context.Context, candidate int) (*session, error) {
	u := s.url
	for hops := 0; ; hops++ {
		c, err := s.newSession(ctx, u, nil, candidate)
		if err != nil {
			return nil, err
		}

		err = c.describe(ctx)
		if s.stats.RoundTrips += c.talk.takeRoundTrips(); err == nil {
			s.tracks = c.sdp.listTracks()
			return c, nil
		}
		c.close()

		seen := c.talk.read()
		if seen.location == "" {
			return nil, err
		}
		if hops == maxRedirects {
			return nil, &StatusError{
				Code: seen.redirect, Method: "DESCRIBE", URL: redact.URL(u.String()),
				Hint: fmt.Sprintf("more than %d redirects", maxRedirects),
			}
		}
		if u, err = resolveRedirect(u, seen.location); err != nil {
			return nil, err
		}
		s.opt.Logger.DebugContext(ctx, "rtsp redirect", "url", redact.URL(u.String()))
	}
}
