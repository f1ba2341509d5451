//go:build unix

package session

import "syscall"

// allocateMemory returns n zeroed bytes, mapped or, if the system refuses, from the heap.
func allocateMemory(n int) (memory []byte, mapped bool) {
	memory, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return make([]byte, n), false
	}
	return memory, true
}

func unmapMemory(memory []byte) {
	syscall.Munmap(memory) //nolint:errcheck // allocateMemory mapped it
}
