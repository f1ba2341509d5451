package fetch

import (
	"io"
	"net"
	"syscall"
	"testing"
)

// What a server without ranges may send ahead is bounded when its answer is in,
// and grows with what was read; with ranges the kernel chooses.
func TestReceiveBuffer(t *testing.T) {
	data := noise(3_000_000)
	u := serve(t, unranged(data, true))
	c := client(t, u, nil)
	r := c.Open(within(t, testTime), u, Range{})
	defer r.Close()
	for _, step := range []struct{ read, least, most int }{
		{1000, loopbackBuffer, 2 * loopbackBuffer}, // Linux doubles the value for its own needs
		{99_000, loopbackBuffer, 2 * loopbackBuffer},
		{2_400_000, 2*loopbackBuffer + 1, 4 * maxReceiveBuffer},
	} {
		if _, err := io.CopyN(io.Discard, r, int64(step.read)); err != nil {
			t.Fatal(err)
		}
		if n := receiveBuffer(t, r.body.conn); n < step.least || n > step.most {
			t.Errorf("after %d bytes more: receive buffer %d, want %d to %d", step.read, n, step.least, step.most)
		}
	}

	u = serve(t, ranged(data))
	c = client(t, u, nil)
	r = c.Open(within(t, testTime), u, Range{First: 200_000})
	defer r.Close()
	if _, err := r.Peek(100); err != nil {
		t.Fatal(err)
	}
	if n := receiveBuffer(t, r.body.conn); n == 2*loopbackBuffer {
		t.Errorf("with ranges: receive buffer %d", n)
	}
}

func TestLeastBuffer(t *testing.T) {
	for addr, want := range map[string]int{"127.0.0.1": loopbackBuffer, "::1": loopbackBuffer, "192.0.2.1": minReceiveBuffer} {
		if got := leastBuffer(&net.TCPAddr{IP: net.ParseIP(addr)}); got != want {
			t.Errorf("%s: %d, want %d", addr, got, want)
		}
	}
}

func receiveBuffer(t *testing.T, c *conn) (size int) {
	t.Helper()
	raw, err := c.tcp.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { size, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF) })
	if err != nil {
		t.Fatal(err)
	}
	return size
}
