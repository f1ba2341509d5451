package testserver

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// Lossy is a relay between RTSP viewers and a server that loses and delays datagrams to
// the viewers as a bad network does. It changes nothing else in RTSP.
type Lossy struct {
	Loss float64 // share of the datagrams that are lost
	Late float64 // share of them that come after the next one to three
	Seed uint64  // of the random numbers, which differ between the sessions of a relay
}

// Start relays to the server of u until the test ends, and returns the URL of the
// same path at the relay.
func (l Lossy) Start(tb testing.TB, u *url.URL) *url.URL {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for session := l.Seed; ; session++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { l.relaySession(conn, u.Host, session) })
		}
	})
	tb.Cleanup(func() { listener.Close(); running.Wait() })
	to := *u
	to.Host = listener.Addr().String()
	return &to
}

// relaySession serves one viewer.
func (l Lossy) relaySession(viewer net.Conn, address string, seed uint64) {
	defer viewer.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	s := &lossySession{Lossy: l, chance: rand.New(rand.NewPCG(seed, 0))}
	defer s.closeSockets()
	if err := s.openSockets(); err != nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { s.rewritePorts(server, viewer, "client_port", &s.viewer); server.Close() })
	both.Go(func() { s.rewritePorts(viewer, server, "server_port", &s.server); viewer.Close() })
	both.Wait()
}

// lossySession relays the datagrams of a session: RTP on the first of the sockets,
// RTCP on the other.
type lossySession struct {
	Lossy
	chance  *rand.Rand // of the RTP socket's goroutine
	sockets [2]*net.UDPConn
	running sync.WaitGroup

	mu             sync.Mutex
	viewer, server [2]int // ports
}

func (s *lossySession) openSockets() error {
	for i := range s.sockets {
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return err
		}
		s.sockets[i] = conn
		s.running.Go(func() { s.forwardSocket(i) })
	}
	return nil
}

func (s *lossySession) closeSockets() {
	for _, conn := range s.sockets {
		if conn != nil {
			conn.Close()
		}
	}
	s.running.Wait()
}

var portPair = regexp.MustCompile(`(client_port|server_port)=(\d+)-(\d+)`)

// rewritePorts forwards lines, with the relay's ports in place of those called name, which
// it stores in ports. It forwards data without lines as well.
func (s *lossySession) rewritePorts(to io.Writer, from io.Reader, name string, ports *[2]int) {
	for in := bufio.NewReader(from); ; {
		line, err := in.ReadString('\n')
		if strings.HasPrefix(line, "Transport:") {
			line = portPair.ReplaceAllStringFunc(line, func(pair string) string {
				if !strings.HasPrefix(pair, name) {
					return s.restorePorts(pair)
				}
				s.mu.Lock()
				defer s.mu.Unlock()
				fmt.Sscanf(pair, name+"=%d-%d", &ports[0], &ports[1]) //nolint:errcheck // it has matched
				return fmt.Sprintf("%s=%d-%d", name, s.relayPort(0), s.relayPort(1))
			})
		}
		if _, failed := io.WriteString(to, line); failed != nil || err != nil {
			return
		}
	}
}

// restorePorts replaces the relay's ports in the server's answer by the viewer's own.
func (s *lossySession) restorePorts(pair string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasPrefix(pair, "client_port") {
		return fmt.Sprintf("client_port=%d-%d", s.viewer[0], s.viewer[1])
	}
	return pair
}

func (s *lossySession) relayPort(i int) int { return s.sockets[i].LocalAddr().(*net.UDPAddr).Port }

// forwardSocket forwards the datagrams of one socket. It loses those of RTP.
func (s *lossySession) forwardSocket(i int) {
	var late [][]byte
	wait := 0
	for b := make([]byte, 64<<10); ; {
		n, from, err := s.sockets[i].ReadFromUDP(b)
		if err != nil {
			return
		}
		s.mu.Lock()
		viewer, server := s.viewer[i], s.server[i]
		s.mu.Unlock()
		switch {
		case from.Port == viewer:
			s.sendDatagram(i, b[:n], server)
			continue
		case i == 0 && s.chance.Float64() < s.Loss:
			continue
		case i == 0 && s.chance.Float64() < s.Late:
			late, wait = append(late, append([]byte(nil), b[:n]...)), 1+s.chance.IntN(3)
			continue
		}
		s.sendDatagram(i, b[:n], viewer)
		if wait--; wait <= 0 {
			for _, p := range late {
				s.sendDatagram(i, p, viewer)
			}
			late = nil
		}
	}
}

func (s *lossySession) sendDatagram(i int, b []byte, port int) {
	s.sockets[i].WriteToUDP(b, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}) //nolint:errcheck // lost, then
}
