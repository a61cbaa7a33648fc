package app

import (
	"context"
	"net"
	"net/url"
	"strings"

	"plimsoll"
	"plimsoll/registry"
)

// RegistryAccess is how a registry that an operator named is connected to.
type RegistryAccess struct {
	Username  string
	Secret    string
	PlainHTTP bool // without TLS; loopback addresses never use TLS
}

func (a RegistryAccess) scheme(host string) string {
	if a.PlainHTTP || IsLoopback(host) {
		return "http"
	}
	return "https"
}

func (a RegistryAccess) credential() plimsoll.Credential {
	return plimsoll.Credential{Username: a.Username, Secret: a.Secret}
}

// OpenReference opens the repository of a reference, and returns the digest that its tag points to. The operator typed
// the address, so it may be a private one.
func (c Config) OpenReference(ctx context.Context, reference string, access RegistryAccess) (*registry.Repository, plimsoll.Digest, error) {
	host, repository, tag, err := splitReference(reference)
	if err != nil {
		return nil, "", err
	}
	scheme := access.scheme(host)
	transport, err := c.transport(withPort(host, scheme))
	if err != nil {
		return nil, "", err
	}
	client, err := registry.New(registry.Options{
		URL: scheme + "://" + host, Credential: access.credential(), Transport: transport, Budget: c.Budget, Logger: c.Logger,
	})
	if err != nil {
		return nil, "", err
	}
	d, err := client.Resolve(ctx, repository, tag)
	if err != nil {
		return nil, "", err
	}
	return client.Repository(repository), d.Digest, nil
}

// splitReference cuts host/repository, with a tag, a digest, or both. A reference
// without a host is refused: there is no default registry.
func splitReference(ref string) (host, repository, reference string, err error) {
	host, rest, ok := strings.Cut(ref, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return "", "", "", plimsoll.Errorf(plimsoll.Invalid, "reference %.200q names no registry", ref).
			WithHint("write it in full: registry.example.org/team/web:1.4.0")
	}
	if u, err := url.Parse("//" + host); err != nil || u.Host != host {
		return "", "", "", plimsoll.Errorf(plimsoll.Invalid, "reference %.200q: %q is not a host", ref, host)
	}
	rest, digest, pinned := strings.Cut(rest, "@")
	repository, reference = rest, "latest"
	if i := strings.LastIndex(rest, ":"); i > strings.LastIndex(rest, "/") {
		repository, reference = rest[:i], rest[i+1:]
	}
	if repository == "" || reference == "" {
		return "", "", "", plimsoll.Errorf(plimsoll.Invalid, "reference %.200q lacks a repository or a tag", ref)
	}
	if pinned { // a tag beside a digest is for people only
		d, err := plimsoll.ParseDigest(digest)
		return host, repository, string(d), err
	}
	return host, repository, reference, nil
}

// IsLoopback reports whether a host, with or without a port, is localhost or a loopback address.
func IsLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	ip := net.ParseIP(name)
	return name == "localhost" || (ip != nil && ip.IsLoopback())
}

func withPort(host, scheme string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	if scheme == "http" {
		return net.JoinHostPort(host, "80")
	}
	return net.JoinHostPort(host, "443")
}
