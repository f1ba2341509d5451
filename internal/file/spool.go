package file

import (
	"errors"
	"fmt"
	"io"

	"github.com/kfgrab/kfgrab/keyframe"
)

// spool keeps data that can only be read forward, so that they can be read at any
// offset: the index of an MP4 file may follow its samples. Once it holds max bytes, it
// drops the oldest.
type spool struct {
	r      io.Reader
	max    int64
	pieces [][]byte // of pieceBytes each, except the last one
	gone   int64    // bytes dropped before pieces
	end    int64    // bytes read
	over   bool     // r has ended
}

// pieceBytes is how many bytes are kept and dropped at a time.
const pieceBytes = 64 << 10

// ReadAt reads forward as far as necessary. After an error of the reader other than
// io.EOF it may be called again.
func (s *spool) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("file: negative offset")
	}
	for n < len(p) {
		at := off + int64(n)
		if at < 0 {
			return n, io.EOF // beyond any file
		}
		if err := s.readUpTo(at); err != nil {
			return n, err
		}
		piece := s.pieces[(at-s.gone)/pieceBytes]
		n += copy(p[n:], piece[(at-s.gone)%pieceBytes:])
	}
	return n, nil
}

// readUpTo reads until the byte at off is held.
func (s *spool) readUpTo(off int64) error {
	if off < s.gone {
		return fmt.Errorf("%w: byte %d of a pipe is needed again, but no longer kept", keyframe.ErrUnsupported, off)
	}

	for s.end <= off {
		if s.over {
			return io.EOF
		}
		if err := s.readMore(); err != nil {
			return err
		}
	}
	return nil
}

// readMore reads from r once.
func (s *spool) readMore() error {
	last := len(s.pieces) - 1
	if last < 0 || len(s.pieces[last]) == pieceBytes {
		s.pieces = append(s.pieces, s.freePiece())
		last = len(s.pieces) - 1
	}

	piece := s.pieces[last]
	n, err := s.r.Read(piece[len(piece):pieceBytes])
	s.pieces[last], s.end = piece[:len(piece)+n], s.end+int64(n)

	s.over = errors.Is(err, io.EOF)
	if n > 0 || s.over {
		return nil
	}
	return err
}

// freePiece returns an empty piece: the oldest one if the spool is full.
func (s *spool) freePiece() []byte {
	if s.end-s.gone < max(s.max, 2*pieceBytes) {
		return make([]byte, 0, pieceBytes)
	}

	oldest := s.pieces[0]
	s.pieces = append(s.pieces[:0], s.pieces[1:]...)
	s.gone += pieceBytes
	return oldest[:0]
}
