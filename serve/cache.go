package serve

import (
	"container/list"
	"sync"

	"github.com/kfgrab/kfgrab/picture"
)

// rendering identifies a picture: one capture rendered with some options.
type rendering struct {
	camera  *camera
	capture string // its id
	options picture.Options
}

// cache keeps the bytes of pictures. The least recently used go first.
type cache struct {
	mu       sync.Mutex
	pictures pictureList
}

// pictureList is the content of a cache, which locks it.
type pictureList struct {
	maxBytes int64
	bytes    int64
	order    list.List // of *cachedPicture, the most recently used first
	byCamera map[*camera]map[rendering]*list.Element
	stats    cacheStats
}

// cacheStats counts since the start.
type cacheStats struct {
	hits, misses, evicted int64
}

type cachedPicture struct {
	key  rendering
	data []byte
}

// overhead is what an entry takes besides its bytes: key, list and maps.
const overhead = 1 << 10

func (p *cachedPicture) size() int64 { return int64(len(p.data)) + overhead }

func newCache(maxBytes int64) *cache {
	return &cache{pictures: pictureList{maxBytes: maxBytes, byCamera: map[*camera]map[rendering]*list.Element{}}}
}

// get counts as a lookup in the statistics.
func (c *cache) get(key rendering) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	data, ok := c.pictures.find(key)
	if ok {
		c.pictures.stats.hits++
	} else {
		c.pictures.stats.misses++
	}
	return data, ok
}

// peek is get that counts nowhere.
func (c *cache) peek(key rendering) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pictures.find(key)
}

func (l *pictureList) find(key rendering) ([]byte, bool) {
	e := l.byCamera[key.camera][key]
	if e == nil {
		return nil, false
	}
	l.order.MoveToFront(e)
	return e.Value.(*cachedPicture).data, true
}

// put keeps data, which must not change any more, unless it alone exceeds the
// bound.
func (c *cache) put(key rendering, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()

	all, p := &c.pictures, &cachedPicture{key: key, data: data}
	if p.size() > all.maxBytes || all.byCamera[key.camera][key] != nil {
		return
	}
	if all.byCamera[key.camera] == nil {
		all.byCamera[key.camera] = map[rendering]*list.Element{}
	}
	all.byCamera[key.camera][key] = all.order.PushFront(p)
	all.bytes += p.size()

	for all.bytes > all.maxBytes {
		all.remove(all.order.Back())
		all.stats.evicted++
	}
}

func (l *pictureList) remove(e *list.Element) {
	p := l.order.Remove(e).(*cachedPicture)
	l.bytes -= p.size()
	ofCamera := l.byCamera[p.key.camera]
	delete(ofCamera, p.key)
	if len(ofCamera) == 0 {
		delete(l.byCamera, p.key.camera)
	}
}

// forget drops the pictures of a camera, except those of one capture.
func (c *cache) forget(of *camera, except string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, e := range c.pictures.byCamera[of] {
		if key.capture != except {
			c.pictures.remove(e)
		}
	}
}

// sizeOf returns how many pictures of a camera there are.
func (c *cache) sizeOf(of *camera) (pictures int, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.pictures.byCamera[of] {
		pictures++
		bytes += e.Value.(*cachedPicture).size()
	}
	return pictures, bytes
}

// total returns how many pictures there are of all cameras.
func (c *cache) total() (pictures int, bytes int64, stats cacheStats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pictures.order.Len(), c.pictures.bytes, c.pictures.stats
}
