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

	// maxSearch bounds the payload read for a keyframe that is not in the index: 10 s
	// of 4K at 25 Mbit/s.
	maxSearch = 32 << 20

	// maxRefused is how many sync samples of the index may turn out to be no random
	// access pictures before an all-intra one among them is taken.
	maxRefused = 8

	// feedBytes is read at once if samples are read one after the other.
	feedBytes = 256 << 10
)

// Movie finds the keyframes of one file or media segment. It is not for
// concurrent use.
type Movie struct {
	w     window
	given *Init  // by the caller
	key   []byte // nil: none
	every bool   // NewPictures

	candidate int // which of Init.videoTracks is read
	pass
}

// pass is the state of one pass over the file, from its first box on.
type pass struct {
	init  *Init
	track *Track

	start  time.Duration // of the first fragment's first sample
	pos    int64         // of the next box at the top level
	list   samples
	number int64 // of the next fragment's first sample
	dts    int64 // of the next fragment, if it has none
	begun  int64 // decode time of the first fragment
	plain  int64 // samples of fragments without bytes in the index
	others []uint32
	seek   *seek

	asm      *keyframe.Assembler
	sets     *description // whose parameter sets the assembler has
	expected int64        // number of the sample that continues what the assembler has
	ready    []*keyframe.Frame
	refused  int
	ended    bool  // with NewPictures: the last sample was read
	skipped  bool  // samples were not read
	spent    int64 // payload bytes read since the last keyframe
	deepest  int64 // where the payload read so far ends
	setBytes int   // bytes of parameter sets since the last keyframe
	found    bool

	unreadable int   // samples skipped because their description cannot be read
	refusal    error // why the first of them was skipped
}

// NewMovie returns a Movie that reads r, whose size may be -1 for unknown. Reads
// ascend, except in files whose index follows the payload, and where KeyframeAt goes
// back. Reads past the end have to return io.EOF. init is that of a media segment's
// init segment; a moov box in r replaces it. If r has one, init may be nil.
func NewMovie(r io.ReaderAt, size int64, init *Init) *Movie {
	return &Movie{w: window{r: r, size: max(size, -1)}, given: init, pass: newPass(init)}
}

// NewPictures returns a Movie whose Keyframe returns every picture in decoding
// order, as keyframe.Assembler.EveryPicture does, and io.EOF at the end of a file that
// has video. It reads all samples, one after the other.
func NewPictures(r io.ReaderAt, size int64, init *Init) *Movie {
	m := NewMovie(r, size, init)
	m.every = true
	return m
}

func newPass(init *Init) pass { return pass{init: init, start: keyframe.NoPTS, expected: -1} }

// Continue reads on in r, which continues the same stream: its next segment. If init
// is the same as before, m keeps the parameter sets, and nothing counts as lost if
// Keyframe had returned io.EOF. Start is that of r.
func (m *Movie) Continue(r io.ReaderAt, size int64, init *Init) {
	same := init != nil && init == m.given && m.asm != nil
	if !same {
		m.candidate = 0
	}
	next := newPass(init)
	next.asm, next.sets = m.asm, m.sets
	if same {
		next.track = m.track
		if m.ended {
			next.expected = 0
		}
	}
	m.w, m.given, m.pass = window{r: r, size: max(size, -1)}, init, next
}

// rewind begins another pass over the file.
func (m *Movie) rewind() { m.pass = newPass(m.given) }

// Init returns what the moov box says, or nil until Keyframe has read it.
func (m *Movie) Init() *Init { return m.init }

// Tracks lists the tracks of Init, nil before it is read.
func (m *Movie) Tracks() []keyframe.Track {
	if m.init == nil {
		return nil
	}
	return m.init.List()
}

// Start returns the presentation time of the first sample of fragments, or
// keyframe.NoPTS before it is read. It is unknown in a file whose moov box lists
// samples.
func (m *Movie) Start() time.Duration {
	if k := m.seek; k != nil && k.anchored && m.start != keyframe.NoPTS {
		return toDuration(k.origin, m.track.Timescale) - k.start
	}
	return m.start
}

// Keyframe returns the next keyframe in decoding order. After the last one, and
// if there is none, the error wraps keyframe.ErrNotFound; it wraps
// keyframe.ErrCorrupt if the file is damaged or cut short, and
// keyframe.ErrUnsupported for other codecs, for encrypted samples without a key from
// SetKey, and for colours that only a Dolby Vision decoder shows. Errors of the reader
// are returned unchanged. If the first video track has nothing to show, Keyframe reads
// the next.
//
// Keyframe uses the index, and skips sync samples that hold no random access picture.
// If the index lists no usable sample, Keyframe reads the samples in order from the
// start, up to 32 MiB, for recovery points, gradual refreshes and all-intra pictures.
func (m *Movie) Keyframe() (*keyframe.Frame, error) {
	if m.every {
		return m.nextPicture()
	}
	if m.seek != nil {
		m.rewind()
	}

	var f *keyframe.Frame
	err := m.tryTracks(func() (err error) {
		f, err = m.nextKeyframe()
		return err
	})
	return f, err
}

