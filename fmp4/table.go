package fmp4

import (
	"encoding/binary"
	"math"
)

// maxUniform bounds the samples that a file can claim without bytes for each, because
// all have one size: 19 hours of 60 pictures a second, which take a tenth of a second.
const maxUniform = 1 << 22

// table is a view of the sample tables of an stbl box (ISO/IEC 14496-12 8.5 to
// 8.7). Entries are read in place when they are needed: an index of hours is walked
// once and needs no further memory.
type table struct {
	sizes    []byte // stsz, stz2
	sizeBits int    // of an entry in sizes
	uniform  int64  // the size of all samples; 0: in sizes
	count    int64

	chunks     []byte // stco, co64
	chunkBytes int    // of an entry in chunks
	toChunk    []byte // stsc: first chunk, samples in a chunk, description
	durations  []byte // stts: count, delta
	offsets    []byte // ctts: count, offset
	syncs      []byte // stss: sample numbers
	allSync    bool   // there is no stss
	hidden     bool   // samples have encryption data
}

func newTable(stbl box) *table {
	t := &table{allSync: true, chunkBytes: 4}
	for c := range listBoxes(stbl.body, stbl.at) {
		switch c.kind {
		case "stsz":
			t.readSizes(c.body)
		case "stz2":
			t.readCompactSizes(c.body)
		case "stco":
			t.chunks, t.chunkBytes = cutEntries(c.body, 4), 4
		case "co64":
			t.chunks, t.chunkBytes = cutEntries(c.body, 8), 8
		case "stsc":
			t.toChunk = cutEntries(c.body, 12)
		case "stts":
			t.durations = cutEntries(c.body, 8)
		case "ctts":
			t.offsets = cutEntries(c.body, 8)
		case "stss":
			t.syncs, t.allSync = cutEntries(c.body, 4), false
		case "senc", "saiz", "saio":
			t.hidden = true
		}
	}
	return t
}

// cutEntries returns the list in a full box of a count and entries of n bytes: as many
// as are there.
func cutEntries(body []byte, n int) []byte {
	const head = 8 // version, flags, count
	if len(body) < head {
		return nil
	}
	count := min(int64(binary.BigEndian.Uint32(body[4:])), int64((len(body)-head)/n))
	return body[head : head+count*int64(n)]
}

func (t *table) readSizes(body []byte) {
	if len(body) < 12 {
		return
	}
	t.uniform, t.count = int64(binary.BigEndian.Uint32(body[4:])), int64(binary.BigEndian.Uint32(body[8:]))
	t.sizes, t.sizeBits = body[12:], 32
	t.clipCount()
}

// readCompactSizes reads the stz2 box (8.7.3.3).
func (t *table) readCompactSizes(body []byte) {
	if len(body) < 12 {
		return
	}
	bits := int(body[7])
	if bits != 4 && bits != 8 && bits != 16 {
		return
	}
	t.uniform, t.count = 0, int64(binary.BigEndian.Uint32(body[8:]))
	t.sizes, t.sizeBits = body[12:], bits
	t.clipCount()
}

func (t *table) clipCount() {
	if t.uniform > 0 {
		t.count = min(t.count, maxUniform)
	} else {
		t.count = min(t.count, int64(len(t.sizes))*8/int64(t.sizeBits))
	}
}

func (t *table) sampleSize(n int64) int64 {
	if t.uniform > 0 {
		return t.uniform
	}
	switch t.sizeBits {
	case 4:
		return int64(t.sizes[n/2] >> (4 * (1 - n%2)) & 15)
	case 8:
		return int64(t.sizes[n])
	case 16:
		return int64(binary.BigEndian.Uint16(t.sizes[2*n:]))
	}
	return int64(binary.BigEndian.Uint32(t.sizes[4*n:]))
}

// sumSizes adds the sizes of n samples from the one at from.
func (t *table) sumSizes(from, n int64) (total int64) {
	if t.uniform > 0 {
		return n * t.uniform
	}
	for i := from; i < from+n; i++ {
		total += t.sampleSize(i)
	}
	return total
}

func (t *table) chunkOffset(n int64) int64 {
	if t.chunkBytes == 8 {
		return int64(min(binary.BigEndian.Uint64(t.chunks[8*n:]), math.MaxInt64/2))
	}
	return int64(binary.BigEndian.Uint32(t.chunks[4*n:]))
}

