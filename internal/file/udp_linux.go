package file

import "syscall"

// Socket options that package syscall lacks, of linux/in.h and linux/in6.h.
const (
	ipMulticastAll   = 49
	ipv6MulticastAll = 29
)

// ownGroupOnly excludes datagrams of other groups with the same port that some program
// on this machine has joined. Linux delivers them to every socket of the port.
func ownGroupOnly(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) { // one of the two fails
		syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, ipMulticastAll, 0)
		syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, ipv6MulticastAll, 0)
	})
}
