package file

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/kfgrab/kfgrab/keyframe"
)

// TestSpoolProperty proves that a spool reads like bytes.Reader, in any order,
// whatever sizes its reader returns.
func TestSpoolProperty(t *testing.T) {
	data := make([]byte, 3*pieceBytes+1234)
	for i := range data {
		data[i] = byte(i * i >> 8)
	}
	manners := []func(io.Reader) io.Reader{
		func(r io.Reader) io.Reader { return r }, iotest.HalfReader, iotest.DataErrReader,
		func(r io.Reader) io.Reader { return io.LimitReader(r, int64(len(data))) },
	}
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(0, len(data)).Draw(t, "size")
		reader := rapid.SampledFrom(manners).Draw(t, "manners")(bytes.NewReader(data[:size]))
		s, want := &spool{r: reader, max: int64(len(data))}, bytes.NewReader(data[:size])
		for range rapid.IntRange(1, 20).Draw(t, "reads") {
			off := rapid.OneOf(rapid.Int64Range(-1, int64(size)+10), rapid.Int64()).Draw(t, "off")
			p := make([]byte, rapid.IntRange(0, 2*pieceBytes).Draw(t, "len"))
			if len(p) == 0 { // bytes.Reader checks the offset of an empty read, a file does not
				continue
			}
			q := make([]byte, len(p))
			n, err := s.ReadAt(p, off)
			m, wantErr := want.ReadAt(q, off)
			if n != m || !bytes.Equal(p[:n], q[:n]) || (err == nil) != (wantErr == nil) || errors.Is(err, io.EOF) != errors.Is(wantErr, io.EOF) {
				t.Fatalf("%d at %d of %d: %d, %v; want %d, %v", len(p), off, size, n, err, m, wantErr)
			}
		}
	})
}

// TestSpoolForgets proves that a spool's size is bounded, and that reading
// dropped data is an error.
func TestSpoolForgets(t *testing.T) {
	const size = 40 * pieceBytes
	data := bytes.Repeat([]byte("0123456789abcdef."), size/17+1)[:size]
	s := &spool{r: bytes.NewReader(data), max: 4 * pieceBytes}
	p := make([]byte, 1000)
	for off := int64(0); off+1000 <= size; off += 999 {
		if _, err := s.ReadAt(p, off); err != nil || !bytes.Equal(p, data[off:off+1000]) {
			t.Fatalf("at %d: %v", off, err)
		}
	}
	if held := len(s.pieces) * pieceBytes; held > 5*pieceBytes || cap(s.pieces) > 16 {
		t.Errorf("%d bytes held in %d pieces", held, cap(s.pieces))
	}
	if _, err := s.ReadAt(p, 0); !errors.Is(err, keyframe.ErrUnsupported) {
		t.Errorf("what was dropped: %v", err)
	}
}
