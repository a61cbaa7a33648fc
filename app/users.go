package app

import (
	"context"
	"slices"

	"plimsoll"
	"plimsoll/identity"
	"plimsoll/store"
)

// Users is the people and programs of a domain, their projects and their access keys.
type Users struct {
	store    *store.Store
	identity *identity.Service
}

// Projects lists the projects of a domain.
func (u *Users) Projects(ctx context.Context, domainID string) ([]plimsoll.Project, error) {
	return u.store.Projects(ctx, domainID)
}

// EnterpriseProjects lists the enterprise projects of a domain.
func (u *Users) EnterpriseProjects(ctx context.Context, domainID string) ([]plimsoll.EnterpriseProject, error) {
	return u.store.EnterpriseProjects(ctx, domainID)
}

// Users lists the users of a domain.
func (u *Users) Users(ctx context.Context, domainID string) ([]plimsoll.User, error) {
	return u.identity.Users(ctx, domainID)
}

// User finds a user of a domain by name. NotFound: there is none.
func (u *Users) User(ctx context.Context, domainID, name string) (plimsoll.User, error) {
	return u.identity.User(ctx, domainID, name)
}

// NewUser is a user to add.
type NewUser = identity.NewUser

// Add adds a user. Conflict: the name is taken.
func (u *Users) Add(ctx context.Context, n NewUser) (plimsoll.User, error) {
	return u.identity.AddUser(ctx, n)
}

// RemoveUser removes a user with tokens and keys.
func (u *Users) RemoveUser(ctx context.Context, userID string) error {
	return u.identity.RemoveUser(ctx, userID)
}

// SetPassword sets a user's password; the user's tokens end.
func (u *Users) SetPassword(ctx context.Context, userID, password string) error {
	return u.identity.SetPassword(ctx, userID, password)
}

// Keys lists the access keys of a user.
func (u *Users) Keys(ctx context.Context, userID string) ([]plimsoll.AccessKey, error) {
	return u.identity.Keys(ctx, userID)
}

// CreateKey makes an access key for a user. The secret is returned this once.
func (u *Users) CreateKey(ctx context.Context, userID, description string) (access, secret string, err error) {
	return u.identity.CreateKey(ctx, userID, description)
}

// RevokeKey revokes an access key.
func (u *Users) RevokeKey(ctx context.Context, access string) error {
	return u.identity.RevokeKey(ctx, access)
}

// RevokeKeyOf revokes an access key of a user. NotFound: the user has no such key.
func (u *Users) RevokeKeyOf(ctx context.Context, user plimsoll.User, access string) error {
	keys, err := u.Keys(ctx, user.ID)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(keys, func(k plimsoll.AccessKey) bool { return k.Access == access }) {
		return plimsoll.Errorf(plimsoll.NotFound, "the user %s has no such key", user.Name)
	}
	return u.RevokeKey(ctx, access)
}
