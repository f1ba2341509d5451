package sink

import "sync"

// maxRecent bounds the paths that are remembered: only pictures of about the same
// time can have the same one.
const maxRecent = 4096

// recent gives each picture a path of its own where nothing can be asked for what is
// there already. The zero value is ready.
type recent struct {
	mu   sync.Mutex
	seen map[string]struct{}
	ring []string // of seen, the oldest at next once it is full
	next int
}

// distinct returns file, or the first of its numbered kin that was not returned lately.
func (r *recent) distinct(file string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := file
	for n := 0; r.has(name); n++ {
		name = numbered(file, n)
	}
	r.add(name)
	return name
}

func (r *recent) has(name string) bool {
	_, seen := r.seen[name]
	return seen
}

func (r *recent) add(name string) {
	if r.seen == nil {
		r.seen = make(map[string]struct{})
	}
	r.seen[name] = struct{}{}
	if len(r.ring) < maxRecent {
		r.ring = append(r.ring, name)
		return
	}
	delete(r.seen, r.ring[r.next])
	r.ring[r.next] = name
	r.next = (r.next + 1) % maxRecent
}
