package file

import (
	"errors"
	"io"
	"slices"
	"sort"
	"sync"
)

// maxKnown bounds the parts of a file that are kept: the largest moov box that package
// fmp4 reads, and the moof boxes of some hours. Further parts are read again.
const maxKnown = 96 << 20

// known holds parts of a file. Several goroutines may read it.
type known struct {
	mu    sync.RWMutex
	parts []part // ascending, without overlap
	size  int
}

type part struct {
	off  int64
	data []byte
}

func (p part) endOffset() int64 { return p.off + int64(len(p.data)) }

// readThrough fills p from the known parts, and their gaps from r. With keep, the gaps
// become known.
func (k *known) readThrough(r io.ReaderAt, p []byte, off int64, keep bool) (n int, err error) {
	for n < len(p) && err == nil {
		held, gap := k.findKnown(off+int64(n), len(p)-n)
		if held != nil {
			n += copy(p[n:], held)
			continue
		}

		var got int
		got, err = r.ReadAt(p[n:n+gap], off+int64(n))
		if keep && got > 0 {
			k.addKnown(off+int64(n), p[n:n+got])
		}

		n += got
		if got == gap && errors.Is(err, io.EOF) {
			err = nil // p may end here
		}
	}
	return n, err
}

// findKnown returns the known bytes from off on or, if there are none, how many of the n
// bytes from off on are unknown.
func (k *known) findKnown(off int64, n int) (held []byte, gap int) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	i := sort.Search(len(k.parts), func(i int) bool { return k.parts[i].endOffset() > off })
	switch {
	case i == len(k.parts):
		return nil, n
	case k.parts[i].off <= off:
		return k.parts[i].data[off-k.parts[i].off:], 0
	}
	return nil, int(min(int64(n), k.parts[i].off-off))
}

// addKnown adds data, of which no byte is known yet.
func (k *known) addKnown(off int64, data []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()

	if k.size += len(data); k.size > maxKnown {
		k.size -= len(data)
		return
	}

	i := sort.Search(len(k.parts), func(i int) bool { return k.parts[i].off > off })
	k.parts = slices.Insert(k.parts, i, part{off, slices.Clone(data)})
}