// run is a position in a table of counts and values (stts, ctts), before the samples
// that a cursor has not passed yet.
type run struct {
	rest  []byte
	left  int64
	value uint32
}

// skipSamples passes n samples and calls add with the count and value of each entry.
// After the last entry, its value continues.
func (r *run) skipSamples(n int64, add func(count int64, value uint32)) {
	for n > 0 {
		if !r.loadEntry() {
			add(n, r.value)
			return
		}
		k := min(n, r.left)
		add(k, r.value)
		r.left -= k
		n -= k
	}
}

// loadEntry makes the current entry one with samples left.
func (r *run) loadEntry() bool {
	for r.left == 0 {
		if len(r.rest) < 8 {
			return false
		}
		r.left, r.value = int64(binary.BigEndian.Uint32(r.rest)), binary.BigEndian.Uint32(r.rest[4:])
		r.rest = r.rest[8:]
	}
	return true
}

// cursor walks a table forward.
type cursor struct {
	t     *table
	shift int64 // Track.editShift

	number    int64 // the sample that all below is about
	off       int64
	dts       int64
	chunk     int64
	inChunk   int64 // samples of the chunk before it
	perChunk  int64
	desc      int
	entry     int // in toChunk
	durations run
	offsets   run
	syncs     []byte // those not passed yet
	asked     int64  // the next sample that next looks at
}

func newCursor(t *table, shift int64) *cursor {
	c := &cursor{t: t, shift: shift, chunk: -1, durations: run{rest: t.durations}, offsets: run{rest: t.offsets}, syncs: t.syncs}
	c.nextChunk()
	return c
}

func (c *cursor) next(all bool) (s sample, ok bool) {
	for {
		n := c.asked
		sync := c.isSync(n)
		if !sync && !all {
			if len(c.syncs) < 4 {
				return s, false
			}
			n, sync = int64(binary.BigEndian.Uint32(c.syncs))-1, true
		}
		if n >= c.t.count || !c.seekTo(n) {
			return s, false
		}
		c.asked = n + 1

		if size := c.t.sampleSize(n); size > 0 {
			return sample{
				number: n, off: c.off, size: size, pts: c.samplePTS(), sync: sync,
				desc: c.desc, hidden: c.t.hidden,
			}, true
		}
	}
}

// isSync looks n up in stss, whose numbers ascend and start at 1.
func (c *cursor) isSync(n int64) bool {
	if c.t.allSync {
		return true
	}
	for len(c.syncs) >= 4 {
		if sync := int64(binary.BigEndian.Uint32(c.syncs)) - 1; sync >= n {
			return sync == n
		}
		c.syncs = c.syncs[4:]
	}
	return false
}

func (c *cursor) samplePTS() int64 {
	pts := c.dts - c.shift
	if c.offsets.loadEntry() {
		pts += int64(int32(c.offsets.value)) // signed in version 0 too, as writers use it
	}
	return pts
}

// seekTo moves forward to sample n. It returns false if the chunks end before it.
func (c *cursor) seekTo(n int64) bool {
	ahead := n - c.number
	c.durations.skipSamples(ahead, func(count int64, delta uint32) {
		c.dts = min(maxTime, c.dts+int64(min(uint64(count)*uint64(delta), maxTime)))
	})
	c.offsets.skipSamples(ahead, func(int64, uint32) {})

	for c.chunk*int64(c.t.chunkBytes) < int64(len(c.t.chunks)) {
		left := c.perChunk - c.inChunk
		if ahead < left {
			c.off += c.t.sumSizes(c.number, ahead)
			c.inChunk += ahead
			c.number = n
			return true
		}
		ahead -= left
		c.number += left
		c.nextChunk()
	}
	return false
}

// nextChunk goes to the start of the next chunk.
func (c *cursor) nextChunk() {
	c.chunk++
	c.inChunk = 0
	for first := c.entryOf(c.entry); len(first) > 0 && int64(binary.BigEndian.Uint32(first)) <= c.chunk+1; first = c.entryOf(c.entry) {
		c.perChunk = int64(binary.BigEndian.Uint32(first[4:]))
		c.desc = int(binary.BigEndian.Uint32(first[8:])) - 1
		c.entry++
	}
	if (c.chunk+1)*int64(c.t.chunkBytes) <= int64(len(c.t.chunks)) {
		c.off = c.t.chunkOffset(c.chunk)
	}
}

func (c *cursor) entryOf(n int) []byte {
	return c.t.toChunk[min(12*n, len(c.t.toChunk)):]
}
