package file

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/kfgrab/kfgrab/internal/redact"
)

const (
	// maxDatagram is the largest that UDP carries.
	maxDatagram = 64 << 10
	// receiveBuffer holds a keyframe of 8 Mbit/s video while the program is busy.
	receiveBuffer = 1 << 20
	// rtpHeader is the RTP header in front of a transport stream (RFC 2250 2)
	// without contributing sources and extension.
	rtpHeader = 12
)

// OpenUDP returns a Source of the transport stream that comes in datagrams, with
// or without RTP headers, to the address of a URL like udp://239.1.2.3:1234 or
// udp://127.0.0.1:1234. A multicast group is joined while Keyframe runs, on the
// interface that the parameter iface names, else on the system's choice.
func OpenUDP(u *url.URL, o *Options) (*Source, error) {
	addr, err := net.ResolveUDPAddr("udp", u.Host)
	if err != nil || addr.Port == 0 {
		return nil, fmt.Errorf("%s: a UDP address is like udp://239.1.2.3:1234", redact.URL(u.String()))
	}
	var iface *net.Interface
	if name := u.Query().Get("iface"); name != "" {
		if iface, err = net.InterfaceByName(name); err != nil {
			return nil, fmt.Errorf("no network interface %q", name)
		}
	}
	s := &Source{opts: valueOf(o)}
	s.open = func(ctx context.Context) (*input, error) {
		conn, err := listen(addr, iface)
		if err != nil {
			return nil, err
		}
		conn.SetReadBuffer(receiveBuffer) // a smaller one still works
		return s.forward(&datagrams{conn: conn}, conn.Close), nil
	}
	return s, nil
}

func listen(addr *net.UDPAddr, iface *net.Interface) (*net.UDPConn, error) {
	if addr.IP != nil && addr.IP.IsMulticast() {
		return net.ListenMulticastUDP("udp", iface, addr)
	}
	return net.ListenUDP("udp", addr)
}

// datagrams makes a byte stream of the payloads.
type datagrams struct {
	conn *net.UDPConn
	buf  [maxDatagram]byte
	rest []byte
}

func (d *datagrams) Read(p []byte) (int, error) {
	for len(d.rest) == 0 {
		n, err := d.conn.Read(d.buf[:])
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				err = fmt.Errorf("no datagrams: %w", err)
			}
			return 0, err
		}
		d.rest = transportPackets(d.buf[:n])
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

func (d *datagrams) SetReadDeadline(t time.Time) error { return d.conn.SetReadDeadline(t) }

// transportPackets takes the RTP header off, if there is one: version 2 where a
// sync byte would stand, and a sync byte behind the header.
func transportPackets(datagram []byte) []byte {
	if len(datagram) > rtpHeader && datagram[0]>>6 == 2 && datagram[rtpHeader] == 0x47 {
		return datagram[rtpHeader:]
	}
	return datagram
}
