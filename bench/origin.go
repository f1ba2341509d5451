package bench

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/internal/nginx"
)

// LinkRate is the link's bandwidth in bits per second, each way.
const LinkRate = 50_000_000

// Latencies are the delays that the suite's delayed servers add to each answer.
var Latencies = []time.Duration{40 * time.Millisecond, 150 * time.Millisecond}

// delayedServer returns the name of the plain server with added latency. toxiproxy delays
// answers, but not handshakes.
func delayedServer(d time.Duration) string { return plainServer + "+" + d.String() }

// Files in the directory of the origin's side.
const (
	accessLog   = "access.log"
	certificate = "cert.pem"
)

// originSide runs the servers.
type originSide struct {
	servers []*nginx.Server
	toxic   *toxiproxy.ApiServer
	count   *meter.Counter // of the counting proxies, if any
	fronts  []net.Listener
}

func newOriginSide() *originSide {
	return &originSide{
		toxic: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()),
		count: &meter.Counter{},
	}
}

func (s *originSide) do(o *order) (answer, error) {
	switch o.Op {
	case "open":
		addresses, err := s.startServers(o)
		return answer{Addresses: addresses}, err
	case "count":
		r := s.count.Read()
		return answer{Traffic: traffic{Down: r.Down, Up: r.Up}}, nil
	}
	return answer{}, fmt.Errorf("unknown order %q", o.Op)
}

// startServers starts all servers.
func (s *originSide) startServers(o *order) (map[string]string, error) {
	cert, key := filepath.Join(o.Dir, certificate), filepath.Join(o.Dir, "key.pem")
	if _, err := nginx.SelfSigned(cert, key, net.ParseIP(o.Host)); err != nil {
		return nil, err
	}
	addresses := map[string]string{}
	for name, c := range map[string]nginx.Config{
		plainServer:   {},
		noRangeServer: {Server: []string{"max_ranges 0;"}},
		tlsServer:     {Listen: "ssl http2", Server: []string{"ssl_certificate " + cert + ";", "ssl_certificate_key " + key + ";"}},
	} {
		addr, err := s.startServer(o, name, c)
		if err != nil {
			return nil, err
		}
		addresses[name] = addr
	}
	for _, d := range Latencies {
		addr, err := s.startToxicProxy(delayedServer(d), o.Host, addresses[plainServer], `"type":"latency","attributes":{"latency":`+strconv.FormatInt(d.Milliseconds(), 10)+`}`)
		if err != nil {
			return nil, err
		}
		addresses[delayedServer(d)] = addr
	}
	if o.Proxied {
		return s.addCountingProxies(o.Host, addresses)
	}
	return addresses, nil
}

func (s *originSide) startServer(o *order, name string, c nginx.Config) (string, error) {
	c.Root, c.Dir, c.Address = o.Root, filepath.Join(o.Dir, name), net.JoinHostPort(o.Host, "0")
	if err := os.Mkdir(c.Dir, 0o755); err != nil {
		return "", err
	}
	c.HTTP = []string{`log_format bench '$status $bytes_sent $request';`}
	c.Server = append(append(c.Server, dvrServer...), "access_log "+filepath.Join(o.Dir, accessLog)+" bench;")
	server, err := nginx.Start(c)
	if err != nil {
		return "", err
	}
	s.servers = append(s.servers, server)
	return server.Addr, nil
}

// startToxicProxy runs a proxy to upstream with one toxic.
func (s *originSide) startToxicProxy(name, host, upstream, toxic string) (string, error) {
	p := toxiproxy.NewProxy(s.toxic, name, net.JoinHostPort(host, "0"), upstream)
	if err := s.toxic.Collection.Add(p, true); err != nil {
		return "", err
	}
	if _, err := p.Toxics.AddToxicJson(strings.NewReader(`{"stream":"downstream",` + toxic + `}`)); err != nil {
		return "", err
	}
	return p.Listen, nil
}

// addCountingProxies puts two proxies in front of each server: one that counts, and
// between it and the server one that shapes.
func (s *originSide) addCountingProxies(host string, addresses map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for name, upstream := range addresses {
		shaped, err := s.startToxicProxy(name+"+rate", host, upstream, `"type":"bandwidth","attributes":{"rate":`+strconv.Itoa(LinkRate/8/1000)+`}`)
		if err != nil {
			return nil, err
		}
		front, err := countingProxy(net.JoinHostPort(host, "0"), shaped, s.count)
		if err != nil {
			return nil, err
		}
		s.fronts = append(s.fronts, front)
		out[name] = front.Addr().String()
	}
	return out, nil
}

func (s *originSide) close() {
	for _, l := range s.fronts {
		l.Close()
	}
	err := s.toxic.Collection.Clear()
	for _, server := range s.servers {
		err = errors.Join(err, server.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// countingProxy relays connections to upstream and counts their bytes, until the listener
// is closed.
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
			go relayConnection(conn, upstream, count)
		}
	}()
	return l, nil
}

// relayConnection relays one connection; when either end closes, it closes both.
func relayConnection(conn net.Conn, upstream string, count *meter.Counter) {
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
