package hlssource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	// maxAlternates bounds what is tried in place of a variant that cannot be
	// fetched. Services have two or three pathways.
	maxAlternates = 3

	// maxPatience is what a media playlist, or the segments read for one keyframe,
	// may take where there is an alternate; where the job is to end earlier, half of
	// what is left.
	maxPatience = 10 * time.Second
)

// selection is the variant that was chosen from the master playlist, and what may
// take its place (RFC 8216 4.3.4.2; PATHWAY-ID of draft-pantos-hls-rfc8216bis
// 4.4.6.2).
type selection struct {
	chosen     *hls.Variant   // nil before the choice, and where there is no master playlist
	alternates []*hls.Variant // in the order in which they are tried
	picked     *hls.Variant   // what Master.Pick chose
	spare      int            // how many may still be tried in this grab
	fresh      bool           // the master playlist was fetched in this grab
}

// patience bounds what is read of one variant while there is another to turn to.
func (s *Source) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.spare == 0 {
		return ctx, func() {}
	}
	limit := patient(ctx)
	return neterror.WithTimeout(ctx, limit)
}

func patient(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(maxPatience, time.Until(deadline)/2)
	}
	return maxPatience
}

// withAlternates takes a keyframe by take, and where the variant cannot be fetched,
// of the next alternate. The one that worked is kept for the next grab, unless its
// picture is of another size. The error is that of the first.
func (s *Source) withAlternates(ctx context.Context, take func(context.Context) (*keyframe.Frame, error)) (*keyframe.Frame, error) {
	s.spare, s.fresh = len(s.alternates), false
	s.begun, s.ahead = time.Now(), nil
	f, err := take(ctx)
	first := err
	for err != nil && s.spare > 0 && elsewhereMayDo(ctx, err) {
		s.spare--
		next := s.alternates[0]
		s.log(ctx, "fail-over", "to", next.String(), "pathway", next.PathwayID, "uri", s.master.VideoURI(next).String(), "because", err)
		s.turnTo(next, append(s.alternates[1:len(s.alternates):len(s.alternates)], s.chosen))
		f, err = take(ctx)
	}
	if s.chosen != nil && (s.chosen.Width != s.picked.Width || s.chosen.Height != s.picked.Height) {
		s.forget()
	}
	if err != nil && ctx.Err() == nil {
		err = first
	}
	return f, err
}

// elsewhereMayDo says whether it is worth trying another address after err: where
// the network or the server failed, but not where it wants credentials.
func elsewhereMayDo(ctx context.Context, err error) bool {
	var status *fetch.StatusError
	var transfer *fetch.Error
	var slow *neterror.TimeoutError
	switch {
	case ctx.Err() != nil, refused(err):
		return false
	case errors.As(err, &status):
		return status.Code != http.StatusUnauthorized && status.Code != http.StatusProxyAuthRequired
	}
	return errors.As(err, &transfer) || errors.As(err, &slow)
}

// turnTo makes v the variant to be read. Where the next keyframe is waited for, and a
// report on v is at hand, its playlist is first asked for with what comes next.
func (s *Source) turnTo(v *hls.Variant, alternates []*hls.Variant) {
	s.chosen, s.alternates = v, alternates
	s.variant, s.noIFrames, s.noTiles, s.learnt = nil, false, false, learnt{ahead: s.reported(v)}
}

// forget has the next playlist begin with the master playlist.
func (s *Source) forget() {
	s.master, s.variant, s.selection, s.learnt = nil, nil, selection{}, learnt{}
}

// knownPlaylist fetches the media playlist of the variant chosen, and chooses one
// where there is none, or none any more.
func (s *Source) knownPlaylist(ctx context.Context) (*hls.Media, error) {
	if s.variant != nil {
		media, err := s.variantPlaylist(ctx)
		if s.fresh || !gone(err) {
			return media, err
		}
		s.log(ctx, "the rendition has gone", "because", err)
		s.forget()
	}
	if s.chosen == nil {
		if media, err := s.choose(ctx); media != nil || err != nil {
			return media, err
		}
	}
	s.variant = s.chosen
	if media := s.imagePlaylist(ctx); media != nil {
		return media, nil
	}
	if media := s.iframePlaylist(ctx); media != nil {
		return media, nil
	}
	return s.variantPlaylist(ctx)
}

// choose chooses from the master playlist. Where it is a media playlist, that is
// returned.
func (s *Source) choose(ctx context.Context) (*hls.Media, error) {
	p, err := s.playlist(ctx, s.url)
	if err != nil {
		return nil, err
	}
	if p.Media != nil {
		return p.Media, nil
	}
	choice, err := p.Master.Pick(s.opts.PickOptions)
	if err != nil {
		return nil, err
	}
	s.log(ctx, "rendition", "choice", choice.Reason, "uri", p.Master.VideoURI(choice.Variant).String())
	s.master = p.Master
	s.selection = selection{
		chosen: choice.Variant, picked: choice.Variant, fresh: true,
		alternates: slices.Clip(choice.Alternates[:min(len(choice.Alternates), maxAlternates)]),
	}
	s.spare = len(s.alternates)
	return nil, nil
}

// gone says whether an address that was good once is no longer: the stream has
// another ladder now, or the token in it has run out. The master playlist tells.
func gone(err error) bool {
	var status *fetch.StatusError
	return errors.As(err, &status) && status.Code/100 == 4 && status.Code != http.StatusTooManyRequests
}

func (s *Source) variantPlaylist(ctx context.Context) (*hls.Media, error) {
	u, err := s.address()
	if err != nil {
		return nil, err
	}
	if s.ahead != nil && s.variant == s.chosen {
		u = blocking(u, *s.ahead, s.ahead.Part > 0)
	}
	ctx, cancel := s.patience(ctx)
	defer cancel()
	p, err := s.playlist(ctx, u)
	if err != nil {
		return nil, err
	}
	if p.Media == nil {
		return nil, fmt.Errorf("%w: the master playlist leads to another master playlist", keyframe.ErrCorrupt)
	}
	return p.Media, nil
}

// address returns where the media playlist is that is being read.
func (s *Source) address() (*url.URL, error) {
	switch s.variant {
	case nil:
		return s.url, nil
	case s.chosen:
		return s.master.VideoURI(s.variant).Resolve()
	}
	return s.variant.URI.Resolve() // of I-frames or images
}

// reported returns the place behind all that the rendition v lists, as the playlist
// that was read last has it: nil where that does not tell, or where there is no use
// in it, as v cannot be waited for.
func (s *Source) reported(v *hls.Variant) *hls.Place {
	m := s.latest
	if s.opts.Edge != hls.EdgeNext || m == nil || !m.ServerControl.CanBlockReload {
		return nil
	}
	u, err := s.master.VideoURI(v).Resolve()
	if err != nil {
		return nil
	}
	for _, r := range m.RenditionReports {
		if other, err := r.URI.Resolve(); err == nil && withoutDirectives(other) == withoutDirectives(u) {
			end := m.EndOf(r)
			return &end
		}
	}
	return nil
}
