package serve

import (
	"cmp"
	"fmt"
	"net/http"
	"net/netip"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// maxClients is how many addresses a limiter distinguishes at a time.
const maxClients = 10_000

// guessRate is for credentials that have not been seen before. A household has
// that many; a client that tries more is guessing.
var guessRate = Rate{PerSecond: 1, Burst: 20}

// limiter bounds how often each client does something.
type limiter struct {
	conf     Rate
	mu       sync.Mutex
	byClient *lru.Cache[netip.Prefix, *rate.Limiter]
}

func newLimiter(conf Rate) *limiter {
	byClient, _ := lru.New[netip.Prefix, *rate.Limiter](maxClients) // fails for sizes below 1 only
	conf.Burst = cmp.Or(conf.Burst, conf.PerSecond)
	return &limiter{conf: conf, byClient: byClient}
}

// allow reports whether the client may do it once more now.
func (l *limiter) allow(r *http.Request) bool {
	return l.limiterOf(clientPrefix(r.RemoteAddr)).Allow()
}

func (l *limiter) limiterOf(a netip.Prefix) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	one, ok := l.byClient.Get(a)
	if !ok {
		one = rate.NewLimiter(rate.Limit(l.conf.PerSecond), l.conf.Burst)
		l.byClient.Add(a, one)
	}
	return one
}

func tooManyRequests(format string, args ...any) error {
	return &refusal{httpError: httpError{http.StatusTooManyRequests, fmt.Sprintf(format, args...)}, reason: overRate, retry: 1}
}

// clientPrefix returns what identifies a client: its IPv4 address or its IPv6
// network, which gives one client 2^64 addresses (RFC 4291 2.5.4). It is the
// zero value if there is no address.
func clientPrefix(remote string) netip.Prefix {
	a, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	address, bits := a.Addr().Unmap().WithZone(""), 32
	if address.Is6() {
		bits = 64
	}
	p, _ := address.Prefix(bits) // fails for too many bits only
	return p
}
