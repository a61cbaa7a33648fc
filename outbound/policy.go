package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"plimsoll"
)

// Limits of a connection. There is no time limit for bodies here: their readers set one.
const (
	dialTimeout      = 10 * time.Second // one address
	handshakeTimeout = 10 * time.Second
	headerTimeout    = 90 * time.Second
	idleTimeout      = 90 * time.Second
	maxHeaderBytes   = 256 << 10
	maxRedirects     = 10
)

// Resolver resolves a name to addresses; *net.Resolver implements it.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Policy limits where connections may go. The zero Policy allows public addresses only.
type Policy struct {
	// Allow lists host:port pairs whose loopback or private addresses may be dialled. The
	// host is a name or an address. Link-local and cloud metadata addresses cannot be
	// allowed. It comes from deployment configuration, never from an API.
	Allow []string

	// RootCAs are trusted for TLS; nil means the system's.
	RootCAs *x509.CertPool

	// Proxy returns the proxy of a request, like http.ProxyFromEnvironment; nil means none. A
	// proxy at a private address must be in Allow. A proxy resolves names itself, so the
	// address that it connects to can differ from the one checked here.
	Proxy func(*http.Request) (*url.URL, error)

	// Resolver is net.DefaultResolver if nil.
	Resolver Resolver

	// Dial connects to a checked IP address and port; a net.Dialer if nil.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Validate returns Invalid if an entry of Allow is not host:port. Such an entry matches nothing.
func (p Policy) Validate() error {
	for _, entry := range p.Allow {
		host, port, err := net.SplitHostPort(entry)
		number, bad := strconv.ParseUint(port, 10, 16)
		if err != nil || host == "" || bad != nil || number == 0 {
			return plimsoll.Errorf(plimsoll.Invalid, "allowed host %.80q is not host:port", entry).
				WithHint("write --allow-host registry.example:5000")
		}
	}
	return nil
}

// DialContext connects to a TCP address under this policy, for protocols other than HTTP. It
// uses no proxy. A refused address is Forbidden, a failed connection Unavailable.
func (p Policy) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return newDialer(p).DialContext(ctx, network, address)
}

// Transport returns an HTTP transport under this policy, with its own connection pool.
func (p Policy) Transport() *http.Transport {
	d := newDialer(p)
	t := &http.Transport{
		DialContext:            d.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: p.RootCAs, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    handshakeTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConns:           128,
		MaxIdleConnsPerHost:    16,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
	if p.Proxy != nil {
		t.Proxy = d.checkedProxy
	}
	return t
}

// Client returns an HTTP client with Transport that never sends credentials to another origin on
// a redirect.
func (p Policy) Client() *http.Client {
	return &http.Client{Transport: p.Transport(), CheckRedirect: checkRedirect}
}

// checkRedirect is stricter than net/http, which sends credentials on to subdomains.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return plimsoll.Errorf(plimsoll.Unavailable, "more than %d redirects", maxRedirects)
	}
	req.Header.Del("Referer") // it may hold a signed query
	for _, past := range via {
		if past.URL.Scheme == "https" && req.URL.Scheme != "https" {
			return plimsoll.Errorf(plimsoll.Forbidden, "redirect from https to %.20q at %s refused", req.URL.Scheme, req.URL.Host)
		}
		if past.URL.Scheme != req.URL.Scheme || !strings.EqualFold(past.URL.Host, req.URL.Host) {
			for _, name := range []string{"Authorization", "Cookie", "Proxy-Authorization", "X-Auth-Token"} {
				req.Header.Del(name)
			}
		}
	}
	return nil
}
