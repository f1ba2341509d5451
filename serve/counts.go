package serve

import "time"

// counts are of one stream since the start.
type counts struct {
	grabs     int64 // that ended, with a keyframe or without
	captures  int64 // keyframes
	unchanged int64 // grabs that found no newer keyframe
	failures  int64
	bytes     int64 // that came through the sockets

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
