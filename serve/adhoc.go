package serve

import (
	"container/list"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/allow"
	"github.com/kfgrab/kfgrab/internal/redact"
	"github.com/kfgrab/kfgrab/picture"
)

const (
	// maxGuests bounds the streams that are known by requests alone: each holds a
	// connection for a minute, and a keyframe.
	maxGuests = 32
	// guestShare is the part of CacheBytes that their pictures have, beside the others'.
	guestShare = 8
	// maxURL is what servers take.
	maxURL = 8 << 10
	// guestRetry is in how many seconds one of maxGuests may have ended.
	guestRetry = 5
)

// guests are the streams that ?url= names. Those that nobody has asked for for longest go
// first.
type guests struct {
	mu      sync.Mutex
	order   list.List // of *guest, the newest first
	byURL   map[string]*list.Element
	leaving map[*guest]bool // that are being closed
	gone    counts          // of those that have gone
	closed  bool
}

// guest is one of them.
type guest struct {
	camera *camera
	url    string
	users  int // requests under way
}

// endings are those of the formats that streams without a name are served in.
var endings = []string{".jpg", ".png", ".webp", ".mp4", ".h264", ".h265"}

// adhocFile answers GET /snapshot.jpg?url= and its like.
func (s *Server) adhocFile(w http.ResponseWriter, r *http.Request, c *camera) error {
	f, err := formatOf(path.Base(r.URL.Path))
	if err != nil {
		return err
	}
	return s.snapshot(w, r, c, f)
}

// adhoc gives h the stream that ?url= names.
func (s *Server) adhoc(h func(http.ResponseWriter, *http.Request, *camera) error) handler {
	return s.forAll(func(w http.ResponseWriter, r *http.Request) error {
		rawURL := r.URL.Query().Get("url")
		switch {
		case s.guard.Load().allowed.Empty():
			return &httpError{http.StatusForbidden, "this service has no streams but those that it knows by name: /streams lists them"}
		case rawURL == "":
			return badRequest("which stream? Give ?url=")
		case len(rawURL) > maxURL:
			return badRequest("no server takes a URL of %d bytes", len(rawURL))
		}
		g, err := s.welcome(rawURL)
		if err != nil {
			return err
		}
		defer s.guests.leave(g)
		return h(w, r, g.camera)
	})
}

// welcome returns the stream of a URL, which is held until leave.
func (s *Server) welcome(rawURL string) (*guest, error) {
	one, evicted, err := s.admit(rawURL)
	s.guests.end(evicted...)
	return one, err
}

// admit is welcome, but that those who make room for the stream are still to be ended. The
// list of what is allowed is read with the lock held: who changes it clears the guests
// behind that.
func (s *Server) admit(rawURL string) (one *guest, evicted []*guest, err error) {
	s.guests.mu.Lock()
	defer s.guests.mu.Unlock()
	conf, err := guestStream(rawURL, s.guard.Load().allowed)
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
		if evicted = s.guests.evict(); evicted == nil {
			return nil, nil, &refusal{httpError: httpError{
				http.StatusServiceUnavailable, fmt.Sprintf("%d streams that are named by their URLs are being grabbed already", maxGuests),
			}, retry: guestRetry}
		}
	}
	g := &guest{camera: s.newCamera(&conf, s.guestCache), url: rawURL, users: 1}
	if s.guests.byURL == nil {
		s.guests.byURL = map[string]*list.Element{}
	}
	s.guests.byURL[rawURL] = s.guests.order.PushFront(g)
	return g, evicted, nil
}

// guestStream is the stream of a URL, which reaches what is allowed and nothing else:
// every connection is asked for, whatever redirects, playlists and names lead to. The
// error wraps kfgrab.ErrUsage or allow.ErrRefused.
func guestStream(rawURL string, allowed *allow.List) (Stream, error) {
	u, err := url.Parse(rawURL)
	if err != nil { // its text has the password in it
		return Stream{}, fmt.Errorf("%w: %s is no URL", kfgrab.ErrUsage, redact.URL(rawURL))
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

// evict removes the stream that nobody has asked for for longest, of those that nobody
// waits for, nil where there is none. It is called with mu held.
func (g *guests) evict() []*guest {
	for e := g.order.Back(); e != nil; e = e.Prev() {
		if e.Value.(*guest).users == 0 {
			return []*guest{g.remove(e)}
		}
	}
	return nil
}

// remove is called with mu held. What it returns is to be ended without.
func (g *guests) remove(e *list.Element) *guest {
	one := g.order.Remove(e).(*guest)
	delete(g.byURL, one.url)
	if g.leaving == nil {
		g.leaving = map[*guest]bool{}
	}
	g.leaving[one] = true
	return one
}

// end closes streams that have been removed, which may take its time.
func (g *guests) end(list ...*guest) {
	for _, one := range list {
		one.camera.close()
		one.camera.cache.forget(one.camera, "")
		g.mu.Lock()
		g.gone.join(one.camera.counted())
		delete(g.leaving, one)
		g.mu.Unlock()
	}
}

// clear closes all. Requests that wait for one fail.
func (g *guests) clear() {
	g.mu.Lock()
	var list []*guest
	for g.order.Len() > 0 {
		list = append(list, g.remove(g.order.Back()))
	}
	g.mu.Unlock()
	g.end(list...)
}

// close is clear for good.
func (g *guests) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.clear()
}

// counted returns the counts of all that there have been.
func (g *guests) counted() counts {
	g.mu.Lock()
	defer g.mu.Unlock()
	sum := g.gone
	for e := g.order.Front(); e != nil; e = e.Next() {
		sum.join(e.Value.(*guest).camera.counted())
	}
	for one := range g.leaving {
		sum.join(one.camera.counted())
	}
	return sum
}

// byURL has what requests name by ?url= answered in place of h, where they do.
func (s *Server) byURL(h handler, of func(http.ResponseWriter, *http.Request, *camera) error) handler {
	byURL := s.adhoc(of)
	return func(w http.ResponseWriter, r *http.Request) error {
		if strings.Contains(r.URL.RawQuery, "url=") && r.URL.Query().Has("url") {
			return byURL(w, r)
		}
		return h(w, r)
	}
}
