package allow

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// ErrRefused is wrapped by the errors of a List.
var ErrRefused = errors.New("not allowed")

// List is the hosts that strangers may have connections made to. Nil and the zero value
// allow none.
type List struct {
	any      bool
	names    map[string]bool // in lower case
	suffixes []string        // ".example.com" for "*.example.com"
	networks []netip.Prefix
}

// Parse reads host names, *.example.com for all below a domain, addresses, and networks
// such as 192.168.1.0/24, with commas or spaces between them; * stands for any host. A
// name lets its public addresses be reached. All others, such as private, loopback and
// link-local ones, have to be on the list as addresses or networks, too.
func Parse(text string) (*List, error) {
	l := &List{names: map[string]bool{}}
	for entry := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r <= ' ' }) {
		if err := l.add(strings.ToLower(entry)); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *List) add(entry string) error {
	if network, err := netip.ParsePrefix(entry); err == nil {
		l.networks = append(l.networks, network.Masked())
		return nil
	}
	if address, err := netip.ParseAddr(strings.Trim(entry, "[]")); err == nil {
		address = plain(address)
		l.networks = append(l.networks, netip.PrefixFrom(address, address.BitLen()))
		return nil
	}
	name := strings.TrimSuffix(entry, ".")
	domain, below := strings.CutPrefix(name, "*.")
	switch {
	case entry == "*":
		l.any = true
	case domain == "" || strings.Trim(domain, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "":
		return fmt.Errorf("%q is no host to allow: write example.com, *.example.com, 192.0.2.1, 10.0.0.0/8 or *", entry)
	case below:
		l.suffixes = append(l.suffixes, "."+domain)
	default:
		l.names[name] = true
	}
	return nil
}

// Empty says whether l allows nothing.
func (l *List) Empty() bool {
	return l == nil || !l.any && len(l.names)+len(l.suffixes)+len(l.networks) == 0
}

// CheckURL says whether u is a stream of the network whose host is on the list. The
// error wraps ErrRefused, and names no more of u than scheme and host.
func (l *List) CheckURL(u *url.URL) error {
	scheme := strings.ToLower(u.Scheme)
	if scheme != "http" && scheme != "https" && !strings.HasPrefix(scheme, "rtsp") {
		return fmt.Errorf("%w: of the scheme %q no URL may be asked for, only of http, https and rtsp", ErrRefused, scheme)
	}
	return l.checkHost(u.Hostname())
}

// checkHost judges a name, or an address in place of one.
func (l *List) checkHost(host string) error {
	if l.Empty() || host == "" {
		return refused(host)
	}
	if address, err := netip.ParseAddr(host); err == nil {
		if l.any || l.lists(address) {
			return nil
		}
		return refused(host)
	}
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	if l.any || l.names[name] {
		return nil
	}
	for _, s := range l.suffixes {
		if strings.HasSuffix(name, s) {
			return nil
		}
	}
	return refused(host)
}

// checkAddress judges the address that is to be dialled for host.
func (l *List) checkAddress(host string, a netip.Addr) error {
	if l.lists(a) || public(a) {
		return nil
	}
	return fmt.Errorf("%w: %q has an address that is not public, and that address is not on the list of allowed hosts", ErrRefused, host)
}

func (l *List) lists(a netip.Addr) bool {
	a = plain(a)
	for _, network := range l.networks {
		if network.Contains(a) {
			return true
		}
	}
	return false
}

func refused(host string) error {
	return fmt.Errorf("%w: %q is not on the list of allowed hosts", ErrRefused, host)
}
