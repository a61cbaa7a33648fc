package identity

import (
	"context"
	"slices"

	"plimsoll"
)

// NewUser is a user to add.
type NewUser struct {
	Domain   string // id or name
	Name     string // 1 to 64 printable characters, unique in the domain
	Password string // MinPasswordChars to MaxPasswordBytes
	Grants   []plimsoll.Grant
}

// AddUser makes a user. Conflict if the name is taken. NotFound if there is no such domain, or no
// such project or enterprise project in it.
func (s *Service) AddUser(ctx context.Context, n NewUser) (plimsoll.User, error) {
	if err := checkName(n.Name); err != nil {
		return plimsoll.User{}, err
	}
	if err := checkGrants(n.Grants); err != nil {
		return plimsoll.User{}, err
	}
	d, err := s.store.Domain(ctx, n.Domain)
	if err != nil {
		return plimsoll.User{}, err
	}
	hash, err := s.passwords.Hash(ctx, n.Password)
	if err != nil {
		return plimsoll.User{}, err
	}
	u := plimsoll.User{ID: newID(), Name: n.Name, DomainID: d.ID, PasswordHash: hash, CreatedAt: s.storedNow(), Grants: n.Grants}
	if err := s.store.AddUser(ctx, u); err != nil {
		return plimsoll.User{}, err
	}
	return u, nil
}

// User returns a user by name; domain is an id or a name. NotFound if there is none.
func (s *Service) User(ctx context.Context, domain, name string) (plimsoll.User, error) {
	return s.store.UserByName(ctx, domain, name)
}

// Users lists the users of a domain, given by id or name.
func (s *Service) Users(ctx context.Context, domain string) ([]plimsoll.User, error) {
	d, err := s.store.Domain(ctx, domain)
	if err != nil {
		return nil, err
	}
	return s.store.Users(ctx, d.ID)
}

// RemoveUser removes a user with grants, keys and tokens; NotFound if there is none.
func (s *Service) RemoveUser(ctx context.Context, userID string) error {
	return s.store.RemoveUser(ctx, userID)
}

// SetPassword changes a user's password and ends the user's sessions.
func (s *Service) SetPassword(ctx context.Context, userID, password string) error {
	hash, err := s.passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	return s.store.SetPassword(ctx, userID, hash)
}

// SetDisabled disables a user and ends the user's sessions, or enables the user again.
func (s *Service) SetDisabled(ctx context.Context, userID string, disabled bool) error {
	return s.store.SetDisabled(ctx, userID, disabled)
}

// SetGrants replaces a user's grants, from the user's next request on.
func (s *Service) SetGrants(ctx context.Context, userID string, grants []plimsoll.Grant) error {
	if err := checkGrants(grants); err != nil {
		return err
	}
	return s.store.SetGrants(ctx, userID, grants)
}

// checkGrants accepts known roles; the store checks the projects.
func checkGrants(grants []plimsoll.Grant) error {
	for _, g := range grants {
		if !slices.Contains(plimsoll.Roles(), g.Role) {
			return plimsoll.Errorf(plimsoll.Invalid, "role %.40q is not one of %v", g.Role, plimsoll.Roles())
		}
	}
	return nil
}
