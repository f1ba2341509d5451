// Package allow lets a program fetch URLs that strangers name without opening
// its own network to them (server-side request forgery). It is internal to
// kfgrab, for kfgrab serve and the Lambda function.
//
// Call [Parse] for the hosts that an operator allows, then [List.CheckURL]
// before opening a stranger's URL, and connect with [List.DialContext] only:
// this covers redirects and the URIs in playlists. The address that is dialled
// decides, whatever the name server said before.
//
// Ports, paths and credentials are not checked. Datagrams don't use DialContext.
package allow

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
)

// ErrRefused is wrapped by the errors of a List.
var ErrRefused = errors.New("not allowed")

// List holds the hosts that strangers may connect to. Nil and the zero value
// allow none.
type List struct {
	any      bool
	names    map[string]bool // in lower case
	suffixes []string        // ".example.com" for "*.example.com"
	networks []netip.Prefix
}

// Parse reads entries separated by commas or spaces: host names, *.example.com
// for all names below a domain, addresses, networks such as 192.168.1.0/24, and
// * for any host. A name allows its public addresses only. Private, loopback,
// link-local and other special addresses must be on the list as addresses or
// networks, too.
func Parse(text string) (*List, error) {
	l := &List{names: map[string]bool{}}
	for entry := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r <= ' ' }) {
		if err := l.addEntry(strings.ToLower(entry)); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *List) addEntry(entry string) error {
	if network, err := netip.ParsePrefix(entry); err == nil {
		l.networks = append(l.networks, network.Masked())
		return nil
	}
	if address, err := netip.ParseAddr(strings.Trim(entry, "[]")); err == nil {
		address = normalise(address)
		l.networks = append(l.networks, netip.PrefixFrom(address, address.BitLen()))
		return nil
	}

	name := strings.TrimSuffix(entry, ".")
	domain, below := strings.CutPrefix(name, "*.")
	switch {
	case entry == "*":
		l.any = true
	case domain == "" || strings.Trim(domain, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "":
		return fmt.Errorf("invalid host to allow %q: want example.com, *.example.com, 192.0.2.1, 10.0.0.0/8 or *", entry)
	case below:
		l.suffixes = append(l.suffixes, "."+domain)
	default:
		l.names[name] = true
	}
	return nil
}

// Empty reports whether l allows nothing.
func (l *List) Empty() bool {
	return l == nil || (!l.any && len(l.names)+len(l.suffixes)+len(l.networks) == 0)
}

// CheckURL returns an error unless u is an http, https or rtsp URL whose host is
// on the list. The error wraps ErrRefused and shows only the scheme and the
// host.
func (l *List) CheckURL(u *url.URL) error {
	scheme := strings.ToLower(u.Scheme)
	if scheme != "http" && scheme != "https" && !strings.HasPrefix(scheme, "rtsp") {
		return fmt.Errorf("%w: the URL has the scheme %q; want http, https or rtsp", ErrRefused, scheme)
	}
	return l.checkHost(u.Hostname())
}

// DialContext connects like that of net.Dialer, to allowed addresses only; it
// skips the others that a name has. An error that wraps ErrRefused is a
// *net.OpError without an address: a stranger learns only that the name has a
// private one.
func (l *List) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err == nil {
		err = l.checkHost(host)
	}
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}

	d := net.Dialer{ControlContext: func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(resolved)
		if err != nil {
			return err
		}
		return l.checkAddress(host, to.Addr())
	}}
	conn, err := d.DialContext(ctx, network, address)
	var dial *net.OpError
	if errors.Is(err, ErrRefused) && errors.As(err, &dial) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: dial.Err}
	}
	return conn, err
}

// checkHost checks a host name or an address.
func (l *List) checkHost(host string) error {
	if !l.allowsHost(host) {
		return fmt.Errorf("%w: %q is not on the list of allowed hosts", ErrRefused, host)
	}
	return nil
}

func (l *List) allowsHost(host string) bool {
	if l.Empty() || host == "" {
		return false
	}
	if address, err := netip.ParseAddr(host); err == nil {
		return l.any || l.hasAddress(address)
	}
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	if l.any || l.names[name] {
		return true
	}
	for _, s := range l.suffixes {
		if strings.HasSuffix(name, s) {
			return true
		}
	}
	return false
}

// checkAddress checks the address that is about to be dialled for host.
func (l *List) checkAddress(host string, a netip.Addr) error {
	if l.hasAddress(a) || isPublic(a) {
		return nil
	}
	return fmt.Errorf("%w: %q has an address that is not public, and that address is not on the list of allowed hosts", ErrRefused, host)
}

func (l *List) hasAddress(a netip.Addr) bool {
	a = normalise(a)
	for _, network := range l.networks {
		if network.Contains(a) {
			return true
		}
	}
	return false
}

// special are the networks within 0.0.0.0/0 and 2000::/3 that strangers must not
// reach: special-purpose addresses (RFC 6890) that are not globally reachable or
// lead into another network, and addresses of clouds.
var special = parsePrefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
	"172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"168.63.129.16/32", // Azure's host: metadata and more
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

var (
	globalUnicast = netip.MustParsePrefix("2000::/3")     // all of IPv6 that is assigned (RFC 4291 2.4)
	translated    = netip.MustParsePrefix("64:ff9b::/96") // an IPv4 address in its last four bytes (RFC 6052 2.1)
)

func parsePrefixes(texts ...string) (list []netip.Prefix) {
	for _, t := range texts {
		list = append(list, netip.MustParsePrefix(t))
	}
	return list
}

// normalise returns the address that a packet to a reaches.
func normalise(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if translated.Contains(a) {
		b := a.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return a
}

// isPublic reports whether everyone reaches a.
func isPublic(a netip.Addr) bool {
	a = normalise(a)
	if !a.Is4() && !globalUnicast.Contains(a) {
		return false
	}
	for _, network := range special {
		if network.Contains(a) {
			return false
		}
	}
	return true
}
