package outbound

import "net/netip"

// addressClass is why an address is refused; the zero value is a public address.
type addressClass struct {
	name          string
	alwaysRefused bool // no configuration can allow it
}

type addressBlock struct {
	prefix netip.Prefix
	class  addressClass
}

// specialBlocks are the special ranges, each before the ranges that contain it.
// Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), and
// the metadata addresses that cloud providers document.
var specialBlocks = []addressBlock{
	refuseAlways("169.254.0.0/16", "link-local, where clouds keep instance metadata"),
	refuseAlways("100.100.100.200/32", "a cloud metadata address"),
	refuseAlways("168.63.129.16/32", "a cloud metadata address"),
	refuseAlways("192.0.0.0/24", "reserved for protocols, with a cloud metadata address"),
	refuseAlways("0.0.0.0/8", "unspecified"),
	refuseAlways("224.0.0.0/4", "multicast"),
	refuseAlways("240.0.0.0/4", "reserved or broadcast"),
	refuseAlways("fe80::/10", "link-local"),
	refuseAlways("fd00:ec2::/32", "a cloud metadata address"),
	refuseAlways("fd20:ce::254/128", "a cloud metadata address"),
	refuseAlways("ff00::/8", "multicast"),
	refuseAlways("64:ff9b:1::/48", "a local translation prefix"),
	refuseAlways("2001::/32", "a tunnel"),
	refuseAlways("2002::/16", "a tunnel"),
	refuseAlways("100::/64", "a discard prefix"),
	refuseByDefault("127.0.0.0/8", "loopback"),
	refuseByDefault("::1/128", "loopback"),
	refuseAlways("::/96", "unspecified"), // RFC 4291: unspecified, and the retired IPv4-compatible form
	refuseByDefault("10.0.0.0/8", "private"),
	refuseByDefault("172.16.0.0/12", "private"),
	refuseByDefault("192.168.0.0/16", "private"),
	refuseByDefault("100.64.0.0/10", "private (carrier-grade NAT)"),
	refuseByDefault("198.18.0.0/15", "private (benchmarking)"),
	refuseByDefault("fc00::/7", "private (unique local)"),
	refuseByDefault("fec0::/10", "private (site-local)"),
}

func refuseAlways(prefix, name string) addressBlock {
	return addressBlock{netip.MustParsePrefix(prefix), addressClass{name: name, alwaysRefused: true}}
}

func refuseByDefault(prefix, name string) addressBlock {
	return addressBlock{netip.MustParsePrefix(prefix), addressClass{name: name}}
}

// nat64Prefix is the well-known prefix of RFC 6052. The last four bytes of its addresses are an
// IPv4 address.
var nat64Prefix = netip.MustParsePrefix("64:ff9b::/96")

// normalizeAddr removes the zone and the IPv4-mapped form, which would hide an address from a
// range check.
func normalizeAddr(addr netip.Addr) netip.Addr {
	return addr.Unmap().WithZone("")
}

// classifyAddr returns the class of addr. A NAT64 address has the class of its IPv4 address.
func classifyAddr(addr netip.Addr) addressClass {
	addr = normalizeAddr(addr)
	if nat64Prefix.Contains(addr) {
		b := addr.As16()
		addr = netip.AddrFrom4([4]byte(b[12:]))
	}
	if !addr.IsValid() {
		return addressClass{name: "not an address", alwaysRefused: true}
	}
	for _, b := range specialBlocks {
		if b.prefix.Contains(addr) {
			return b.class
		}
	}
	return addressClass{}
}
