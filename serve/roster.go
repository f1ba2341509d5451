package serve

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/schedule"
)

// roster holds the configured streams. It never changes, but is replaced.
type roster struct {
	list   []*camera // in the order of the configuration
	byName map[string]*camera
}

// Set replaces the streams. A stream whose settings stay the same keeps its
// pictures and connections; requests under way for any other stream fail. The
// error wraps kfgrab.ErrUsage, and then nothing has changed.
func (s *Server) Set(streams []Stream) error {
	s.run.mu.Lock()
	defer s.run.mu.Unlock()
	if s.run.closed {
		return errClosed
	}

	before, after := s.streams.Load(), &roster{byName: map[string]*camera{}}
	for i := range streams {
		conf := &streams[i]
		if err := conf.validate(); err != nil {
			return err
		}
		if after.byName[conf.Name] != nil {
			return fmt.Errorf("%w: two streams have the name %q", kfgrab.ErrUsage, conf.Name)
		}
		c := before.byName[conf.Name]
		if c == nil || !c.given.Equal(conf) {
			c = newCamera(s.workshop, conf, s.pictures.cache)
		}
		after.list = append(after.list, c)
		after.byName[conf.Name] = c
	}
	s.streams.Store(after)
	s.replaced.broadcast()

	gone := slices.DeleteFunc(slices.Clone(before.list), func(c *camera) bool { return after.byName[c.conf.Name] == c })
	closeAll(gone)
	for _, c := range gone {
		c.cache.forget(c, "")
	}
	s.changed.broadcast()
	return nil
}

// SetLimits changes how many grabs may run at once.
func (s *Server) SetLimits(l Limits) { s.workshop.gate.SetLimits(schedule.Limits(l)) }

// noteChange drops outdated pictures of the camera and wakes those that wait
// for a change.
func (s *Server) noteChange(c *camera) {
	newest := ""
	if last := c.record.load().last; last != nil {
		newest = last.id
	}
	c.cache.forget(c, newest)
	c.changed.broadcast()
	s.changed.broadcast()
}

func (s *Server) countGrab(took time.Duration) { s.metrics.grabbed.Observe(took.Seconds()) }

// visibleStreams returns the streams that the request may see.
func (s *Server) visibleStreams(r *http.Request) []*camera {
	all, names := s.streams.Load().list, visibleNames(r.Context())
	if names == nil {
		return all
	}
	var list []*camera
	for _, c := range all {
		if names[c.conf.Name] {
			list = append(list, c)
		}
	}
	return list
}

// findStream returns a stream by its name. For a stream that the request may
// not see, the error does not reveal whether it exists.
func (s *Server) findStream(r *http.Request, name string) (*camera, error) {
	if names := visibleNames(r.Context()); names != nil && !names[name] {
		return nil, &httpError{http.StatusForbidden, "you may not see this stream; /streams lists those you may"}
	}
	if c := s.streams.Load().byName[name]; c != nil {
		return c, nil
	}
	return nil, notFound("there is no stream %.60q; /streams lists them", name)
}
