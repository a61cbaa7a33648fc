package intake

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"plimsoll"
	"plimsoll/registry"
)

// Sealer keeps registry secrets unreadable at rest.
type Sealer interface {
	Seal(plain, additional []byte) []byte
	Open(sealed, additional []byte) ([]byte, error)
}

// RegistryStore finds registries.
type RegistryStore interface {
	Registry(ctx context.Context, projectID string, id int64) (plimsoll.Registry, error)
}

// Connector makes the sources of stored registries. It keeps one source per registry, so that all work on a registry
// shares its tokens and rate limits.
type Connector struct {
	Store     RegistryStore
	Sealer    Sealer
	Transport http.RoundTripper
	Budget    plimsoll.Budget
	Logger    *slog.Logger

	mu      sync.Mutex
	sources map[int64]connectedSource
}

// connectedSource is a source with the settings that it was made from.
type connectedSource struct {
	settings string
	source   Source
}

// Source returns the source of a stored registry, and the registry.
func (c *Connector) Source(ctx context.Context, projectID string, id int64) (Source, plimsoll.Registry, error) {
	reg, err := c.Store.Registry(ctx, projectID, id)
	if err != nil {
		return nil, plimsoll.Registry{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	settings := fmt.Sprintf("%s %s %q %x %q", reg.Kind, reg.URL, reg.Username, reg.SealedSecret, reg.AuthHosts)
	if connected, ok := c.sources[id]; ok && connected.settings == settings {
		return connected.source, reg, nil
	}
	credential, err := c.credential(reg)
	if err != nil {
		return nil, plimsoll.Registry{}, err
	}
	source, err := c.newSource(reg, credential)
	if err != nil {
		return nil, plimsoll.Registry{}, err
	}
	if c.sources == nil {
		c.sources = map[int64]connectedSource{}
	}
	c.sources[id] = connectedSource{settings: settings, source: source}
	return source, reg, nil
}

// newSource makes the source of a registry, by its kind. No other function knows which implementation reads which kind.
func (c *Connector) newSource(reg plimsoll.Registry, credential plimsoll.Credential) (Source, error) {
	switch reg.Kind {
	case plimsoll.RegistryOther, plimsoll.RegistryHarbor, plimsoll.RegistryJfrog,
		plimsoll.RegistrySWRPrivate, plimsoll.RegistrySWRShared, plimsoll.RegistrySWREnterprise:
		return c.newDistributionSource(reg, credential)
	default:
		return nil, plimsoll.Errorf(plimsoll.Internal, "registry %s: no source reads registries of type %.80q", reg.Name, reg.Kind)
	}
}

// newDistributionSource makes a source that speaks the protocol of the OCI Distribution Specification.
func (c *Connector) newDistributionSource(reg plimsoll.Registry, credential plimsoll.Credential) (Source, error) {
	client, err := registry.New(registry.Options{
		URL: reg.URL, Credential: credential, AuthHosts: reg.AuthHosts,
		Transport: c.Transport, Budget: c.Budget, Logger: c.Logger,
	})
	if err != nil {
		return nil, err
	}
	return client, nil
}

func (c *Connector) credential(reg plimsoll.Registry) (plimsoll.Credential, error) {
	if len(reg.SealedSecret) == 0 {
		return plimsoll.Credential{Username: reg.Username}, nil
	}
	secret, err := c.Sealer.Open(reg.SealedSecret, reg.SealedFor())
	if err != nil {
		return plimsoll.Credential{}, plimsoll.Errorf(plimsoll.Internal, "registry %s: open its secret: %w", reg.Name, err).
			WithHint("remove the registry and add it again with its secret")
	}
	return plimsoll.Credential{Username: reg.Username, Secret: string(secret)}, nil
}
