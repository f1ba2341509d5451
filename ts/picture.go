package ts

import (
	"errors"
	"io"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Picture returns the next picture in decoding order, keyframe or not: see
// keyframe.Assembler.EveryPicture. At the end of a source that has video the error
// is io.EOF, else it is one of Keyframe. Of one Reader either is called, not both.
func (r *Reader) Picture() (*keyframe.Frame, error) {
	r.demux.every = true
	f, err := r.next(func(time.Duration) bool { return false })
	if err != nil && errors.Is(r.err, io.EOF) && errors.Is(err, keyframe.ErrNotFound) && r.demux.video != nil {
		return nil, io.EOF
	}
	return f, err
}

// Continue reads on in src, where the same stream goes on: in its next segment.
// Tables and parameter sets stay known, and nothing counts as lost where the source
// before was read to its end. Start is that of src.
func (r *Reader) Continue(src io.Reader) {
	if !r.flushed {
		r.lose()
	}
	r.demux.goOn()
	*r = Reader{src: src, demux: r.demux, buf: r.buf}
}
