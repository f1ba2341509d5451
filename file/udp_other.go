//go:build !linux

package file

import "net"

// ownGroupOnly has nothing to do: only Linux mixes the groups of a port.
func ownGroupOnly(*net.UDPConn) {}
