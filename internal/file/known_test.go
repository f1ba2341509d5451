package file

import (
	"bytes"
	"io"
	"testing"

	"pgregory.net/rapid"
)

// meteredReader counts how often each byte of data was read.
type meteredReader struct {
	data []byte
	read []int
}

func (r *meteredReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := bytes.NewReader(r.data).ReadAt(p, off)
	for i := range n {
		r.read[int(off)+i]++
	}
	return n, err
}

// TestKnown proves that readThrough returns the file's bytes, whatever was read
// before, and reads kept bytes once.
func TestKnown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(0, 60).Draw(t, "size")
		r := &meteredReader{data: make([]byte, size), read: make([]int, size)}
		for i := range r.data {
			r.data[i] = byte(i + 1)
		}
		k := &known{}
		kept := make([]bool, size)
		for range rapid.IntRange(1, 20).Draw(t, "reads") {
			off := rapid.Int64Range(0, 70).Draw(t, "off")
			p := make([]byte, rapid.IntRange(0, 30).Draw(t, "length"))
			want := make([]byte, len(p))
			wantN, wantErr := bytes.NewReader(r.data).ReadAt(want, off)
			keep := rapid.Bool().Draw(t, "keep")
			before := append([]int(nil), r.read...)
			n, err := k.readThrough(r, p, off, keep)
			if n != wantN || n < len(p) && err != io.EOF || n == len(p) && err != nil || !bytes.Equal(p[:n], want[:n]) {
				t.Fatalf("%d bytes at %d: %d, %v; want %d, %v", len(p), off, n, err, wantN, wantErr)
			}
			for i := range r.read {
				if kept[i] && r.read[i] != before[i] {
					t.Fatalf("byte %d was known and read again", i)
				}
				if keep && int64(i) >= off && i < int(off)+n {
					kept[i] = true
				}
			}
		}
	})
}
