package rtsp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"github.com/kfgrab/kfgrab/keyframe"
)

// play sends PLAY and gives take the keyframes that come, until it returns false. It
// says whether the server went along with the PLAY.
func (s *session) play(ctx context.Context, take func(*keyframe.Frame, Stats) bool) (stats Stats, played bool, err error) {
	r := newReceiver(s.video, s.opt.MaxBytes)
	answer, err := s.begin(ctx, r)
	defer s.receiver.Store(nil)
	if err != nil {
		return Stats{}, false, err
	}
	defer r.stop()
	start, dated := startOf(answer)
	for more := true; more; {
		began := time.Now()
		f, err := s.wait(ctx, r)
		stats = r.stats()
		stats.Wait, stats.Transport = time.Since(began), s.transport
		if err != nil {
			return stats, true, err
		}
		if dated {
			f.PTS = r.since(f.PTS, start)
		}
		s.learnt = s.remember(r.sps() != nil)
		more = take(f, stats)
	}
	return stats, true, nil
}

// playInfo sends PLAY and gathers packets up to the first parameter sets.
func (s *session) playInfo(ctx context.Context) (keyframe.Info, error) {
	r := newReceiver(s.video, s.opt.MaxBytes)
	r.infoWanted = true
	_, err := s.begin(ctx, r)
	defer s.receiver.Store(nil)
	if err != nil {
		return keyframe.Info{}, err
	}
	defer r.stop()
	f, err := s.wait(ctx, r)
	switch {
	case err != nil:
		return keyframe.Info{}, err
	case f != nil:
		return f.Info, nil
	}
	return keyframe.ParseInfo(s.video.codec, r.sps())
}

// begin sends PLAY and has packets go to r.
func (s *session) begin(ctx context.Context, r *receiver) (*base.Response, error) {
	if !s.opt.NoKeyframeRequest && s.canReport {
		r.request = s.requestKeyframe
	}
	s.receiver.Store(r)
	answer, err := s.client.Play(nil)
	if err != nil {
		r.stop()
		return nil, s.fail(ctx, err)
	}
	return answer, nil
}

// wait takes the receiver's frame, as soon as there is one or none can come. The
// session goes on only where there is one.
func (s *session) wait(ctx context.Context, r *receiver) (*keyframe.Frame, error) {
	timeout := time.NewTimer(s.opt.KeyframeTimeout)
	defer timeout.Stop()
	late := false
	select {
	case <-r.settled:
	case <-s.ended:
		r.settle(errors.As(s.endErr, &liberrors.ErrClientUnhandledMethod{}))
	case <-timeout.C:
		r.settle(false)
		late = true
	case <-ctx.Done():
		s.close()
	}
	f, missing := r.take()
	if missing == nil {
		return f, nil
	}
	select {
	case <-s.ended:
	default:
		s.close()
		s.endErr = nil // the end was ours
	}
	err := s.endErr
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%v: %w", missing, context.Cause(ctx))
	case late:
		return nil, r.late(s.opt.KeyframeTimeout, s.transport)
	case err == nil || errors.Is(err, io.EOF) || errors.As(err, &liberrors.ErrClientUnhandledMethod{}):
		return nil, fmt.Errorf("%w (%s)", missing, r.reason())
	case timedOut(err):
		return nil, fmt.Errorf("%v: the stream fell silent: %w", missing, os.ErrDeadlineExceeded)
	}
	return nil, s.fail(ctx, err)
}

// startOf reads the RTP timestamp at which the server says that play begins (RFC
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

// pauseTime is how long a server may take to pause. One that takes longer gets a
// new session the next time.
const pauseTime = time.Second

// pause stops the packets and keeps the session. It says whether that worked.
func (s *session) pause() bool {
	defer time.AfterFunc(pauseTime, s.client.Close).Stop()
	_, err := s.client.Pause()
	return err == nil
}
