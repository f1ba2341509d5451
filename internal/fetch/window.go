package fetch

// Bounds on what one resource keeps in memory: enough for the index of a long
// segment and the keyframe after it, far below what a process may hold.
const (
	maxHeld   = 1 << 20
	maxChunks = 256 // finding a byte walks over all of them
	chunkSize = 32 << 10
)

// chunk is bytes that follow each other; data grows up to its capacity.
type chunk struct {
	off  int64
	data []byte
}

func (c *chunk) end() int64 { return c.off + int64(len(c.data)) }

// window keeps the bytes fetched last.
type window struct {
	chunks []chunk // oldest first
	size   int     // capacity of all
}

// bytesAt returns bytes from off on, nil if off is not held.
func (w *window) bytesAt(off int64) []byte {
	for i := len(w.chunks) - 1; i >= 0; i-- {
		if c := &w.chunks[i]; c.off <= off && off < c.end() {
			return c.data[off-c.off:]
		}
	}
	return nil
}

// makeRoom returns room for bytes from off on, of which about hint are to come. It
// drops the oldest chunks for them.
func (w *window) makeRoom(off, hint int64) []byte {
	if n := len(w.chunks); n > 0 {
		if c := &w.chunks[n-1]; c.end() == off && len(c.data) < cap(c.data) {
			return c.data[len(c.data):cap(c.data)]
		}
	}

	c := chunk{off: off, data: make([]byte, 0, max(1, min(hint, chunkSize)))}
	w.size += cap(c.data)
	w.chunks = append(w.chunks, c)

	for w.size > maxHeld || len(w.chunks) > maxChunks {
		w.size -= cap(w.chunks[0].data)
		w.chunks = w.chunks[1:]
	}
	return c.data[:cap(c.data)]
}

// commitBytes keeps the first n bytes of the room that makeRoom returned last.
func (w *window) commitBytes(n int) {
	c := &w.chunks[len(w.chunks)-1]
	c.data = c.data[:len(c.data)+n]
}

func (w *window) heldSpans() spans {
	var s spans
	for i := range w.chunks {
		s = s.add(span{w.chunks[i].off, w.chunks[i].end()})
	}
	return s
}
