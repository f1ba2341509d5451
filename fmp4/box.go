package fmp4

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/kfgrab/kfgrab/keyframe"
)

// header is the head of a box (ISO/IEC 14496-12 4.2).
type header struct {
	kind string
	size int64 // with the header; 0: to the end of what the box stands in
	len  int64 // of the header
}

const (
	headerBytes     = 8
	longHeaderBytes = 16
)

// parseHeader reads the head of the box that b begins with. ok is false if b is too
// short for it.
func parseHeader(b []byte) (h header, ok bool, err error) {
	if len(b) < headerBytes {
		return h, false, nil
	}
	h = header{kind: string(b[4:8]), size: int64(binary.BigEndian.Uint32(b)), len: headerBytes}
	if h.size == 1 {
		if len(b) < longHeaderBytes {
			return h, false, nil
		}
		long := binary.BigEndian.Uint64(b[8:])
		if long > math.MaxInt64/2 {
			return h, true, fmt.Errorf("%w: %q box of %d bytes", keyframe.ErrCorrupt, h.kind, long)
		}
		h.size, h.len = int64(long), longHeaderBytes
		if h.size == 0 {
			return h, true, fmt.Errorf("%w: %q box of 0 bytes", keyframe.ErrCorrupt, h.kind)
		}
	}

	if h.size != 0 && h.size < h.len {
		return h, true, fmt.Errorf("%w: %q box of %d bytes, shorter than its header", keyframe.ErrCorrupt, h.kind, h.size)
	}
	return h, true, nil
}

// box is a whole box in memory.
type box struct {
	kind string
	body []byte
	at   int64 // of its header, in the file or segment
}

// listBoxes yields the boxes that body holds; at is the position of body. Anything
// that is no box ends them: QuickTime's terminating zeros, padding, damage.
func listBoxes(body []byte, at int64) iter.Seq[box] {
	return func(yield func(box) bool) {
		for len(body) > 0 {
			h, ok, err := parseHeader(body)
			if !ok || err != nil {
				return
			}
			if h.size == 0 {
				h.size = int64(len(body))
			}

			// A box that overruns its parent is cut, not refused: the tables inside
			// show whether they are whole.
			end := min(h.size, int64(len(body)))
			if !yield(box{h.kind, body[h.len:end], at}) {
				return
			}
			body, at = body[end:], at+end
		}
	}
}

// findBox returns the first child of that kind along a path of containers.
func (b box) findBox(path ...string) (box, bool) {
	for _, kind := range path {
		found := false
		for c := range listBoxes(b.body, 0) {
			if c.kind == kind {
				b, found = c, true
				break
			}
		}

		if !found {
			return box{}, false
		}
	}
	return b, true
}

// decodeLeaf decodes a box that holds no others. It turns a panic of the decoder about
// hostile bytes into an error.
func decodeLeaf[T mp4.Box](b box) (t T, err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("%w: %s box: its fields contradict each other", keyframe.ErrCorrupt, b.kind)
		}
	}()

	h := mp4.BoxHeader{Name: b.kind, Size: uint64(len(b.body)) + headerBytes, Hdrlen: headerBytes}
	decoded, err := mp4.DecodeBoxBodySR(uint64(b.at), h, bits.NewFixedSliceReader(b.body))
	if err != nil {
		return t, fmt.Errorf("%w: %s box: %v", keyframe.ErrCorrupt, b.kind, err)
	}
	t, ok := decoded.(T)
	if !ok {
		return t, fmt.Errorf("%w: %s box cannot be read", keyframe.ErrCorrupt, b.kind)
	}
	return t, nil
}

// Sniff reports whether head, the beginning of some data, is that of an MP4 file or
// segment: a box that may come first in one (ISO/IEC 14496-12 6.2.3). Eight bytes are
// enough.
func Sniff(head []byte) bool {
	if len(head) < 8 {
		return false
	}
	switch string(head[4:8]) {
	case "ftyp", "styp", "moov", "moof", "mdat", "free", "skip", "wide", "sidx", "emsg", "prft", "pdin", "uuid":
		return true
	}
	return false
}
