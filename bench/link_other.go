//go:build !linux

package bench

import (
	"errors"
	"os/exec"
)

const originHost = "127.0.0.1"

var errNoNamespaces = errors.New("not Linux")

func isolate(*exec.Cmd) {}

func canIsolate() error { return errNoNamespaces }

func joinNamespaces(int, int) error { return errNoNamespaces }

func interfaceTraffic() (traffic, error) { return traffic{}, errNoNamespaces }
