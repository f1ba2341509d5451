package file

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/pion/rtp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/kfgrab/kfgrab/internal/redact"
)

const (
	// maxDatagram is the largest that UDP carries.
	maxDatagram = 64 << 10
	// receiveBuffer holds a keyframe of 8 Mbit/s video while the program is busy.
	receiveBuffer = 1 << 20
)

// OpenUDP returns a Source for a transport stream in datagrams, with or without RTP
// headers (RFC 2250 2), sent to the address of a URL like udp://239.1.2.3:1234,
// udp://127.0.0.1:1234 or udp://:1234. It listens on the address, and joins a multicast
// group, while Keyframe runs. The URL's parameter iface names the interface for the
// group; by default the system chooses.
func OpenUDP(u *url.URL, o *Options) (*Source, error) {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || port == 0 {
		return nil, fmt.Errorf("%s: a UDP address needs a port, as in udp://239.1.2.3:1234", redact.URL(u.String()))
	}

	var iface *net.Interface
	if name := u.Query().Get("iface"); name != "" {
		if iface, err = net.InterfaceByName(name); err != nil {
			return nil, fmt.Errorf("%s: no network interface %q", redact.URL(u.String()), name)
		}
	}

	s := &Source{opts: valueOf(o)}
	s.open = func(ctx context.Context) (*input, error) {
		conn, err := listenUDP(ctx, u.Host, iface)
		if err != nil {
			return nil, err
		}
		conn.SetReadBuffer(receiveBuffer) // a smaller one still works
		in := s.forwardInput(&datagrams{conn: conn}, conn.Close)
		in.once = false // the newest keyframe is yet to come
		return in, nil
	}
	return s, nil
}

func listenUDP(ctx context.Context, host string, iface *net.Interface) (*net.UDPConn, error) {
	if addr, err := netip.ParseAddrPort(host); err == nil && addr.Addr().IsMulticast() {
		return joinGroup(ctx, addr, iface)
	}

	conn, err := new(net.ListenConfig).ListenPacket(ctx, "udp", host)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UDPConn), nil
}

// joinGroup is net.ListenMulticastUDP, except that no datagram arrives before the
// socket's options exclude those of other groups.
func joinGroup(ctx context.Context, addr netip.AddrPort, iface *net.Interface) (*net.UDPConn, error) {
	c, err := (&net.ListenConfig{Control: ownGroupOnly}).ListenPacket(ctx, "udp", addr.String())
	if err != nil {
		return nil, err
	}

	group := net.UDPAddrFromAddrPort(addr)
	if addr.Addr().Is4() {
		err = ipv4.NewPacketConn(c).JoinGroup(iface, group)
	} else {
		err = ipv6.NewPacketConn(c).JoinGroup(iface, group)
	}

	if err != nil {
		c.Close()
		return nil, &net.OpError{Op: "listen", Net: "udp", Addr: group, Err: err}
	}
	return c.(*net.UDPConn), nil
}

// datagrams makes a byte stream of the payloads, each once.
type datagrams struct {
	conn    *net.UDPConn
	buf     [maxDatagram]byte
	rest    []byte
	repeats repeats
}

func (d *datagrams) Read(p []byte) (int, error) {
	for len(d.rest) == 0 {
		n, err := d.conn.Read(d.buf[:])
		if err != nil {
			return 0, err
		}
		packets, header := transportPackets(d.buf[:n])
		if !d.repeats.isRepeated(d.buf[:n], header) {
			d.rest = packets
		}
	}

	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

func (d *datagrams) SetReadDeadline(t time.Time) error { return d.conn.SetReadDeadline(t) }

// transportPackets removes the RTP header, if there is one: version 2 in place of a sync
// byte, and a sync byte after the header. The header is nil if there is none.
func transportPackets(datagram []byte) (packets []byte, header *rtp.Header) {
	var p rtp.Packet
	if len(datagram) == 0 || datagram[0]>>6 != 2 || p.Unmarshal(datagram) != nil {
		return datagram, nil
	}
	if len(p.Payload) == 0 || p.Payload[0] != syncByte {
		return datagram, nil
	}
	return p.Payload, &p.Header
}

// syncByte begins every transport packet (ISO/IEC 13818-1 2.4.3.2).
const syncByte = 0x47
