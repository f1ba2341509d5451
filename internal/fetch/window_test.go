package fetch

import (
	"slices"
	"testing"
)

func TestWindow(t *testing.T) {
	var w window
	put := func(off int64, s string) {
		for len(s) > 0 {
			n := copy(w.makeRoom(off, int64(len(s))), s)
			w.commitBytes(n)
			off, s = off+int64(n), s[n:]
		}
	}
	put(10, "abc")
	put(20, "xyz")
	put(13, "def")
	for _, c := range []struct {
		off  int64
		want string
	}{{10, "abc"}, {12, "c"}, {13, "def"}, {22, "z"}} {
		if got := w.bytesAt(c.off); string(got) != c.want {
			t.Errorf("at %d: %q, want %q", c.off, got, c.want)
		}
	}
	for _, off := range []int64{9, 16, 19, 23} {
		if got := w.bytesAt(off); got != nil {
			t.Errorf("at %d: %q, want nothing", off, got)
		}
	}
	if got := w.heldSpans(); !slices.Equal(got, spans{{10, 16}, {20, 23}}) {
		t.Errorf("spans %v", got)
	}
}

// TestWindowBound: neither many bytes nor many small pieces grow the window
// beyond its bound, and the newest bytes are kept.
func TestWindowBound(t *testing.T) {
	for _, piece := range []int64{1, 100, chunkSize} {
		var w window
		off := int64(0)
		for range 2 * maxHeld / chunkSize * 20 {
			w.commitBytes(len(w.makeRoom(off, piece)))
			off += piece + 1
		}
		kept := 0
		for _, c := range w.chunks {
			kept += cap(c.data)
		}
		if kept > maxHeld || len(w.chunks) > maxChunks || kept != w.size {
			t.Errorf("pieces of %d: %d bytes in %d chunks, %d counted", piece, kept, len(w.chunks), w.size)
		}
		if w.bytesAt(off-piece-1) == nil {
			t.Errorf("pieces of %d: the last one is not held", piece)
		}
	}
}
