//go:build unix

package session

import "syscall"

// allocate returns n bytes of zeros, mapped if they are not of Go's heap. Where the
// system gives none, the heap serves.
func allocate(n int) (memory []byte, mapped bool) {
	memory, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return make([]byte, n), false
	}
	return memory, true
}

func unmap(memory []byte) {
	syscall.Munmap(memory) //nolint:errcheck // it was mapped so
}
