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

// Time limits of a connection. Bodies have none here: whoever reads them knows how
// long a silence may be.
const (
	dialTimeout      = 10 * time.Second // one address
	handshakeTimeout = 10 * time.Second
	headerTimeout    = 90 * time.Second
	idleTimeout      = 90 * time.Second
	maxHeaderBytes   = 256 << 10
	maxRedirects     = 10
)

// Resolver turns a name into addresses; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Policy says where connections may go. The zero Policy reaches public addresses only.
type Policy struct {
	// Allow lists host:port pairs whose loopback or private addresses may be dialled. The
	// host is a name, or the address itself. Link-local and cloud metadata addresses stay
	// closed. It comes from deployment configuration, never from an API.
	Allow []string

	// RootCAs are trusted for TLS; nil means the system's.
	RootCAs *x509.CertPool

	// Proxy names the proxy of a request, like http.ProxyFromEnvironment; nil means none. A
	// proxy at a private address has to be in Allow. A proxy resolves names itself, so the
	// address it connects to cannot be pinned; addresses that are visible from here are checked.
	Proxy func(*http.Request) (*url.URL, error)

	// Resolver is net.DefaultResolver if nil.
	Resolver Resolver

	// Dial connects to a checked IP address and port; a net.Dialer if nil.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Validate checks the form of Allow. An entry of another form never matches anything.
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

// DialContext connects to a TCP address under this policy, for protocols other than HTTP. No proxy is used.
func (p Policy) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return newDialer(p).DialContext(ctx, network, address)
}

// Transport returns an HTTP transport under this policy. Each call makes its own pool of connections.
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

// Client returns an HTTP client over Transport whose redirects carry no credentials to another origin.
func (p Policy) Client() *http.Client {
	return &http.Client{Transport: p.Transport(), CheckRedirect: checkRedirect}
}

// checkRedirect is stricter than net/http, which lets subdomains see the credentials of their parent.
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
