package serve

import (
	"time"

	"github.com/kfgrab/kfgrab"
)

// counts are of one stream since the start.
type counts struct {
	grabs     int64 // that ended, with a keyframe or without
	captures  int64 // keyframes
	unchanged int64 // grabs that found no newer keyframe
	failures  int64
	failed    [kfgrab.NotModified + 1]int64 // failures by class
	bytes     int64                         // that came through the sockets

	day   string // by local time
	today int64  // bytes of that day
}

func (c *counts) add(bytes int64, now time.Time) {
	if day := now.Format(time.DateOnly); day != c.day {
		c.day, c.today = day, 0
	}
	c.bytes += bytes
	c.today += bytes
}

func (c *camera) spent(bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.add(bytes, time.Now())
}

// join adds those of another stream.
func (c *counts) join(o counts) {
	c.grabs += o.grabs
	c.captures += o.captures
	c.unchanged += o.unchanged
	c.failures += o.failures
	c.bytes += o.bytes
	for class, n := range o.failed {
		c.failed[class] += n
	}
}

func (c *camera) counted() counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}
