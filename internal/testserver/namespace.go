package testserver

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// namespace is a network namespace that acts as another host: a virtual cable, which
// carries multicast as well, connects it with this one.
type namespace struct {
	name    string
	address string // there
	device  string // there
}

// newNamespace makes one for the duration of the test. It skips the test unless it runs
// as root on Linux.
func newNamespace(tb testing.TB) *namespace {
	tb.Helper()
	if os.Getuid() != 0 {
		tb.Skip("a network namespace needs root")
	}
	// Addresses for tests between networks (RFC 2544), four for each process.
	pid := os.Getpid()
	n := &namespace{name: fmt.Sprint("kfgrab", pid), device: fmt.Sprint("kfb", pid)}
	here, subnet := fmt.Sprint("kfa", pid), fmt.Sprintf("198.%d.%d.", 18+pid>>14&1, pid>>6&255)
	n.address = fmt.Sprint(subnet, pid&63*4+2)
	for i, command := range []string{
		"ip netns add " + n.name,
		"ip link add " + here + " type veth peer name " + n.device + " netns " + n.name,
		fmt.Sprintf("ip addr add %s%d/30 dev %s", subnet, pid&63*4+1, here),
		"ip link set " + here + " up",
		"ip -n " + n.name + " addr add " + n.address + "/30 dev " + n.device,
		"ip -n " + n.name + " link set " + n.device + " up",
		"ip -n " + n.name + " route add 239.0.0.0/8 dev " + n.device,
	} {
		if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
			tb.Skipf("no network namespace: %s: %v: %s", command, err, strings.TrimSpace(string(out)))
		}
		if i == 0 {
			tb.Cleanup(func() { exec.Command("ip", "netns", "del", n.name).Run() }) //nolint:errcheck // it ends with the machine
		}
	}
	return n
}

// command returns a command that runs in the namespace.
func (n *namespace) command(name string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", n.name, name}, args...)...)
}
