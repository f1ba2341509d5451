package fmp4

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	// maxSample bounds one access unit, as keyframe.Assembler does.
	maxSample = 64 << 20

	// maxSearch bounds the payload read for one keyframe where the index does not
	// tell of one: 10 s of 4K at 25 Mbit/s.
	maxSearch = 32 << 20

	// maxRefused is how many samples that the index calls sync may turn out not to
	// be random access pictures before an all-intra one among them will do.
	maxRefused = 8

	// feedBytes is read at once where samples are read one after the other.
	feedBytes = 256 << 10
)

// Movie finds the keyframes of one file or media segment. It is not for
// concurrent use.
type Movie struct {
	w     window
	given *Init  // by the caller
	key   []byte // nil: none
	init  *Init
	track *Track

	start  time.Duration // of the first fragment's first sample
	pos    int64         // of the next box at the top level
	list   samples
	number int64 // of the next fragment's first sample
	dts    int64 // of the next fragment, where it tells none
	begun  int64 // decode time of the first fragment
	plain  int64 // samples of fragments that no bytes stand for
	others []uint32
	seek   *seek

	asm      *keyframe.Assembler
	sets     *description // whose parameter sets the assembler has
	expected int64        // the sample that continues what the assembler has
	ready    []*keyframe.Frame
	refused  int
	every    bool  // all pictures are wanted
	ended    bool  // Picture has come to the end
	passed   bool  // samples were passed over unread
	spent    int64 // payload bytes read since the last keyframe
	deepest  int64 // where the payload read so far ends
	setBytes int   // bytes of parameter sets since the last keyframe
	found    bool
}

// NewMovie returns a Movie that reads r, whose size may be unknown: -1. Reads
// ascend, but for files whose index comes behind the payload, and for what
// KeyframeAt goes back to; reads past the end are expected to give io.EOF. init
// is that of a media segment's init segment; a moov box in r itself replaces it.
// Without one there, init may be nil.
func NewMovie(r io.ReaderAt, size int64, init *Init) *Movie {
	m := &Movie{w: window{r: r, size: max(size, -1)}, given: init}
	m.rewind()
	return m
}

// rewind goes to the start of the file with nothing known but what was read.
func (m *Movie) rewind() {
	*m = Movie{w: m.w, given: m.given, key: m.key, init: m.given, start: keyframe.NoPTS}
	m.pos, m.expected = 0, -1
}

// Init returns what the moov box tells, or nil until Keyframe has come to it.
func (m *Movie) Init() *Init { return m.init }

// Start returns the presentation time of the first sample of fragments, or
// keyframe.NoPTS before it is read. In a file whose moov box lists samples, it is
// not known.
func (m *Movie) Start() time.Duration {
	if k := m.seek; k != nil && k.anchored && m.start != keyframe.NoPTS {
		return duration(k.origin, m.track.Timescale) - k.start
	}
	return m.start
}

// Keyframe returns the next keyframe in decoding order. After the last one, and
// where there is none, the error wraps keyframe.ErrNotFound; it wraps
// keyframe.ErrCorrupt where the file is damaged or cut short, and
// keyframe.ErrUnsupported for other codecs, and for encrypted samples where SetKey
// gave no key. Errors of the reader are returned as they are.
//
// The search goes by the index. Samples that it calls sync and that hold no
// random access picture are passed over. Where it knows of no usable one, the
// samples are read in order from the start, for recovery points, gradual
// refreshes and all-intra pictures, up to 32 MiB.
func (m *Movie) Keyframe() (*keyframe.Frame, error) {
	if m.seek != nil {
		m.rewind()
	}
	for {
		if f := m.take(); f != nil {
			return f, nil
		}
		s, err := m.next(false)
		if errors.Is(err, errEnd) {
			return m.lastResort()
		}
		if err == nil {
			err = m.read(s)
		}
		if err != nil {
			return nil, err
		}
	}
}

// Next is Keyframe, but behind KeyframeAt it does not begin anew: it returns the
// keyframe that follows the one that was returned last.
func (m *Movie) Next() (*keyframe.Frame, error) {
	if k := m.seek; k != nil {
		m.start, m.seek = m.Start(), nil
		if k.next != nil {
			if err := m.read(*k.next); err != nil {
				return nil, err
			}
		}
	}
	return m.Keyframe()
}

// read reads a sample that the index calls sync.
func (m *Movie) read(s sample) error {
	err := m.feed(s, maxWindow(s))
	if err == nil && len(m.ready) == 0 {
		err = m.second(s)
	}
	if err == nil && len(m.ready) == 0 {
		m.refuse()
	}
	return err
}

// take returns a keyframe that is ready.
func (m *Movie) take() *keyframe.Frame {
	if len(m.ready) == 0 {
		return nil
	}
	f := m.ready[0]
	m.ready = m.ready[1:]
	m.found, m.refused, m.spent, m.setBytes = true, 0, 0, 0
	m.sets.complete(&f.Info)
	m.track.orient(&f.Info)
	return f
}

// second reads one sample more, where s may hold the first field of a picture
// whose second field has a sample of its own.
func (m *Movie) second(s sample) error {
	if !m.mayPair() {
		return nil
	}
	next, ok := m.list.next(true)
	if !ok {
		return nil
	}
	return m.feed(next, maxWindow(next))
}

// mayPair says whether a field of a picture may have a sample of its own.
func (m *Movie) mayPair() bool {
	t := m.track
	return t != nil && t.Codec == keyframe.H264 && (t.Info.Width == 0 || t.Info.Interlaced)
}

// refuse counts a sample that was read in vain.
func (m *Movie) refuse() {
	if m.refused++; m.refused < maxRefused || m.found {
		return
	}
	m.refused = 0
	m.flush()
}

// flush takes the last all-intra picture, if there was one.
func (m *Movie) flush() {
	if m.asm == nil {
		return
	}
	if f := m.asm.Flush(); f != nil {
		m.ready = append(m.ready, f)
	}
}

// lastResort looks where the index does not point to.
func (m *Movie) lastResort() (*keyframe.Frame, error) {
	if m.found {
		return nil, fmt.Errorf("%w after the last one", keyframe.ErrNotFound)
	}
	if m.flush(); len(m.ready) > 0 {
		return m.take(), nil
	}
	if !m.passed {
		return nil, m.notFound()
	}
	m.rewind()
	for m.spent < maxSearch {
		s, err := m.next(true)
		if errors.Is(err, errEnd) {
			break
		}
		if err == nil {
			err = m.feed(s, feedBytes)
		}
		if err != nil {
			return nil, err
		}
		if f := m.take(); f != nil {
			return f, nil
		}
	}
	if m.flush(); len(m.ready) > 0 {
		return m.take(), nil
	}
	return nil, m.notFound()
}

func (m *Movie) notFound() error {
	switch {
	case m.asm != nil:
		return m.asm.NotFound()
	case len(m.others) > 0:
		return fmt.Errorf("%w: no sample of track %d, only of track %d", keyframe.ErrNotFound, m.track.ID, m.others[0])
	}
	return fmt.Errorf("%w: no sample of track %d", keyframe.ErrNotFound, m.track.ID)
}
