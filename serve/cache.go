package serve

import (
	"container/list"
	"sync"

	"github.com/kfgrab/kfgrab/picture"
)

// rendering names what is made of a capture: never the same bytes for two, nor two for
// the same capture and options.
type rendering struct {
	camera  *camera
	capture string // its id
	options picture.Options
}

// cache keeps the bytes of renderings, the longest unused of which go first.
type cache struct {
	mu      sync.Mutex
	most    int64
	bytes   int64
	order   list.List // of *kept, the newest first
	cameras map[*camera]map[rendering]*list.Element
	stats   cacheStats
}

// cacheStats counts since the start.
type cacheStats struct {
	hits, misses, evicted int64
}

type kept struct {
	key  rendering
	data []byte
}

// overhead is what an entry takes besides its bytes: key, list and maps.
const overhead = 1 << 10

func (k *kept) size() int64 { return int64(len(k.data)) + overhead }

func newCache(most int64) *cache {
	return &cache{most: most, cameras: map[*camera]map[rendering]*list.Element{}}
}

func (c *cache) get(key rendering) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.cameras[key.camera][key]
	if e == nil {
		c.stats.misses++
		return nil, false
	}
	c.stats.hits++
	c.order.MoveToFront(e)
	return e.Value.(*kept).data, true
}

// put keeps data, which nobody may change any more, unless it alone is more than all that
// may be kept.
func (c *cache) put(key rendering, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := &kept{key: key, data: data}
	if k.size() > c.most || c.cameras[key.camera][key] != nil {
		return
	}
	if c.cameras[key.camera] == nil {
		c.cameras[key.camera] = map[rendering]*list.Element{}
	}
	c.cameras[key.camera][key] = c.order.PushFront(k)
	for c.bytes += k.size(); c.bytes > c.most; c.stats.evicted++ {
		c.remove(c.order.Back())
	}
}

// remove is called with mu held.
func (c *cache) remove(e *list.Element) {
	k := c.order.Remove(e).(*kept)
	c.bytes -= k.size()
	of := c.cameras[k.key.camera]
	if delete(of, k.key); len(of) == 0 {
		delete(c.cameras, k.key.camera)
	}
}

// forget drops what is kept of a camera, but for the renderings of one capture.
func (c *cache) forget(of *camera, but string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, e := range c.cameras[of] {
		if key.capture != but {
			c.remove(e)
		}
	}
}

// kept says how much there is of a camera.
func (c *cache) kept(of *camera) (renderings int, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.cameras[of] {
		renderings++
		bytes += e.Value.(*kept).size()
	}
	return renderings, bytes
}

// total says how much there is of all.
func (c *cache) total() (renderings int, bytes int64, stats cacheStats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.order.Len(), c.bytes, c.stats
}
