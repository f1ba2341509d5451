package serve

import (
	"container/list"
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/address"
	"github.com/kfgrab/kfgrab/internal/allow"
	"github.com/kfgrab/kfgrab/picture"
)

const (
	// maxGuests bounds the streams that only requests name. Each holds a keyframe,
	// and a connection for a minute.
	maxGuests = 32
	// guestShare is the part of CacheBytes that their pictures get, in addition to
	// the other streams' CacheBytes.
	guestShare = 8
	// maxURL is the longest URL that servers accept.
	maxURL = 8 << 10
	// guestRetry is in how many seconds one of maxGuests may have ended.
	guestRetry = 5
)

// endings are the formats of the paths that take ?url=.
var endings = []string{".jpg", ".png", ".webp", ".mp4", ".h264", ".h265"}

// guest is a stream that requests name by its URL.
type guest struct {
	camera *camera
	url    string
	users  int // requests under way
}

// guests are the streams that ?url= names. The least recently used go first.
type guests struct {
	mu sync.Mutex
	guestList
}

// guestList is the content of guests, which locks it.
type guestList struct {
	order   list.List // of *guest, the most recently used first
	byURL   map[string]*list.Element
	leaving map[*guest]bool // removed, but not yet closed
	gone    counts          // of those that have been closed
	closed  bool
}

// removeIdle removes the least recently used stream without users; nil if there
// is none.
func (l *guestList) removeIdle() *guest {
	for e := l.order.Back(); e != nil; e = e.Prev() {
		if e.Value.(*guest).users == 0 {
			return l.remove(e)
		}
	}
	return nil
}

// remove returns the stream, which closeRemoved has to close.
func (l *guestList) remove(e *list.Element) *guest {
	g := l.order.Remove(e).(*guest)
	delete(l.byURL, g.url)
	if l.leaving == nil {
		l.leaving = map[*guest]bool{}
	}
	l.leaving[g] = true
	return g
}

// serveGuestFile answers GET /snapshot.jpg?url= and the other formats.
func (s *Server) serveGuestFile(w http.ResponseWriter, r *http.Request, c *camera) error {
	f, err := formatOf(path.Base(r.URL.Path))
	if err != nil {
		return err
	}
	return s.serveSnapshot(w, r, c, f)
}

// withGuest calls h with the stream that ?url= names.
func (s *Server) withGuest(h streamHandler) handler {
	return s.forUnrestricted(func(w http.ResponseWriter, r *http.Request) error {
		rawURL := r.URL.Query().Get("url")
		switch {
		case s.guard.Load().allowed.Empty():
			return &httpError{http.StatusForbidden, "this service only has named streams; /streams lists them"}
		case rawURL == "":
			return badRequest("no stream: give ?url=")
		case len(rawURL) > maxURL:
			return badRequest("the URL is too long: %d bytes, at most %d", len(rawURL), maxURL)
		}

		g, err := s.openGuest(rawURL)
		if err != nil {
			return err
		}
		defer s.guests.leave(g)
		return h(w, r, g.camera)
	})
}

// withGuestOr calls ofGuest if the request has ?url=, and otherwise h.
func (s *Server) withGuestOr(h handler, ofGuest streamHandler) handler {
	byURL := s.withGuest(ofGuest)
	return func(w http.ResponseWriter, r *http.Request) error {
		if strings.Contains(r.URL.RawQuery, "url=") && r.URL.Query().Has("url") {
			return byURL(w, r)
		}
		return h(w, r)
	}
}

// openGuest returns the stream of a URL. The caller must leave it.
func (s *Server) openGuest(rawURL string) (*guest, error) {
	g, evicted, err := s.findGuest(rawURL)
	if evicted != nil {
		s.guests.closeRemoved(evicted)
	}
	return g, err
}

// findGuest is openGuest, except that the caller must close the evicted stream.
// It reads the list of allowed hosts while it holds the lock, since SetGuard
// clears the guests after changing the list.
func (s *Server) findGuest(rawURL string) (g, evicted *guest, err error) {
	s.guests.mu.Lock()
	defer s.guests.mu.Unlock()

	conf, err := newGuestStream(rawURL, s.guard.Load().allowed)
	switch {
	case err != nil:
		return nil, nil, err
	case s.guests.closed:
		return nil, nil, errClosed
	}

	if e := s.guests.byURL[rawURL]; e != nil {
		s.guests.order.MoveToFront(e)
		g := e.Value.(*guest)
		g.users++
		return g, nil, nil
	}

	if s.guests.order.Len() >= maxGuests {
		if evicted = s.guests.removeIdle(); evicted == nil {
			return nil, nil, &refusal{httpError: httpError{
				http.StatusServiceUnavailable, fmt.Sprintf("%d streams named by their URLs are already being grabbed; try again later", maxGuests),
			}, retry: guestRetry}
		}
	}

	g = &guest{camera: newCamera(s.workshop, &conf, s.pictures.guestCache), url: rawURL, users: 1}
	if s.guests.byURL == nil {
		s.guests.byURL = map[string]*list.Element{}
	}
	s.guests.byURL[rawURL] = s.guests.order.PushFront(g)
	return g, evicted, nil
}

// newGuestStream returns the stream of a URL, which connects to allowed hosts
// only: every connection is checked, wherever redirects, playlists and DNS
// lead. The error wraps kfgrab.ErrUsage or allow.ErrRefused.
func newGuestStream(rawURL string, allowed *allow.List) (Stream, error) {
	u, err := address.Parse(rawURL)
	if err != nil {
		return Stream{}, fmt.Errorf("%w: %w", kfgrab.ErrUsage, err)
	}
	if err := allowed.CheckURL(u); err != nil {
		return Stream{}, err
	}

	conf := Stream{Name: picture.StreamName(rawURL), URL: rawURL}
	conf.Options.DialContext = allowed.DialContext
	stream, err := kfgrab.Open(rawURL, &conf.Options)
	if err != nil {
		return Stream{}, err
	}
	return conf, stream.Close()
}

func (g *guests) leave(one *guest) {
	g.mu.Lock()
	defer g.mu.Unlock()
	one.users--
}

// closeRemoved closes streams that have been removed, which may take a while.
func (g *guests) closeRemoved(list ...*guest) {
	for _, one := range list {
		one.camera.close()
		one.camera.cache.forget(one.camera, "")
		s := one.camera.Status()
		g.mu.Lock()
		g.gone.addCounts(&s.counts)
		delete(g.leaving, one)
		g.mu.Unlock()
	}
}

// clear closes all streams. Requests that wait for one fail.
func (g *guests) clear() {
	g.mu.Lock()
	var list []*guest
	for g.order.Len() > 0 {
		list = append(list, g.remove(g.order.Back()))
	}
	g.mu.Unlock()
	g.closeRemoved(list...)
}

// close closes all streams and admits no more.
func (g *guests) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.clear()
}

// sumCounts returns how many streams there are, and the counts of all that
// there have been.
func (g *guests) sumCounts() (n int, sum counts) {
	g.mu.Lock()
	defer g.mu.Unlock()
	sum = g.gone
	for e := g.order.Front(); e != nil; e = e.Next() {
		s := e.Value.(*guest).camera.Status()
		sum.addCounts(&s.counts)
	}
	for one := range g.leaving {
		s := one.camera.Status()
		sum.addCounts(&s.counts)
	}
	return g.order.Len(), sum
}
