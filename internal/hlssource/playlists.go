package hlssource

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
)

// maxKept bounds the media playlists that are kept: the rendition's and that of its
// I-frames, and again as many after a change.
const maxKept = 4

// keptPlaylist is the last version of a media playlist, with the state that makes it
// cheaper to fetch again.
type keptPlaylist struct {
	media *hls.Media
	seen  time.Time // when it was asked for

	// The last answers to the requests for the whole playlist, or its end, and for a
	// delta update.
	whole, delta answer

	end    *hls.Ending // nil if the playlist is not to be read by its end
	noSkip bool        // delta updates do not join up
}

// answer is a document without its body, kept for its validators.
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

// loadPlaylist fetches the playlist at u. A media playlist that was fetched before
// costs as few bytes as the server allows.
func (s *Source) loadPlaylist(ctx context.Context, u *url.URL) (*hls.Playlist, error) {
	name := withoutDirectives(u)
	k := s.kept[name]
	if k == nil {
		k = &keptPlaylist{}
	}
	asked := time.Now()
	p, err := s.reload(ctx, u, k)
	if err != nil || p.Media == nil {
		delete(s.kept, name)
		return p, err
	}

	k.media, k.seen, s.latest = p.Media, asked, p.Media
	if s.kept[name] == nil && len(s.kept)%maxKept == 0 {
		s.kept = map[string]*keptPlaylist{}
	}
	s.kept[name] = k
	return p, nil
}

// reload requests only the new lines or, if these do not join up, the whole.
func (s *Source) reload(ctx context.Context, u *url.URL, k *keptPlaylist) (*hls.Playlist, error) {
	if doc := s.given; doc != nil {
		s.given = nil
		return s.readWhole(u, doc, k)
	}

	if k.media != nil && k.media.Live {
		age := time.Since(k.seen)
		var p *hls.Playlist
		var err error
		if canSkip(k.media.ServerControl, age) && !k.noSkip {
			p, err = s.reloadDelta(ctx, u, k)
		} else if k.end != nil {
			if n := k.end.Need(k.media, age); n > 0 {
				p, err = s.reloadEnd(ctx, u, k, n)
			}
		}
		if p != nil || err != nil {
			return p, err
		}
	}

	doc, err := s.client.GetNewer(ctx, u, hls.MaxBytes, k.whole.to(u))
	if err != nil {
		return nil, err
	}
	return s.readWhole(u, doc, k)
}

// readWhole reads a document that is all of the playlist.
func (s *Source) readWhole(u *url.URL, doc *fetch.Document, k *keptPlaylist) (*hls.Playlist, error) {
	if doc.NotModified {
		return &hls.Playlist{URL: doc.URL, Media: k.media}, nil
	}
	p, err := hls.Parse(doc.Body, doc.URL, s.master)
	if err != nil || p.Media == nil {
		return p, err
	}

	k.whole, k.end = answerTo(u, doc), nil
	if doc.Header.Get("Content-Encoding") == "" {
		k.end = p.Media.Ending(doc.Body)
	}
	return p, nil
}

// reloadDelta requests a delta update. It returns neither playlist nor error if the
// whole must be requested.
func (s *Source) reloadDelta(ctx context.Context, u *url.URL, k *keptPlaylist) (*hls.Playlist, error) {
	ask := skipURL(u)
	doc, err := s.client.GetNewer(ctx, ask, hls.MaxBytes, k.delta.to(ask))
	switch {
	case mayHelp(ctx, err, wholePlaylist):
		k.noSkip = true
		return nil, nil
	case err != nil:
		return nil, err
	case doc.NotModified:
		return s.readWhole(u, doc, k)
	}

	p, err := k.media.ParseUpdate(doc.Body, doc.URL, s.master)
	if err != nil {
		k.noSkip = true
		s.log(ctx, "the delta update does not join up", "because", err)
		return nil, nil
	}
	k.delta, k.end = answerTo(ask, doc), nil
	return p, nil
}

// reloadEnd requests the last n bytes, from a server that makes no delta updates. Its
// results are those of reloadDelta.
func (s *Source) reloadEnd(ctx context.Context, u *url.URL, k *keptPlaylist, n int64) (*hls.Playlist, error) {
	end := k.end
	k.end = nil // until it has proved good
	doc, err := s.client.GetEnd(ctx, u, n, hls.MaxBytes, k.whole.to(u))
	switch {
	case mayHelp(ctx, err, wholePlaylist):
		return nil, nil
	case err != nil:
		return nil, err
	case doc.NotModified:
		k.end = end
		return s.readWhole(u, doc, k)
	case doc.Offset == 0:
		return s.readWhole(u, doc, k)
	}

	p, next := end.Merge(k.media, doc.Body, doc.Offset, doc.URL, s.master)
	if next == nil {
		s.log(ctx, "the end of the playlist does not join up")
		return nil, nil
	}
	k.whole, k.end = answerTo(u, doc), next
	return p, nil
}

// canSkip reports whether a delta update may be asked for with a playlist of this
// age: up to half of the skip boundary (draft-pantos-hls-rfc8216bis 6.2.5.1).
func canSkip(c hls.ServerControl, age time.Duration) bool {
	return c.CanSkipUntil > 0 && age >= 0 && age <= c.CanSkipUntil/2
}

// skipURL returns the URL of a delta update of the playlist at u. The rest of the query
// stays the same byte for byte: it may be signed.
func skipURL(u *url.URL) *url.URL {
	const directive = "_HLS_skip="
	if strings.Contains("&"+u.RawQuery, "&"+directive) {
		return u
	}
	return withQuery(u, directive+"YES")
}

// blockingURL returns the URL of the playlist with next in it
// (draft-pantos-hls-rfc8216bis 6.2.5.2).
func blockingURL(u *url.URL, next hls.Place, parts bool) *url.URL {
	query := "_HLS_msn=" + strconv.FormatInt(next.Sequence, 10)
	if parts {
		query += "&_HLS_part=" + strconv.Itoa(next.Part)
	}
	return withQuery(u, query)
}

func withQuery(u *url.URL, more string) *url.URL {
	longer := *u
	if longer.RawQuery != "" {
		longer.RawQuery += "&"
	}
	longer.RawQuery += more
	return &longer
}

// withoutDirectives returns the address of a playlist without the delivery
// directives (draft-pantos-hls-rfc8216bis 6.2.5: _HLS_msn, _HLS_part, _HLS_skip).
func withoutDirectives(u *url.URL) string {
	rest := slices.DeleteFunc(strings.Split(u.RawQuery, "&"), func(parameter string) bool {
		return strings.HasPrefix(parameter, "_HLS_")
	})
	plain := *u
	plain.RawQuery = strings.Join(rest, "&")
	return plain.String()
}