// nextKeyframe is Keyframe for one track.
func (m *Movie) nextKeyframe() (*keyframe.Frame, error) {
	for {
		if f := m.takeFrame(); f != nil {
			return f, nil
		}

		s, err := m.nextSample(false)
		if errors.Is(err, errEnd) {
			return m.lastResort()
		}
		if err == nil {
			err = m.readSync(s)
		}
		if err != nil {
			return nil, err
		}
	}
}

// nextPicture is Keyframe after NewPictures.
func (m *Movie) nextPicture() (*keyframe.Frame, error) {
	for {
		if f := m.takeFrame(); f != nil {
			return f, nil
		}
		if m.ended {
			return nil, io.EOF
		}

		s, err := m.nextSample(true)
		if err == nil {
			err = m.feedSample(s, feedBytes)
		}
		switch {
		case err == nil:
		case m.asm == nil && m.hasNextTrack() && (errors.Is(err, errEnd) || errors.Is(err, keyframe.ErrUnsupported)):
			m.startNextTrack()
		case errors.Is(err, errEnd):
			m.ended = true
			m.flushFrame()
		default:
			return nil, err
		}
	}
}

// Next is Keyframe, except that after KeyframeAt it does not begin anew: it returns
// the keyframe after the one returned last.
func (m *Movie) Next() (*keyframe.Frame, error) {
	if k := m.seek; k != nil {
		m.start, m.seek = m.Start(), nil
		if k.next != nil {
			if err := m.readSync(*k.next); err != nil {
				return nil, err
			}
		}
	}
	return m.Keyframe()
}

// readSync reads a sync sample of the index.
func (m *Movie) readSync(s sample) error {
	err := m.feedSample(s, sampleBytes(s))
	if err == nil && len(m.ready) == 0 {
		err = m.readSecondField(s)
	}
	if err == nil && len(m.ready) == 0 {
		m.countRefused()
	}
	return err
}

// takeFrame returns a frame that is ready, or nil.
func (m *Movie) takeFrame() *keyframe.Frame {
	if len(m.ready) == 0 {
		return nil
	}
	f := m.ready[0]
	m.ready = m.ready[1:]
	m.found, m.refused, m.spent, m.setBytes = true, 0, 0, 0
	m.sets.completeInfo(&f.Info)
	m.track.orientInfo(&f.Info)
	return f
}

// readSecondField reads one more sample if s may hold the first field of a picture
// whose second field has a sample of its own.
func (m *Movie) readSecondField(s sample) error {
	if !m.mayPair() {
		return nil
	}
	next, ok := m.list.next(true)
	if !ok {
		return nil
	}
	return m.feedSample(next, sampleBytes(next))
}

// mayPair reports whether a field of a picture may have a sample of its own.
func (m *Movie) mayPair() bool {
	t := m.track
	return t != nil && t.Codec == keyframe.H264 && (t.Info.Width == 0 || t.Info.Interlaced)
}

// countRefused counts a sync sample without a random access picture.
func (m *Movie) countRefused() {
	if m.refused++; m.refused < maxRefused || m.found {
		return
	}
	m.refused = 0
	m.flushFrame()
}

// flushFrame takes the last all-intra picture, if there was one.
func (m *Movie) flushFrame() {
	if m.asm == nil {
		return
	}
	if f := m.asm.Flush(); f != nil {
		m.ready = append(m.ready, f)
	}
}

// lastResort reads samples that the index does not mark as sync.
func (m *Movie) lastResort() (*keyframe.Frame, error) {
	if m.found {
		return nil, fmt.Errorf("%w after the last one", keyframe.ErrNotFound)
	}
	if m.flushFrame(); len(m.ready) > 0 {
		return m.takeFrame(), nil
	}
	if !m.skipped {
		return nil, m.notFoundError()
	}

	m.rewind()
	for m.spent < maxSearch {
		s, err := m.nextSample(true)
		if errors.Is(err, errEnd) {
			break
		}
		if err == nil {
			err = m.feedSample(s, feedBytes)
		}
		if err != nil {
			return nil, err
		}
		if f := m.takeFrame(); f != nil {
			return f, nil
		}
	}
	if m.flushFrame(); len(m.ready) > 0 {
		return m.takeFrame(), nil
	}
	return nil, m.notFoundError()
}

func (m *Movie) notFoundError() error {
	switch {
	case m.refusal != nil:
		return m.refusal
	case m.asm != nil:
		return m.asm.NotFound()
	case len(m.others) > 0:
		return fmt.Errorf("%w: no sample of track %d, only of track %d", keyframe.ErrNotFound, m.track.ID, m.others[0])
	}
	return fmt.Errorf("%w: no sample of track %d", keyframe.ErrNotFound, m.track.ID)
}
