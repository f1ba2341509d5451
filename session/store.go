package session

// blockSize is what is asked of the system at once: two seconds of 1 Mbit/s. What is
// unused at the end of a block is a picture at most, and a block in all.
const blockSize = 256 << 10

// store keeps the bytes of pictures outside of Go's heap. A collector that by
// default lets the heap grow to twice of what is in use would else take a ring's
// bytes once more, or more, for nothing: they are forgotten in the order in which
// they came, and nobody outside of the ring refers to them.
type store struct {
	filling *block
	spare   *block // an empty one
}

// block is some memory for the bytes of several pictures.
type block struct {
	memory []byte
	mapped bool
	used   int // bytes, from the beginning
	held   int // pictures
}

// keep copies data.
func (s *store) keep(data []byte) (kept []byte, in *block) {
	if s.filling == nil || len(data) > len(s.filling.memory)-s.filling.used {
		s.change(len(data))
	}
	b := s.filling
	kept = b.memory[b.used : b.used+len(data) : b.used+len(data)]
	copy(kept, data)
	b.used += len(data)
	b.held++
	return kept, b
}

// change begins another block, with room for size bytes.
func (s *store) change(size int) {
	if b := s.filling; b != nil && b.held == 0 {
		s.recycle(b)
	}
	s.filling = nil
	if b := s.spare; b != nil && size <= len(b.memory) {
		s.filling, s.spare = b, nil
		return
	}
	memory, mapped := allocate(max(size, blockSize))
	s.filling = &block{memory: memory, mapped: mapped}
}

// drop forgets one of the pictures in b.
func (s *store) drop(b *block) {
	if b.held--; b.held > 0 {
		return
	}
	if b.used = 0; b != s.filling {
		s.recycle(b)
	}
}

// recycle keeps an empty block for later, or gives it back.
func (s *store) recycle(b *block) {
	if s.spare == nil && len(b.memory) == blockSize {
		s.spare = b
		return
	}
	b.free()
}

// close gives all memory back, of which no picture is in use any more.
func (s *store) close() {
	for _, b := range []*block{s.filling, s.spare} {
		if b != nil {
			b.free()
		}
	}
	*s = store{}
}

func (b *block) free() {
	if b.mapped {
		unmap(b.memory)
	}
	b.memory = nil
}
