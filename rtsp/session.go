package rtsp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"

	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/keyframe"
)

// connecting is the method before the first request.
const connecting base.Method = "connect"

// session is one RTSP connection, from OPTIONS to TEARDOWN. It outlives a grab
// if Options.KeepSession is set.
type session struct {
	client *gortsplib.Client
	url    *url.URL
	tunnel tunnel
	login  *login
	opt    *Options
	meter  *meter.Counter
	known  *memory // from an earlier grab, or nil

	talk     conversation             // shared with gortsplib's goroutine
	receiver atomic.Pointer[receiver] // of the play that is on, shared as well
	ended    chan struct{}            // closed when the client has ended, after endErr is set
	endErr   error

	sdp       *sdp                 // of the answer to DESCRIBE
	video     *videoTrack          // the track to play, or nil
	videoErr  error                // why there is none
	desc      *description.Session // what gortsplib made of the reduced SDP
	aggregate *url.URL             // of all tracks together
	controls  []*url.URL           // that the track may have

	transport     Transport // that SETUP agreed on
	canReport     bool      // the server takes RTCP
	announced     *uint32   // SSRC in the answer to SETUP, or nil
	datagramBytes int64     // that the meter has
	learnt        *memory   // for the next session, or nil
}

// memory is what a session has learnt for the next one.
type memory struct {
	url       *url.URL // where redirects led
	public    string   // the methods that the server listed
	basic     bool     // it wants Basic authentication
	transport Transport

	sdp       *sdp
	video     *videoTrack
	desc      *description.Session
	aggregate *url.URL
	controls  []*url.URL
}

// newSession prepares a session. The first request makes the connection.
func (s *Source) newSession(ctx context.Context, u *url.URL, known *memory, candidate int) (*session, error) {
	c := &session{
		url: u, tunnel: s.scheme.tunnel, login: newLogin(u.User), opt: &s.opt, meter: &s.meter,
		known: known, ended: make(chan struct{}),
	}
	c.talk.asked, c.talk.candidate, c.talk.seen.method = u, candidate, connecting
	if known != nil {
		c.sdp, c.video, c.desc = known.sdp, known.video, known.desc
		c.aggregate, c.controls = known.aggregate, known.controls
		c.talk.seen.video = known.video
		c.login.basic.Store(known.basic)
	}

	c.client = c.newClient(ctx)
	if err := c.client.Start(); err != nil {
		return nil, fmt.Errorf("%w: %s", keyframe.ErrCorrupt, oneLine(err.Error()))
	}
	go func() {
		c.endErr = c.client.Wait()
		close(c.ended)
	}()
	return c, nil
}

// watch ends the session with ctx until stop is called. stop reports whether the
// session goes on.
func (s *session) watch(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, s.client.Close)
}

// close sends TEARDOWN if there is a session, without waiting for an answer. It
// returns when the connection is closed and all goroutines have ended.
func (s *session) close() {
	s.client.Close()
	<-s.ended
}

// describe sends OPTIONS and DESCRIBE. A stream without a track to play is no
// error here: its tracks can be listed.
func (s *session) describe(ctx context.Context) error {
	defer s.watch(ctx)()
	desc, _, err := s.client.Describe((*base.URL)(onHostOf(s.url, s.url)))
	seen := s.talk.read()
	s.desc, s.sdp, s.video, s.videoErr = desc, seen.sdp, seen.video, seen.videoErr
	s.aggregate, s.controls = seen.aggregate, seen.controls
	if err == nil || (s.videoErr != nil && ctx.Err() == nil) {
		return nil
	}
	return s.translateError(ctx, err)
}

// startPlay sends PLAY. Packets go to r from then on.
func (s *session) startPlay(ctx context.Context, r *receiver) (*base.Response, error) {
	if !s.opt.NoKeyframeRequest && s.canReport {
		r.request = s.requestKeyframe
	}
	s.receiver.Store(r)
	answer, err := s.client.Play(nil)
	if err != nil {
		s.stopPlay(r)
		return nil, s.translateError(ctx, err)
	}
	return answer, nil
}

func (s *session) newReceiver(limit int64) *receiver {
	r := newReceiver(s.video, limit)
	r.sources.announced = s.announced
	return r
}

func (s *session) stopPlay(r *receiver) {
	s.receiver.Store(nil)
	r.giveUp()
}

// playKeyframes sends PLAY and passes keyframes to take until it returns false.
// played reports whether the server accepted PLAY.
func (s *session) playKeyframes(ctx context.Context, take func(*keyframe.Frame, Stats) bool) (stats Stats, played bool, err error) {
	r := s.newReceiver(s.opt.MaxBytes)
	answer, err := s.startPlay(ctx, r)
	if err != nil {
		return Stats{}, false, err
	}
	defer s.stopPlay(r)

	start, dated := startOf(answer)
	for more := true; more; {
		began := time.Now()
		f, err := s.awaitFrame(ctx, r)
		stats = r.readStats()
		stats.Wait, stats.Transport = time.Since(began), s.transport
		if err != nil {
			return stats, true, err
		}

		if dated && !s.video.isTransportStream() {
			f.PTS = r.sinceStart(f.PTS, start)
		}
		s.learnt = s.remember(r.hasSets())
		more = take(f, stats)
	}
	return stats, true, nil
}

