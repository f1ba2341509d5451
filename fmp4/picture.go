package fmp4

import (
	"errors"
	"io"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Picture returns the next picture in decoding order, keyframe or not: see
// keyframe.Assembler.EveryPicture. All samples are read, one after the other. At the
// end of a file that has video the error is io.EOF, else it is one of Keyframe. Of
// one Movie either is called, not both.
func (m *Movie) Picture() (*keyframe.Frame, error) {
	m.every = true
	for {
		if f := m.take(); f != nil {
			return f, nil
		}
		if m.ended {
			return nil, io.EOF
		}
		s, err := m.next(true)
		switch {
		case errors.Is(err, errEnd):
			m.ended = true
			m.flush()
			continue
		case err == nil:
			err = m.feed(s, feedBytes)
		}
		if err != nil {
			return nil, err
		}
	}
}

// Continue reads on in r, where the same stream goes on: in its next segment. Where
// init is the same as before, parameter sets stay known, and nothing counts as lost
// if Picture had come to the end. Start is that of r.
func (m *Movie) Continue(r io.ReaderAt, size int64, init *Init) {
	next := NewMovie(r, size, init)
	next.key, next.every, next.asm, next.sets = m.key, m.every, m.asm, m.sets
	if init != nil && init == m.given && m.track != nil {
		next.track = m.track
		if m.ended {
			next.expected = 0
		}
	}
	*m = *next
}
