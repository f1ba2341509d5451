package fmp4

import (
	"errors"
	"fmt"
	"io"
	"math"
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
			err = m.feed(s, maxWindow(s))
		}
		if err == nil && len(m.ready) == 0 {
			err = m.second(s)
		}
		if err != nil {
			return nil, err
		}
		if len(m.ready) == 0 {
			m.refuse()
		}
	}
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

// errEnd: the file has no more samples.
var errEnd = errors.New("end of samples")

// next returns the next sample of the video track that is sync, or any. It
// follows the boxes of the top level.
func (m *Movie) next(all bool) (sample, error) {
	for {
		if m.list != nil {
			if s, ok := m.list.next(all); ok {
				return s, nil
			}
			m.endList(all)
		}
		if m.seek.over(m.pos) {
			return sample{}, errEnd
		}
		if err := m.box(); err != nil {
			return sample{}, err
		}
	}
}

// endList goes on behind the samples of one box.
func (m *Movie) endList(all bool) {
	switch l := m.list.(type) {
	case *cursor:
		m.number = l.t.count
		m.passed = m.passed || !all && int64(len(l.t.syncs))/4 < l.t.count && !l.t.allSync
		if l.t.count > 0 && !m.init.fragmented {
			m.pos = math.MaxInt64 // nothing but payload is behind
		}
	case *fragment:
		m.passed = m.passed || l.passed
		m.number = l.number
	}
	m.list = nil
}

// box reads the box at pos if it belongs to the index, and goes behind it.
func (m *Movie) box() error {
	// What is no longer than a header is nothing to look at: the padding of what was
	// encrypted, say.
	if m.pos > math.MaxInt64/2 || m.track != nil && m.w.size >= 0 && m.w.size-m.pos <= longHeaderBytes {
		return m.end()
	}
	head, err := m.w.at(m.pos, longHeaderBytes, windowBytes)
	if err != nil {
		return err
	}
	h, ok, err := parseHeader(head)
	if err != nil {
		return err
	}
	if !ok {
		return m.end()
	}
	at := m.pos
	m.pos += h.size
	switch h.kind {
	case "moov":
		return m.moov(h, at)
	case "moof":
		return m.moof(h, at)
	case "sidx":
		return m.sidx(h, at)
	}
	if h.size == 0 {
		m.pos = math.MaxInt64
	}
	return nil
}

// end tells what it means that there are no more boxes.
func (m *Movie) end() error {
	switch {
	case m.track != nil:
		return errEnd
	case m.init != nil:
		return m.openTrack()
	case m.pos == 0:
		return fmt.Errorf("%w: no MP4 box at all", keyframe.ErrCorrupt)
	}
	return fmt.Errorf("%w: the file ends before its index (moov box)", keyframe.ErrCorrupt)
}

// load reads a box of the index whole and returns its body, to keep.
func (m *Movie) load(h header, at, limit int64) ([]byte, error) {
	if h.size == 0 {
		// To the end of the file, which may not be known yet.
		b, err := m.w.at(at, int(limit), 0)
		if err != nil {
			return nil, err
		}
		m.pos = math.MaxInt64
		h.size = int64(len(b))
	}
	if h.size > limit {
		return nil, fmt.Errorf("%w: %s box of %d bytes", keyframe.ErrCorrupt, h.kind, h.size)
	}
	// The head of the next box comes along: after moof, that of its mdat.
	if _, err := m.w.whole("the "+h.kind+" box", at, h.size, int(h.size)+longHeaderBytes); err != nil {
		return nil, err
	}
	return m.w.release(at, int(h.size))[h.len:], nil
}

func (m *Movie) moov(h header, at int64) error {
	body, err := m.load(h, at, maxMoov)
	if err != nil {
		return err
	}
	if m.init, err = parseMoov(box{h.kind, body, at + h.len}); err != nil {
		return err
	}
	m.track = nil
	if err = m.openTrack(); err != nil {
		return err
	}
	t := newTable(m.track.stbl)
	m.list = newCursor(t, m.track.editShift)
	if m.seek != nil && t.count > 0 && m.track.edited {
		m.seek.anchored = true // at 0
	}
	return nil
}

// openTrack chooses the video track.
func (m *Movie) openTrack() error {
	t, err := m.init.Video()
	if err != nil {
		return err
	}
	m.track = t
	if m.asm != nil && m.asm.Codec() != t.Codec {
		m.asm = nil
	}
	m.expected = -1 // the numbers of samples begin anew
	return nil
}

func (m *Movie) moof(h header, at int64) error {
	if m.init == nil {
		return fmt.Errorf("%w: a media segment without its init segment", keyframe.ErrCorrupt)
	}
	if m.track == nil {
		if err := m.openTrack(); err != nil {
			return err
		}
	}
	body, err := m.load(h, at, maxMoof)
	if err != nil {
		return err
	}
	f, err := parseMoof(box{h.kind, body, at}, at+h.len+int64(len(body)), m.track, m.number, m.dts)
	if err != nil {
		return err
	}
	if m.plain += f.plain; m.plain > maxUniform {
		return fmt.Errorf("%w: more than %d samples of no bytes each", keyframe.ErrCorrupt, maxUniform)
	}
	if len(f.runs) == 0 && len(m.others) == 0 {
		m.others = f.others
	}
	if len(f.runs) > 0 {
		m.dts = f.end
		m.begin(&f.runs[0])
	}
	m.list = f
	return nil
}

// begin notes the times of the first sample.
func (m *Movie) begin(r *trackRun) {
	if m.start == keyframe.NoPTS {
		_, _, _, composition := r.fields(0)
		m.start = duration(r.pts+int64(composition), m.track.Timescale)
		m.begun = r.pts + m.track.editShift
	}
}
