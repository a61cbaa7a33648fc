package app

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"plimsoll"
	"plimsoll/demo"
)

// demoRegistry is the name of the registry of samples.
const demoRegistry = "demo"

// CheckUnused makes a data directory, and reports Conflict if another process has it open.
func CheckUnused(data string) error {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return plimsoll.Errorf(plimsoll.Unavailable, "demo directory: %w", err)
	}
	lock, err := lockData(data)
	if err != nil {
		return err
	}
	return lock.Close()
}

// Samples is a registry in this process with the images of the demo.
type Samples struct {
	registry *demo.Registry
}

// StartSamples serves sample images from a data directory that no other process has open: they keep their port there.
func StartSamples(ctx context.Context, data string) (*Samples, error) {
	r, err := demo.StartRegistry(ctx, filepath.Join(data, "registry"))
	if err != nil {
		return nil, err
	}
	return &Samples{registry: r}, nil
}

// Host is the host:port of the samples, a loopback address.
func (s *Samples) Host() string { return s.registry.Host() }

// Close ends the registry.
func (s *Samples) Close() error { return s.registry.Close() }

// ImportSamples imports the made-up advisories of the demo.
func (s *Site) ImportSamples(ctx context.Context) error {
	records := filepath.Join(s.config.Data, "advisories")
	if err := demo.WriteAdvisories(records); err != nil {
		return err
	}
	_, err := s.Advisories.Import(ctx, Import{Path: records, Feed: demo.FeedName, By: "demo"})
	return err
}

// SyncSamples reads the sample images and scans what is new. watch is called with each new state of the tasks.
func (s *Site) SyncSamples(ctx context.Context, samples *Samples, watch func(plimsoll.Task)) error {
	if err := s.addSamples(ctx, samples); err != nil {
		return err
	}
	_, err := s.Registries.Sync(ctx, s.Project.ID, demoRegistry, watch)
	return err
}

// addSamples adds the registry of samples, unless an earlier run did. One whose port has changed is replaced.
func (s *Site) addSamples(ctx context.Context, samples *Samples) error {
	reg, err := s.inventory.RegistryByName(ctx, s.Project.ID, demoRegistry)
	if err == nil && reg.URL == samples.registry.URL() {
		return nil
	}
	if err == nil {
		err = s.Registries.RemoveRegistry(ctx, s.Project.ID, reg.ID)
	}
	if err != nil && plimsoll.ErrorCode(err) != plimsoll.NotFound {
		return err
	}
	_, err = s.Registries.Add(ctx, plimsoll.RegistrySpec{Registry: plimsoll.Registry{
		Tenant: plimsoll.Tenant{ProjectID: s.Project.ID}, Name: demoRegistry, URL: samples.registry.URL(), ScanOnSync: true,
	}})
	return err
}

// DemoCredentials open the API of a demo.
type DemoCredentials struct {
	Token  string
	Access string // key
	Secret string // of the access key
}

// demoTokenLeft is how long a token of an earlier run must be valid to be used again.
const demoTokenLeft = 12 * time.Hour

// DemoCredentials returns a token and an access key of the administrator: those of an earlier run where they are
// valid, else new ones.
func (s *Site) DemoCredentials(ctx context.Context, earlier DemoCredentials) (c DemoCredentials, err error) {
	admin, err := s.inventory.UserByName(ctx, s.Domain.ID, "admin")
	if err != nil {
		return c, err
	}
	c = earlier
	if c.Token, err = s.SignIns.renewToken(ctx, admin, s.Project.ID, earlier.Token, demoTokenLeft); err != nil {
		return c, err
	}
	if _, err := s.inventory.AccessKey(ctx, earlier.Access); err != nil || earlier.Secret == "" {
		c.Access, c.Secret, err = s.Users.CreateKey(ctx, admin.ID, "demo")
		return c, err
	}
	return c, nil
}