// playInfo sends PLAY and waits for the first parameter sets.
func (s *session) playInfo(ctx context.Context) (keyframe.Codec, keyframe.Info, error) {
	codec := s.video.codec
	r := s.newReceiver(s.opt.MaxBytes)
	r.infoWanted = true
	if _, err := s.startPlay(ctx, r); err != nil {
		return codec, keyframe.Info{}, err
	}
	defer s.stopPlay(r)

	f, err := s.awaitFrame(ctx, r)
	switch {
	case err != nil:
		return codec, keyframe.Info{}, err
	case f != nil:
		return f.Codec, f.Info, nil
	}
	info, err := keyframe.ParseInfo(codec, r.firstSPS())
	return codec, info, err
}

// awaitFrame returns the receiver's frame as soon as there is one or none can
// come. Without a frame it ends the session.
func (s *session) awaitFrame(ctx context.Context, r *receiver) (*keyframe.Frame, error) {
	timeout := time.NewTimer(s.opt.KeyframeTimeout)
	defer timeout.Stop()
	share := s.opt.KeyframeTimeout / time.Duration(s.video.alternatives+1) // of a track that stays silent
	defer time.AfterFunc(share, r.endSilent).Stop()
	late := false
	select {
	case <-r.settled:
	case <-s.ended:
		r.endStream(isTeardown(s.endErr))
	case <-timeout.C:
		r.endStream(false)
		late = true
	case <-ctx.Done():
		s.close()
	}

	f, missing := r.takeFrame()
	if missing == nil {
		return f, nil
	}

	var cause error // of an end that is not ours
	select {
	case <-s.ended:
		cause = s.endErr
	default:
		s.close()
	}
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%v: %w", missing, context.Cause(ctx))
	case r.readStats().Packets == 0 && cause == nil:
		return nil, s.silentError(r, share)
	case late:
		return nil, r.lateError(s.opt.KeyframeTimeout, s.transport)
	case isEndOfStream(cause):
		return nil, fmt.Errorf("%w (%s)", missing, r.endReason())
	case isTimeout(cause):
		return nil, fmt.Errorf("%v: the stream fell silent: %w", missing, os.ErrDeadlineExceeded)
	}
	return nil, s.translateError(ctx, cause)
}

// silentError explains why no packet of the track came.
func (s *session) silentError(r *receiver, timeout time.Duration) error {
	if list := listOthers(s.talk.read().others); list != "" {
		return fmt.Errorf("%w: the server sent packets of payload type %s, which its SDP does not give to the video", keyframe.ErrNotFound, list)
	}
	return r.lateError(timeout, s.transport)
}

// isEndOfStream reports whether a session ended without a failure.
func isEndOfStream(err error) bool { return err == nil || errors.Is(err, io.EOF) || isTeardown(err) }

// startOf returns the RTP timestamp at which the server says that play begins (RFC
// 2326 12.33).
func startOf(answer *base.Response) (stamp uint32, ok bool) {
	var info headers.RTPInfo
	if err := info.Unmarshal(answer.Header["RTP-Info"]); err != nil {
		return 0, false
	}
	for _, e := range info {
		if e.Timestamp != nil {
			return *e.Timestamp, true
		}
	}
	return 0, false
}

// playAll sends PLAY and passes every picture to take until the stream ends.
func (s *session) playAll(ctx context.Context, take func(*keyframe.Frame)) error {
	r := s.newReceiver(math.MaxInt64)
	r.receiveEvery(take)
	if _, err := s.startPlay(ctx, r); err != nil {
		return err
	}
	defer s.stopPlay(r)

	second := time.NewTicker(time.Second)
	defer second.Stop()
	for packets, quiet := 0, time.Duration(0); ; {
		select {
		case <-r.settled:
			return errStreamEnded
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.ended:
			r.endStream(true)
			return s.endError(ctx)
		case <-second.C:
		}

		s.countDatagrams()
		if now := r.readStats().Packets; now > packets {
			packets, quiet = now, 0
		} else if quiet += time.Second; quiet >= silence {
			return errSilent
		}
	}
}

var (
	errStreamEnded = fmt.Errorf("the server ended the stream: %w", io.ErrUnexpectedEOF)
	errSilent      = fmt.Errorf("the stream fell silent: %w", os.ErrDeadlineExceeded)
)

// endError names what ended the session during playAll.
func (s *session) endError(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case isEndOfStream(s.endErr):
		return errStreamEnded
	case isTimeout(s.endErr):
		return errSilent
	}
	return s.translateError(ctx, s.endErr)
}

// pauseTime is how long a server may take to pause. A slower one gets a new
// session the next time.
const pauseTime = time.Second

// pause stops the packets and keeps the session. It reports whether that worked.
func (s *session) pause() bool {
	defer time.AfterFunc(pauseTime, s.client.Close).Stop()
	_, err := s.client.Pause()
	return err == nil
}

// remember returns what holds for the next session, or nil. inBand reports
// whether the stream repeats its parameter sets. Otherwise each session needs a
// DESCRIBE, because a picture decoded with yesterday's sets comes out torn; so
// does a stream encrypted with keys of the session.
func (s *session) remember(inBand bool) *memory {
	if !inBand || s.video.encrypted {
		return nil
	}
	return &memory{
		url: s.url, public: s.talk.read().public, basic: s.login.basic.Load(), transport: s.transport,
		sdp: s.sdp, video: s.video, desc: s.desc, aggregate: s.aggregate, controls: s.controls,
	}
}
