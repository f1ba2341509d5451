//go:build unix && !linux

package bench

import (
	"errors"
	"syscall"
)

const originHost = "127.0.0.1"

var errNoNamespaces = errors.New("not Linux")

func isolate(*syscall.SysProcAttr) {}

func canIsolate() error { return errNoNamespaces }

func joinNamespaces(int, int) error { return errNoNamespaces }

func interfaceTraffic() (traffic, error) { return traffic{}, errNoNamespaces }
