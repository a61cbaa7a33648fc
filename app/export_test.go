package app

import (
	"context"

	"plimsoll"
	"plimsoll/store"
)

// Inventory is the store, for tests that compare what is stored.
func (s *Site) Inventory() *store.Store { return s.inventory }

// DataDir is the data directory.
func (s *Site) DataDir() string { return s.config.Data }

// AddProject adds a project, for tests with several.
func (u *Users) AddProject(ctx context.Context, domainID, name string) (plimsoll.Project, error) {
	return u.identity.AddProject(ctx, domainID, name)
}
