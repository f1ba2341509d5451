package fetch

import (
	"net"
	"syscall"
)

// limitReceive lets the server send no more than size bytes ahead of the reader. The
// buffer is larger, because the kernel counts more for a packet than its bytes: if it
// is too small, packets are dropped and come again 200 ms later.
func limitReceive(tcp *net.TCPConn, size int) {
	tcp.SetReadBuffer(4 * size) // else the kernel would widen both
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_WINDOW_CLAMP, size)
	})
	if err != nil {
		tcp.SetReadBuffer(size + size/2)
	}
}
