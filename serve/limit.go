package serve

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

const (
	// DefaultConnections are those of a thousand viewers with what browsers open beside.
	DefaultConnections = 4096
	// maxClients is how many addresses are told apart at a time.
	maxClients = 10_000
)

// guessRate is for credentials that have not been seen before: a household has that many
// in hand, and who tries more is guessing.
var guessRate = Rate{PerSecond: 1, Burst: 20}

// limiter bounds how often each client does something.
type limiter struct {
	conf Rate
	mu   sync.Mutex
	of   *lru.Cache[netip.Prefix, *rate.Limiter] // the longest unseen go first
}

func newLimiter(conf Rate) *limiter {
	of, _ := lru.New[netip.Prefix, *rate.Limiter](maxClients) // the error is that of sizes below 1
	conf.Burst = cmp.Or(conf.Burst, conf.PerSecond)
	return &limiter{conf: conf, of: of}
}

// take says whether who asks may do it once more now.
func (l *limiter) take(r *http.Request) bool { return l.limiterOf(clientAddress(r.RemoteAddr)).Allow() }

func (l *limiter) limiterOf(a netip.Prefix) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	one, ok := l.of.Get(a)
	if !ok {
		one = rate.NewLimiter(rate.Limit(l.conf.PerSecond), l.conf.Burst)
		l.of.Add(a, one)
	}
	return one
}

func tooManyRequests(format string, args ...any) error {
	return &refusal{httpError: httpError{http.StatusTooManyRequests, fmt.Sprintf(format, args...)}, reason: tooMany, retry: 1}
}

// clientAddress is what stands for a client: of IPv6 the network, which has 2^64 addresses
// for one (RFC 4291 2.5.4). It is the zero value where there is no address.
func clientAddress(remote string) netip.Prefix {
	a, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	address, bits := a.Addr().Unmap().WithZone(""), 32
	if address.Is6() {
		bits = 64
	}
	p, _ := address.Prefix(bits) // the error is that of too many bits
	return p
}

// boundedListener has so many connections at most, half of them of one client, so that
// nobody alone keeps the others out. Those of this machine are not told apart.
type boundedListener struct {
	net.Listener
	places chan struct{} // a value for each connection, and the next
	closed chan struct{}
	close  func() error

	mu   sync.Mutex
	of   map[netip.Prefix]int
	open int
}

func newBoundedListener(l net.Listener, most int) *boundedListener {
	b := &boundedListener{Listener: l, places: make(chan struct{}, most), closed: make(chan struct{}), of: map[netip.Prefix]int{}}
	b.close = sync.OnceValue(func() error {
		close(b.closed)
		return l.Close()
	})
	return b
}

// Accept waits for a place, and then for a connection.
func (b *boundedListener) Accept() (net.Conn, error) {
	for {
		select {
		case b.places <- struct{}{}:
		case <-b.closed:
			return nil, net.ErrClosed
		}
		conn, err := b.Listener.Accept()
		if err != nil {
			<-b.places
			return nil, err
		}
		client := clientAddress(conn.RemoteAddr().String())
		if !b.enter(client) {
			conn.Close()
			<-b.places
			continue
		}
		return &boundedConn{Conn: conn, leave: sync.OnceFunc(func() { b.leave(client) })}, nil
	}
}

// Close ends an Accept, wherever it waits.
func (b *boundedListener) Close() error { return b.close() }

func (b *boundedListener) enter(client netip.Prefix) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !client.Addr().IsLoopback() && b.of[client] >= max(1, cap(b.places)/2) {
		return false
	}
	b.of[client]++
	b.open++
	return true
}

func (b *boundedListener) leave(client netip.Prefix) {
	b.mu.Lock()
	b.open--
	if b.of[client]--; b.of[client] == 0 {
		delete(b.of, client)
	}
	b.mu.Unlock()
	<-b.places
}

// count returns the number of connections.
func (b *boundedListener) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}

// boundedConn gives its place back.
type boundedConn struct {
	net.Conn
	leave func()
}

func (c *boundedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
