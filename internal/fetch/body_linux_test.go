package fetch

import (
	"io"
	"net"
	"syscall"
	"testing"
)

// TestReceiveWindow: a server without ranges may send a bounded number of bytes
// ahead. The bound applies once its answer is in, and grows with the bytes
// read.
func TestReceiveWindow(t *testing.T) {
	data := noise(3_000_000)
	u := serve(t, unranged(data, true))
	c := client(t, u, nil)
	r := c.Open(within(t, testTime), u, Range{})
	defer r.Close()
	for _, step := range []struct{ read, least, most int }{
		{1000, loopbackWindow, loopbackWindow},
		{99_000, loopbackWindow, loopbackWindow},
		{2_400_000, 2 * loopbackWindow, maxWindow},
	} {
		if _, err := io.CopyN(io.Discard, r, int64(step.read)); err != nil {
			t.Fatal(err)
		}
		if n := r.body.window; n < step.least || n > step.most {
			t.Errorf("after %d bytes more: receive window %d, want %d to %d", step.read, n, step.least, step.most)
		}
		limitReceive(r.body.conn.tcp, r.body.window)
		if n := option(t, r.body.conn, syscall.IPPROTO_TCP, syscall.TCP_WINDOW_CLAMP); n != r.body.window {
			t.Errorf("the kernel's receive window is %d, want %d", n, r.body.window)
		}
		if n := option(t, r.body.conn, syscall.SOL_SOCKET, syscall.SO_RCVBUF); n < r.body.window {
			t.Errorf("receive buffer %d for a window of %d", n, r.body.window)
		}
	}

	u = serve(t, ranged(data))
	c = client(t, u, nil)
	r = c.Open(within(t, testTime), u, Range{First: 200_000})
	defer r.Close()
	if _, err := r.Peek(100); err != nil {
		t.Fatal(err)
	}
	if n := r.body.window; n != 0 {
		t.Errorf("with ranges: receive window %d", n)
	}
}

func TestLeastWindow(t *testing.T) {
	for addr, want := range map[string]int{"127.0.0.1": loopbackWindow, "::1": loopbackWindow, "192.0.2.1": minWindow} {
		if got := leastWindow(&net.TCPAddr{IP: net.ParseIP(addr)}); got != want {
			t.Errorf("%s: %d, want %d", addr, got, want)
		}
	}
}

func option(t *testing.T, c *conn, level, name int) (value int) {
	t.Helper()
	raw, err := c.tcp.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { value, err = syscall.GetsockoptInt(int(fd), level, name) })
	if err != nil {
		t.Fatal(err)
	}
	return value
}
