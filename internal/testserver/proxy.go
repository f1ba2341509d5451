package testserver

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Proxy is a forward proxy for HTTP, CONNECT and SOCKS5 at one port. It resolves no names:
// every host is this machine.
type Proxy struct {
	Address string // host and port

	listener net.Listener
	login    string // "user:password" that clients must give; "" for none
	serving  sync.WaitGroup

	mu       sync.Mutex
	open     map[net.Conn]bool
	targets  []string // hosts and ports that clients asked for
	received int64
}

// StartProxy starts a proxy on loopback. With a login, it refuses everybody else.
func StartProxy(login string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return ServeProxy(l, login), nil
}

// ServeProxy starts a proxy on a listener, which may be one of TLS.
func ServeProxy(l net.Listener, login string) *Proxy {
	p := &Proxy{Address: l.Addr().String(), listener: l, login: login, open: map[net.Conn]bool{}}
	p.serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.serving.Go(func() {
				defer p.track(conn)()
				p.serveClient(conn)
			})
		}
	})
	return p
}

// URL returns the proxy's URL with the login in it.
func (p *Proxy) URL(scheme string) *url.URL {
	u := &url.URL{Scheme: scheme, Host: p.Address}
	if name, password, found := strings.Cut(p.login, ":"); found {
		u.User = url.UserPassword(name, password)
	}
	return u
}

// Targets returns what clients asked to be connected to since the last call.
func (p *Proxy) Targets() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.targets
	p.targets = nil
	return list
}

// Received returns how many bytes clients have sent. It is complete after Drain.
func (p *Proxy) Received() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.received
}

// Drain accepts no more clients, and waits until the present ones have closed their
// connections.
func (p *Proxy) Drain() {
	p.listener.Close()
	p.serving.Wait()
}

// Close ends all connections.
func (p *Proxy) Close() {
	p.listener.Close()
	p.mu.Lock()
	for conn := range p.open {
		conn.Close()
	}
	p.mu.Unlock()
	p.serving.Wait()
}

// track has Close end conn; the function it returns closes it.
func (p *Proxy) track(conn net.Conn) (done func()) {
	p.mu.Lock()
	p.open[conn] = true
	p.mu.Unlock()
	return func() {
		conn.Close()
		p.mu.Lock()
		delete(p.open, conn)
		p.mu.Unlock()
	}
}

// countingConn counts what a client sends.
type countingConn struct {
	net.Conn
	proxy *Proxy
}

func (c *countingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.proxy.mu.Lock()
	c.proxy.received += int64(n)
	c.proxy.mu.Unlock()
	return n, err
}

func (p *Proxy) serveClient(raw net.Conn) {
	conn := &countingConn{raw, p}
	in := bufio.NewReader(conn)
	first, err := in.Peek(1)
	if err != nil {
		return
	}
	if first[0] == 5 {
		p.serveSOCKS(conn, in)
		return
	}
	for p.serveRequest(conn, in) == nil {
	}
}

// dialTarget connects to the port of this machine that a client asked for.
func (p *Proxy) dialTarget(target string) (net.Conn, error) {
	p.mu.Lock()
	p.targets = append(p.targets, target)
	p.mu.Unlock()
	_, port, err := net.SplitHostPort(target)
	if err != nil {
		return nil, err
	}
	return net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
}

// errServed ends the requests of a connection.
var errServed = errors.New("the connection is done")

func (p *Proxy) serveRequest(conn net.Conn, in *bufio.Reader) error {
	r, err := http.ReadRequest(in)
	if err != nil {
		return err
	}
	name, password, _ := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth()
	if p.login != "" && p.login != name+":"+password {
		fmt.Fprint(conn, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
		return nil
	}

	target := r.Host
	if r.Method != http.MethodConnect && r.URL.Port() == "" {
		target = net.JoinHostPort(r.URL.Hostname(), "80")
	}
	server, err := p.dialTarget(target)
	if err != nil {
		fmt.Fprint(conn, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
		return nil
	}
	defer p.track(server)()

	if r.Method == http.MethodConnect {
		fmt.Fprint(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		copyBothWays(conn, in, server)
		return errServed
	}
	r.Header.Del("Proxy-Authorization")
	if err := r.Write(server); err != nil {
		return err
	}
	answer, err := http.ReadResponse(bufio.NewReader(server), r)
	if err != nil {
		return err
	}
	return answer.Write(conn)
}

// serveSOCKS speaks SOCKS5 with domain names and IPv4 addresses (RFC 1928, RFC 1929).
func (p *Proxy) serveSOCKS(conn net.Conn, in *bufio.Reader) {
	read := func(n int) []byte {
		b := make([]byte, n)
		io.ReadFull(in, b) //nolint:errcheck // zeros are invalid
		return b
	}
	methods := read(int(read(2)[1]))
	if p.login == "" {
		conn.Write([]byte{5, 0})
	} else if slices.Contains(methods, 2) {
		conn.Write([]byte{5, 2})
		name := read(int(read(2)[1]))
		password := read(int(read(1)[0]))
		if string(name)+":"+string(password) != p.login {
			conn.Write([]byte{1, 1})
			return
		}
		conn.Write([]byte{1, 0})
	} else {
		conn.Write([]byte{5, 0xff})
		return
	}

	host := ""
	switch read(4)[3] {
	case 1:
		host = net.IP(read(4)).String()
	case 3:
		host = string(read(int(read(1)[0])))
	default:
		return
	}
	port := binary.BigEndian.Uint16(read(2))
	server, err := p.dialTarget(net.JoinHostPort(host, strconv.Itoa(int(port))))
	if err != nil {
		conn.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0}) // connection refused
		return
	}
	defer p.track(server)()
	conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	copyBothWays(conn, in, server)
}

// copyBothWays ends both connections when either ends.
func copyBothWays(client net.Conn, in io.Reader, server net.Conn) {
	var up sync.WaitGroup
	up.Go(func() {
		io.Copy(server, in) //nolint:errcheck // either end may close
		server.Close()
	})
	io.Copy(client, server) //nolint:errcheck // either end may close
	client.Close()
	up.Wait()
}
