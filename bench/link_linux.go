package bench

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// isolateNetwork starts the process in its own network namespace.
func isolateNetwork(attr *syscall.SysProcAttr) { attr.Cloneflags = syscall.CLONE_NEWNET }

// canIsolate returns the reason if namespaces are not possible here.
func canIsolate() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("not root")
	}
	for _, tool := range []string{"ip", "tc", "nsenter", "sh"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s is not installed", tool)
		}
	}
	return nil
}

// The ends of the link. The namespaces have no other interface except loopback.
const (
	device     = "kf0"
	originHost = "10.213.0.1"
	clientHost = "10.213.0.2"
	originMAC  = "02:6b:66:00:00:01"
	clientMAC  = "02:6b:66:00:00:02"
)

// setUp sets up one end. It keeps traffic off the link that is not a contestant's (ARP,
// by permanent neighbours, and IPv6 solicitations). Segments are not joined, so that each
// one has its headers.
const setUp = `
echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 || true
ip link set dev lo up
ip link set dev %[1]s address %[2]s gso_max_segs 1 mtu 1500
ip addr add %[3]s/30 dev %[1]s
ip link set dev %[1]s up
ip neigh add %[4]s lladdr %[5]s nud permanent dev %[1]s
tc qdisc add dev %[1]s root tbf rate %[6]d burst 16kb latency 50ms
`

// joinNamespaces connects the namespaces of two processes with a veth, shaped both ways.
func joinNamespaces(origin, client int) error {
	if err := runCommand("ip", "link", "add", device, "netns", strconv.Itoa(origin), "type", "veth",
		"peer", "name", device, "netns", strconv.Itoa(client)); err != nil {
		return err
	}
	if err := inNamespace(origin, fmt.Sprintf(setUp, device, originMAC, originHost, clientHost, clientMAC, LinkRate)); err != nil {
		return err
	}
	return inNamespace(client, fmt.Sprintf(setUp, device, clientMAC, clientHost, originHost, originMAC, LinkRate))
}

func inNamespace(pid int, script string) error {
	return runCommand("nsenter", "--net=/proc/"+strconv.Itoa(pid)+"/ns/net", "sh", "-ec", script)
}

func runCommand(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// interfaceTraffic reads the counters of the link's end in this namespace.
func interfaceTraffic() (traffic, error) {
	f, err := os.Open("/proc/self/net/dev")
	if err != nil {
		return traffic{}, err
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		name, rest, _ := strings.Cut(in.Text(), ":")
		if strings.TrimSpace(name) != device {
			continue
		}
		fields := strings.Fields(rest)
		if len(fields) < 9 {
			break
		}
		down, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			return traffic{}, err
		}
		up, err := strconv.ParseInt(fields[8], 10, 64)
		return traffic{Down: down, Up: up}, err
	}
	return traffic{}, fmt.Errorf("no counters for %s", device)
}
