package serve

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/redact"
	"github.com/kfgrab/kfgrab/internal/schedule"
)

// roster is the streams that there are. It is not changed, but replaced.
type roster struct {
	list   []*camera // in the order of the configuration
	byName map[string]*camera
}

// Set replaces the streams. Those that are as they were go on with all that is known of
// them; of others, requests under way fail. The error wraps kfgrab.ErrUsage, and then
// nothing has changed.
func (s *Server) Set(streams []Stream) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
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
			c = s.newCamera(conf, s.cache)
		}
		after.list = append(after.list, c)
		after.byName[conf.Name] = c
	}
	s.streams.Store(after)
	s.replaced.tell()
	gone := slices.DeleteFunc(slices.Clone(before.list), func(c *camera) bool { return after.byName[c.conf.Name] == c })
	closeAll(gone)
	for _, c := range gone {
		s.cache.forget(c, "")
	}
	s.changed.tell()
	return nil
}

// closeAll takes as long as the slowest.
func closeAll(list []*camera) {
	var all sync.WaitGroup
	for _, c := range list {
		all.Go(c.close)
	}
	all.Wait()
}

// SetLimits changes how many grabs there may be at once.
func (s *Server) SetLimits(l Limits) { s.gate.SetLimits(schedule.Limits(l)) }

func (s *Server) newCamera(conf *Stream, cache *cache) *camera {
	c := &camera{conf: *conf, given: *conf, cache: cache, gate: s.gate, pool: s.pool, host: schedule.HostOf(conf.URL), poked: make(chan struct{}, 1), gone: make(chan struct{})}
	if c.conf.TTL == 0 {
		c.conf.TTL = DefaultTTL
	}
	if c.conf.Timeout == 0 {
		c.conf.Timeout = DefaultTimeout
	}
	c.conf.RedactedURL = cmp.Or(conf.RedactedURL, redact.URL(conf.URL))
	c.conf.Picture.Name = conf.Name
	c.conf.Picture.Software = s.opt.Software
	c.conf.Picture.NoSource = true // a picture goes further than who may know the camera's address
	c.told = s.told
	c.took = func(d time.Duration) { s.metrics.grabbed.Observe(d.Seconds()) }
	return c
}

// told takes in that something has changed of a stream.
func (s *Server) told(c *camera) {
	c.mu.Lock()
	newest := ""
	if c.last != nil {
		newest = c.last.id
	}
	c.mu.Unlock()
	c.cache.forget(c, newest)
	c.changed.tell()
	s.changed.tell()
}
