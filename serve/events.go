package serve

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

const (
	// heartbeat keeps what is between alive, and finds out who has gone.
	heartbeat = 15 * time.Second
	// reconnect is after how long a browser asks again.
	reconnect = 3 * time.Second
)

// eventReport is the data of an event.
type eventReport struct {
	Stream  string         `json:"stream"`
	Picture *pictureReport `json:"picture,omitempty"`
	Failure *failureReport `json:"failure,omitempty"`
}

// streamEvents answers GET /streams/{name}/events: an event "picture" for each new one,
// "failure" for each grab that fails, "recovery" behind those for the first that does not.
// The first events tell how it stands. Nothing is grabbed for those who listen; who is
// slow gets how it stands when there is room for it.
func (s *Server) streamEvents(w http.ResponseWriter, r *http.Request, c *camera) error {
	return s.events(w, r, &c.changed, c.gone, func() []*camera { return []*camera{c} })
}

// allEvents answers GET /events: those of all streams, as a browser has few connections
// for a host.
func (s *Server) allEvents(w http.ResponseWriter, r *http.Request) error {
	return s.events(w, r, &s.changed, nil, func() []*camera { return s.visible(r) })
}

func (s *Server) events(w http.ResponseWriter, r *http.Request, changed *signal, gone <-chan struct{}, list func() []*camera) error {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	l := &listener{w: w, control: http.NewResponseController(w), told: map[*camera]standing{}}
	l.write("retry: %d\n\n", reconnect.Milliseconds())
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		next := changed.next()
		l.tellOf(list())
		if l.flush(); l.err != nil {
			return nil // it has gone
		}
		select {
		case <-next:
		case <-beat.C:
			l.write(":\n\n")
		case <-r.Context().Done():
			return nil
		case <-gone:
			return nil
		case <-s.closing:
			return nil
		}
	}
}

// listener is one who listens.
type listener struct {
	w       http.ResponseWriter
	control *http.ResponseController
	told    map[*camera]standing
	err     error
}

// standing is how a stream stands, as far as events tell of it.
type standing struct {
	picture  int64 // the number of the last one; 0 for none
	failures int64 // since the start
	failing  bool
}

func (c *camera) standing() standing {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := standing{failures: c.counts.failures, failing: c.failed != nil}
	if c.last != nil && !c.confirmed.IsZero() {
		s.picture = c.last.number
	}
	return s
}

// tellOf writes what has happened to these streams, and forgets others.
func (l *listener) tellOf(list []*camera) {
	for _, c := range list {
		l.tell(c)
	}
	if len(l.told) > len(list) {
		maps.DeleteFunc(l.told, func(c *camera, _ standing) bool { return !slices.Contains(list, c) })
	}
}

// tell writes what has happened to a stream since the last time.
func (l *listener) tell(c *camera) {
	now, before := c.standing(), l.told[c]
	l.told[c] = now
	if now == before {
		return
	}
	report := c.report(time.Now())
	if now.picture != before.picture && now.picture > 0 {
		l.event("picture", now.picture, &eventReport{Stream: c.conf.Name, Picture: report.Picture})
	}
	switch {
	case now.failing && now.failures != before.failures && report.Failure != nil:
		l.event("failure", 0, &eventReport{Stream: c.conf.Name, Failure: report.Failure})
	case before.failing && !now.failing:
		l.event("recovery", 0, &eventReport{Stream: c.conf.Name, Picture: report.Picture})
	}
}

func (l *listener) event(name string, id int64, report *eventReport) {
	data, err := json.Marshal(report)
	if err != nil {
		panic(err) // of our own types
	}
	if id > 0 {
		l.write("id: %d\n", id)
	}
	l.write("event: %s\ndata: %s\n\n", name, data)
}

func (l *listener) write(format string, args ...any) {
	if l.err == nil {
		extendDeadline(l.w)
		_, l.err = fmt.Fprintf(l.w, format, args...)
	}
}

func (l *listener) flush() {
	if l.err == nil {
		l.err = l.control.Flush()
	}
}
