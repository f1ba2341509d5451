package session

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestStore proves that kept data stays unchanged whatever is kept and released
// in whatever order, and that the store holds no more blocks than it needs.
func TestStore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type kept struct {
			data []byte
			in   *block
			fill byte
		}
		var s store
		var list []kept
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(list) > 0 && rapid.Bool().Draw(t, "forget") {
				n := rapid.IntRange(0, len(list)-1).Draw(t, "which")
				s.dropPicture(list[n].in)
				list = append(list[:n], list[n+1:]...)
			} else {
				size := rapid.SampledFrom([]int{0, 1, 5000, blockSize / 3, blockSize - 1, blockSize, blockSize + 1}).Draw(t, "size")
				fill := byte(i + 1)
				data, in := s.keepBytes(bytes.Repeat([]byte{fill}, size))
				list = append(list, kept{data, in, fill})
			}
			held := map[*block]int{}
			for _, k := range list {
				held[k.in]++
				if n := bytes.Count(k.data, []byte{k.fill}); n != len(k.data) {
					t.Fatalf("of %d bytes %d, %d are left", len(k.data), k.fill, n)
				}
			}
			for b, n := range held {
				if b.held != n || b.memory == nil {
					t.Fatalf("a block of %d pictures says %d", n, b.held)
				}
			}
		}
		for _, k := range list {
			s.dropPicture(k.in)
		}
		s.freeAll()
		for _, k := range list {
			if k.in.memory != nil {
				t.Fatal("memory is left")
			}
		}
	})
}
