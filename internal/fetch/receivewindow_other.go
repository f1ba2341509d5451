//go:build !linux

package fetch

import "net"

// limitReceive lets the server send not much more than size bytes ahead of the
// reader. With a smaller buffer, transfers stall.
func limitReceive(tcp *net.TCPConn, size int) {
	tcp.SetReadBuffer(size + size/2) // if it fails, only bytes are wasted
}
