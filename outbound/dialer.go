package outbound

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"plimsoll"
)

// maxAddresses bounds how many addresses of one name are tried.
const maxAddresses = 8

// dialer resolves a host, checks its addresses, and connects to a checked address.
type dialer struct {
	allow    map[string]bool // by hostPortKey
	resolver Resolver
	connect  func(ctx context.Context, network, address string) (net.Conn, error)
	proxyFor func(*http.Request) (*url.URL, error)
}

func newDialer(p Policy) *dialer {
	d := &dialer{allow: map[string]bool{}, resolver: p.Resolver, connect: p.Dial, proxyFor: p.Proxy}
	for _, entry := range p.Allow {
		if host, port, err := net.SplitHostPort(entry); err == nil {
			d.allow[hostPortKey(host, port)] = true
		}
	}
	if d.resolver == nil {
		d.resolver = net.DefaultResolver
	}
	if d.connect == nil {
		d.connect = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	return d
}

// hostPortKey returns host:port in the form used for comparison.
func hostPortKey(host, port string) string {
	if addr, err := netip.ParseAddr(host); err == nil {
		host = normalizeAddr(addr).String()
	}
	return net.JoinHostPort(strings.ToLower(strings.TrimSuffix(host, ".")), port)
}

// DialContext connects to a TCP address if every address of its host is allowed.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "address %.300q is not host:port", address)
	}
	addrs, err := d.resolveHost(ctx, host)
	if err != nil {
		return nil, err
	}
	if err := d.checkAddresses(host, port, addrs); err != nil {
		return nil, err
	}
	var failed []error
	for _, addr := range addrs[:min(len(addrs), maxAddresses)] {
		conn, err := d.connect(ctx, network, net.JoinHostPort(addr.String(), port))
		if err == nil {
			return conn, nil
		}
		failed = append(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, &plimsoll.Error{Code: plimsoll.Unavailable, Message: "connecting to " + hostPortKey(host, port), Err: errors.Join(failed...)}
}

// resolveHost returns the normalized addresses of a host name, or the address if host is one.
func (d *dialer) resolveHost(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{normalizeAddr(addr)}, nil
	}
	found, err := d.resolver.LookupNetIP(ctx, "ip", host)
	if err == nil && len(found) == 0 {
		err = errors.New("the name has no address")
	}
	if err != nil {
		return nil, &plimsoll.Error{Code: plimsoll.Unavailable, Message: "resolving " + host, Err: err}
	}
	addrs := make([]netip.Addr, len(found))
	for i, addr := range found {
		addrs[i] = normalizeAddr(addr)
	}
	return addrs, nil
}

// checkAddresses refuses host if any of its addresses is refused: a DNS answer with both public
// and private addresses looks like an attack.
func (d *dialer) checkAddresses(host, port string, addrs []netip.Addr) error {
	for _, addr := range addrs {
		c := classifyAddr(addr)
		target := hostPortKey(host, port)
		switch {
		case c == (addressClass{}):
		case c.alwaysRefused:
			return plimsoll.Errorf(plimsoll.Forbidden, "connecting to %s refused: %s is %s", target, addr, c.name).
				WithHint("addresses of this kind are never dialled and cannot be allowed")
		case !d.allow[target] && !d.allow[hostPortKey(addr.String(), port)]:
			return plimsoll.Errorf(plimsoll.Forbidden, "connecting to %s refused: %s is %s", target, addr, c.name).
				WithHint("if this host is meant, start with --allow-host %s or add it to PLIMSOLL_ALLOW_HOST", target)
		}
	}
	return nil
}

// checkedProxy returns the policy's proxy for a request, after checking the addresses of the
// request's host. A name that only the proxy can resolve is not checked.
func (d *dialer) checkedProxy(req *http.Request) (*url.URL, error) {
	via, err := d.proxyFor(req)
	if via == nil || err != nil {
		return nil, err
	}
	host, port := req.URL.Hostname(), req.URL.Port()
	if port == "" {
		port = "443"
		if req.URL.Scheme == "http" {
			port = "80"
		}
	}
	addrs, err := d.resolveHost(req.Context(), host)
	if err != nil {
		return via, nil //nolint:nilerr // only the proxy can resolve the name
	}
	return via, d.checkAddresses(host, port, addrs)
}
