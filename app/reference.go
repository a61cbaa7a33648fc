package app

import (
	"context"
	"net"

	"plimsoll"
	"plimsoll/intake"
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
func (c Config) OpenReference(ctx context.Context, reference string, access RegistryAccess) (intake.Repository, plimsoll.Digest, error) {
	named, err := plimsoll.ParseReference(reference)
	if err != nil {
		return intake.Repository{}, "", err
	}
	scheme := access.scheme(named.Registry)
	transport, err := c.transport(withPort(named.Registry, scheme))
	if err != nil {
		return intake.Repository{}, "", err
	}
	client, err := registry.New(registry.Options{
		URL: scheme + "://" + named.Registry, Credential: access.credential(), Transport: transport, Budget: c.Budget, Logger: c.Logger,
	})
	if err != nil {
		return intake.Repository{}, "", err
	}
	d, err := client.Resolve(ctx, named.Repository, named.TagOrDigest())
	if err != nil {
		return intake.Repository{}, "", err
	}
	return intake.Repository{Source: client, Path: named.Repository}, d.Digest, nil
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
