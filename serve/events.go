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
	// heartbeat keeps connections through proxies alive, and discovers clients that
	// have gone.
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

// serveStreamEvents answers GET /streams/{name}/events: "picture" for each new
// picture, "failure" for each failed grab, "recovery" for the first grab after
// failures that succeeds. The first events report the present state. Events
// cause no grabs; a slow client gets the state at the time it is ready.
func (s *Server) serveStreamEvents(w http.ResponseWriter, r *http.Request, c *camera) error {
	return s.serveEvents(w, r, &c.changed, c.gone, func() []*camera { return []*camera{c} })
}

// serveAllEvents answers GET /events with those of all streams, since browsers
// open few connections per host.
func (s *Server) serveAllEvents(w http.ResponseWriter, r *http.Request) error {
	return s.serveEvents(w, r, &s.changed, nil, func() []*camera { return s.visibleStreams(r) })
}

func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request, changed *signal, gone <-chan struct{}, list func() []*camera) error {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}

	l := &listener{w: w, control: http.NewResponseController(w), sent: map[*camera]standing{}}
	l.writef("retry: %d\n\n", reconnect.Milliseconds())
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		next := changed.nextChange()
		l.reportAll(list())
		if l.flush(); l.err != nil {
			return nil // the client has gone
		}

		select {
		case <-next:
		case <-beat.C:
			l.writef(":\n\n")
		case <-r.Context().Done():
			return nil
		case <-gone:
			return nil
		case <-s.run.closing:
			return nil
		}
	}
}

// listener is one client of events.
type listener struct {
	w       http.ResponseWriter
	control *http.ResponseController
	sent    map[*camera]standing
	err     error // of the connection
}

// standing is the part of a stream's status that events report.
type standing struct {
	picture  int64 // the number of the last one; 0 if there is none
	failures int64 // since the start
	failing  bool
}

func (s *status) standing() standing {
	now := standing{failures: s.counts.failures, failing: s.failure != nil}
	if s.last != nil && !s.confirmed.IsZero() {
		now.picture = s.last.number
	}
	return now
}

// reportAll reports changes of these streams, and forgets all others.
func (l *listener) reportAll(list []*camera) {
	for _, c := range list {
		l.reportChange(c)
	}
	if len(l.sent) > len(list) {
		maps.DeleteFunc(l.sent, func(c *camera, _ standing) bool { return !slices.Contains(list, c) })
	}
}

// reportChange writes events for what has changed since the last call.
func (l *listener) reportChange(c *camera) {
	s, before := c.Status(), l.sent[c]
	now := s.standing()
	l.sent[c] = now
	if now == before {
		return
	}

	report := newStreamReport(c, time.Now())
	if now.picture != before.picture && now.picture > 0 {
		l.writeEvent("picture", now.picture, &eventReport{Stream: c.conf.Name, Picture: report.Picture})
	}
	switch {
	case now.failing && now.failures != before.failures && report.Failure != nil:
		l.writeEvent("failure", 0, &eventReport{Stream: c.conf.Name, Failure: report.Failure})
	case before.failing && !now.failing:
		l.writeEvent("recovery", 0, &eventReport{Stream: c.conf.Name, Picture: report.Picture})
	}
}

func (l *listener) writeEvent(name string, id int64, report *eventReport) {
	data, err := json.Marshal(report)
	if err != nil {
		panic(err) // report has one of our own types
	}
	if id > 0 {
		l.writef("id: %d\n", id)
	}
	l.writef("event: %s\ndata: %s\n\n", name, data)
}

func (l *listener) writef(format string, args ...any) {
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
