package bench

import (
	"io"
	"net"
	"sync"

	"github.com/kfgrab/kfgrab/internal/meter"
)

// countingProxy passes on what comes to address, to upstream and back, and counts
// it, until the listener is closed.
func countingProxy(address, upstream string, count *meter.Counter) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go passOn(conn, upstream, count)
		}
	}()
	return l, nil
}

// passOn ends both connections when either does.
func passOn(conn net.Conn, upstream string, count *meter.Counter) {
	defer conn.Close()
	server, err := net.Dial("tcp", upstream)
	if err != nil {
		return
	}
	server = count.Conn(server)
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{server, conn}, {conn, server}} {
		both.Go(func() {
			io.Copy(way[0], way[1]) //nolint:errcheck // a contestant may hang up
			server.Close()
			conn.Close()
		})
	}
	both.Wait()
}
