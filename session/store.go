package session

// blockSize is how much memory is allocated at once: two seconds of 1 Mbit/s. At most one
// picture's size is wasted at the end of a block.
const blockSize = 256 << 10

// store keeps the bytes of pictures outside Go's heap. By default, the garbage collector
// lets the heap grow to twice the live data, so a ring would need its size once more.
// It needs no collector: pictures are freed in the order in which they came, and nothing
// outside the ring refers to them.
type store struct {
	filling *block
	spare   *block // empty, nil if there is none
}

// block is some memory for the bytes of several pictures.
type block struct {
	memory []byte
	mapped bool
	used   int // bytes, from the beginning
	held   int // pictures
}

// keepBytes copies data.
func (s *store) keepBytes(data []byte) (kept []byte, in *block) {
	if s.filling == nil || len(data) > len(s.filling.memory)-s.filling.used {
		s.changeBlock(len(data))
	}

	b := s.filling
	kept = b.memory[b.used : b.used+len(data) : b.used+len(data)]
	copy(kept, data)
	b.used += len(data)
	b.held++
	return kept, b
}

// changeBlock begins another block, with room for size bytes.
func (s *store) changeBlock(size int) {
	if b := s.filling; b != nil && b.held == 0 {
		s.recycleBlock(b)
	}
	s.filling = nil

	if b := s.spare; b != nil && size <= len(b.memory) {
		s.filling, s.spare = b, nil
		return
	}

	memory, mapped := allocateMemory(max(size, blockSize))
	s.filling = &block{memory: memory, mapped: mapped}
}

// dropPicture frees one of the pictures in b.
func (s *store) dropPicture(b *block) {
	if b.held--; b.held > 0 {
		return
	}
	if b.used = 0; b != s.filling {
		s.recycleBlock(b)
	}
}

// recycleBlock keeps an empty block for later, or frees it.
func (s *store) recycleBlock(b *block) {
	if s.spare == nil && len(b.memory) == blockSize {
		s.spare = b
		return
	}
	b.freeMemory()
}

// freeAll frees all memory. No picture may be in use any more.
func (s *store) freeAll() {
	for _, b := range []*block{s.filling, s.spare} {
		if b != nil {
			b.freeMemory()
		}
	}
	*s = store{}
}

func (b *block) freeMemory() {
	if b.mapped {
		unmapMemory(b.memory)
	}
	b.memory = nil
}
