package hlssource

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
)

// maxReloads bounds the media playlists that are kept: the rendition's and that
// of its I-frames, and again as many after a change.
const maxReloads = 4

// A reload is a media playlist as it was last seen, and what makes it cheaper to
// see it again.
type reload struct {
	media *hls.Media
	seen  time.Time // when it was asked for

	// The last answers to the requests for a whole, or its end, and for a delta
	// update.
	whole, delta answer

	end    *hls.Ending // nil where the playlist is not to be read by its end
	noSkip bool        // delta updates do not join up
}

// answer is what is left of a document for its validators.
type answer struct {
	asked string // address, with directives
	doc   *fetch.Document
}

// to returns the document if it was the answer to the same question.
func (a answer) to(u *url.URL) *fetch.Document {
	if a.doc == nil || a.asked != u.String() {
		return nil
	}
	return a.doc
}

func answerTo(u *url.URL, doc *fetch.Document) answer {
	return answer{u.String(), &fetch.Document{URL: doc.URL, Header: doc.Header}}
}

// playlist fetches what is at u: a media playlist that was there before with as
// little as the server lets one.
func (s *Source) playlist(ctx context.Context, u *url.URL) (*hls.Playlist, error) {
	name := withoutDirectives(u)
	r := s.reloads[name]
	if r == nil {
		r = &reload{}
	}
	asked := time.Now()
	p, err := s.reload(ctx, u, r)
	if err != nil || p.Media == nil {
		delete(s.reloads, name)
		return p, err
	}
	r.media, r.seen, s.latest = p.Media, asked, p.Media
	if s.reloads[name] == nil && len(s.reloads)%maxReloads == 0 {
		s.reloads = map[string]*reload{}
	}
	s.reloads[name] = r
	return p, nil
}

// reload asks for what is new, or if that does not join up, for the whole.
func (s *Source) reload(ctx context.Context, u *url.URL, r *reload) (*hls.Playlist, error) {
	if doc := s.opts.Playlist; doc != nil {
		s.opts.Playlist = nil
		return s.readWhole(u, doc, r)
	}
	if r.media != nil && r.media.Live {
		age := time.Since(r.seen)
		var p *hls.Playlist
		var err error
		if skippable(r.media.ServerControl, age) && !r.noSkip {
			p, err = s.reloadDelta(ctx, u, r)
		} else if n := r.end.Need(r.media, age); n > 0 {
			p, err = s.reloadEnd(ctx, u, r, n)
		}
		if p != nil || err != nil {
			return p, err
		}
	}
	doc, err := s.client.GetNewer(ctx, u, hls.MaxBytes, r.whole.to(u))
	if err != nil {
		return nil, err
	}
	return s.readWhole(u, doc, r)
}

// readWhole reads a document that is all of the playlist.
func (s *Source) readWhole(u *url.URL, doc *fetch.Document, r *reload) (*hls.Playlist, error) {
	if doc.NotModified {
		return &hls.Playlist{URL: doc.URL, Media: r.media}, nil
	}
	p, err := hls.Parse(doc.Body, doc.URL, s.master)
	if err != nil || p.Media == nil {
		return p, err
	}
	r.whole, r.end = answerTo(u, doc), nil
	if doc.Header.Get("Content-Encoding") == "" {
		r.end = p.Media.Ending(doc.Body)
	}
	return p, nil
}

// reloadDelta asks for a delta update. Without playlist and error, the whole is
// to be asked for.
func (s *Source) reloadDelta(ctx context.Context, u *url.URL, r *reload) (*hls.Playlist, error) {
	ask := skipURL(u)
	doc, err := s.client.GetNewer(ctx, ask, hls.MaxBytes, r.delta.to(ask))
	if err != nil {
		r.noSkip = true
		return nil, final(ctx, err)
	}
	if doc.NotModified {
		return s.readWhole(u, doc, r)
	}
	p, err := r.media.ParseUpdate(doc.Body, doc.URL, s.master)
	if err != nil {
		r.noSkip = true
		s.log(ctx, "the delta update does not join up")
		return nil, nil
	}
	r.delta, r.end = answerTo(ask, doc), nil
	return p, nil
}

// reloadEnd is reloadDelta for a server that makes no delta updates: of the last
// n bytes.
func (s *Source) reloadEnd(ctx context.Context, u *url.URL, r *reload, n int64) (*hls.Playlist, error) {
	end := r.end
	r.end = nil // until it has proved good
	doc, err := s.client.GetEnd(ctx, u, n, hls.MaxBytes, r.whole.to(u))
	switch {
	case err != nil:
		return nil, final(ctx, err)
	case doc.NotModified:
		r.end = end
		return s.readWhole(u, doc, r)
	case doc.Offset == 0:
		return s.readWhole(u, doc, r)
	}
	p, next := end.Merge(r.media, doc.Body, doc.Offset, doc.URL, s.master)
	if next == nil {
		s.log(ctx, "the end of the playlist does not join up")
		return nil, nil // what is wrong, the whole will tell
	}
	r.whole, r.end = answerTo(u, doc), next
	return p, nil
}

// final returns err where another request would fare no better.
func final(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, fetch.ErrBudget) {
		return err
	}
	return nil
}
