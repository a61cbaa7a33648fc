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

// Connector makes clients of stored registries. One client a registry is kept, so
// that tokens and rate limits are shared by all work on it.
type Connector struct {
	Store     RegistryStore
	Sealer    Sealer
	Transport http.RoundTripper
	Budget    plimsoll.Budget
	Logger    *slog.Logger

	mu      sync.Mutex
	clients map[int64]connected
}

type connected struct {
	settings string
	client   *registry.Client
}

// Client returns the client of a stored registry.
func (c *Connector) Client(ctx context.Context, projectID string, id int64) (*registry.Client, plimsoll.Registry, error) {
	reg, err := c.Store.Registry(ctx, projectID, id)
	if err != nil {
		return nil, plimsoll.Registry{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	settings := fmt.Sprintf("%s %q %x %q", reg.URL, reg.Username, reg.SealedSecret, reg.AuthHosts)
	if have, ok := c.clients[id]; ok && have.settings == settings {
		return have.client, reg, nil
	}
	credential, err := c.credential(reg)
	if err != nil {
		return nil, plimsoll.Registry{}, err
	}
	client, err := c.connect(reg.URL, credential, reg.AuthHosts)
	if err != nil {
		return nil, plimsoll.Registry{}, err
	}
	if c.clients == nil {
		c.clients = map[int64]connected{}
	}
	c.clients[id] = connected{settings: settings, client: client}
	return client, reg, nil
}

func (c *Connector) connect(address string, credential plimsoll.Credential, authHosts []string) (*registry.Client, error) {
	return registry.New(registry.Options{
		URL: address, Credential: credential, AuthHosts: authHosts,
		Transport: c.Transport, Budget: c.Budget, Logger: c.Logger,
	})
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
