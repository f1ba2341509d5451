//go:build !unix

package session

// allocateMemory returns n bytes of the heap; only Unix has mmap.
func allocateMemory(n int) (memory []byte, mapped bool) { return make([]byte, n), false }

func unmapMemory([]byte) {}
