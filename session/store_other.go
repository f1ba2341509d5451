//go:build !unix

package session

// allocate returns n bytes of the heap: others are for Unix.
func allocate(n int) (memory []byte, mapped bool) { return make([]byte, n), false }

func unmap([]byte) {}
