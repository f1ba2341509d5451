package hlssource

import (
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

// counted counts what is read from the front.
type counted struct {
	content
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.content.Read(p)
	c.n += n
	return n, err
}

// used returns how many bytes of the segment it took to have f, its first
// keyframe: of a transport stream, all up to the beginning of the next picture.
func (r *reading) used(f *keyframe.Frame) int {
	if c, ok := r.container.(*ts.Reader); ok {
		return r.at.n - c.Buffered()
	}
	return len(f.Data)
}
