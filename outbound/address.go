package outbound

import "net/netip"

// class is what is special about an address; the zero class is a public one.
type class struct {
	name  string
	never bool // no configuration opens it
}

type block struct {
	prefix netip.Prefix
	class  class
}

// blocks are the special ranges, narrow ones before the ranges that hold them.
// Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), and
// the metadata addresses that cloud providers document.
var blocks = []block{
	never("169.254.0.0/16", "link-local, where clouds keep instance metadata"),
	never("100.100.100.200/32", "a cloud metadata address"),
	never("168.63.129.16/32", "a cloud metadata address"),
	never("192.0.0.0/24", "reserved for protocols, with a cloud metadata address"),
	never("0.0.0.0/8", "unspecified"),
	never("224.0.0.0/4", "multicast"),
	never("240.0.0.0/4", "reserved or broadcast"),
	never("fe80::/10", "link-local"),
	never("fd00:ec2::/32", "a cloud metadata address"),
	never("fd20:ce::254/128", "a cloud metadata address"),
	never("ff00::/8", "multicast"),
	never("64:ff9b:1::/48", "a local translation prefix"),
	never("2001::/32", "a tunnel"),
	never("2002::/16", "a tunnel"),
	never("100::/64", "a discard prefix"),
	private("127.0.0.0/8", "loopback"),
	private("::1/128", "loopback"),
	never("::/96", "unspecified"), // RFC 4291: unspecified, and the retired IPv4-compatible form
	private("10.0.0.0/8", "private"),
	private("172.16.0.0/12", "private"),
	private("192.168.0.0/16", "private"),
	private("100.64.0.0/10", "private (carrier-grade NAT)"),
	private("198.18.0.0/15", "private (benchmarking)"),
	private("fc00::/7", "private (unique local)"),
	private("fec0::/10", "private (site-local)"),
}

func never(prefix, name string) block {
	return block{netip.MustParsePrefix(prefix), class{name: name, never: true}}
}

func private(prefix, name string) block {
	return block{netip.MustParsePrefix(prefix), class{name: name}}
}

// nat64 is the well-known prefix of RFC 6052; its last four bytes are an IPv4 address.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// bare drops what would hide an address from a range check: a zone and the
// IPv4-mapped form.
func bare(addr netip.Addr) netip.Addr {
	return addr.Unmap().WithZone("")
}

// classify returns what is special about addr. An address that carries an IPv4
// address is judged by the one it carries.
func classify(addr netip.Addr) class {
	addr = bare(addr)
	if nat64.Contains(addr) {
		b := addr.As16()
		addr = netip.AddrFrom4([4]byte(b[12:]))
	}
	if !addr.IsValid() {
		return class{name: "not an address", never: true}
	}
	for _, b := range blocks {
		if b.prefix.Contains(addr) {
			return b.class
		}
	}
	return class{}
}
