package allow

import "net/netip"

// special are networks within 0.0.0.0/0 and 2000::/3 that no stranger has business
// with: those of the registries of special-purpose addresses (RFC 6890) that are not
// globally reachable or lead into another network, and the clouds' own addresses.
var special = networks(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
	"172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"168.63.129.16/32", // Azure's host: metadata and more
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

var (
	globalUnicast = netip.MustParsePrefix("2000::/3")     // all of IPv6 that is given out (RFC 4291 2.4)
	translated    = netip.MustParsePrefix("64:ff9b::/96") // an IPv4 address in its last four bytes (RFC 6052 2.1)
)

func networks(texts ...string) (list []netip.Prefix) {
	for _, t := range texts {
		list = append(list, netip.MustParsePrefix(t))
	}
	return list
}

// plain is the address that a packet to a reaches.
func plain(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if translated.Contains(a) {
		b := a.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return a
}

// public says whether a is an address that anybody reaches.
func public(a netip.Addr) bool {
	a = plain(a)
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
