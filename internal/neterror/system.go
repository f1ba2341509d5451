package neterror

import "syscall"

// describeSystem describes an error number of a connection.
func describeSystem(errno syscall.Errno) string {
	switch errno {
	case syscall.ECONNREFUSED:
		return "connection refused: no server listens at this port"
	case syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN:
		return errno.Error() + ": check the address and the network"
	case syscall.ETIMEDOUT:
		return "no answer: check the address, and whether a firewall drops the connection"
	case syscall.EINVAL:
		return "no connection to this kind of address; a link-local one names its interface, as in [fe80::1%25eth0]"
	case syscall.EMFILE, syscall.ENFILE:
		return errno.Error() + ": raise the limit with ulimit -n"
	case syscall.EACCES, syscall.EPERM:
		return errno.Error() + ": this machine's firewall may refuse the connection"
	}
	return errno.Error()
}
