package identity

import (
	"context"

	"plimsoll"
)

// Admins changes who may ask on behalf of a principal, in the principal's domain. Its
// rule: nobody gives away, or takes over, more than they have. So by needs the role
// admin in the whole of a project, and in every project in which the user who is
// changed, or whose password or key is, has a grant. That by may administer
// anything at all is for the caller to check. Users of other domains are as unknown ones.
type Admins struct {
	service *Service
}

// NewAdmins puts the rule in front of a service.
func NewAdmins(s *Service) *Admins { return &Admins{service: s} }

// Users lists the users of by's domain.
func (a *Admins) Users(ctx context.Context, by plimsoll.Principal) ([]plimsoll.User, error) {
	return a.service.Users(ctx, by.Domain.ID)
}

// AddUser makes a user in by's domain, whatever n.Domain says. Forbidden: a grant in a project that by does not administer.
func (a *Admins) AddUser(ctx context.Context, by plimsoll.Principal, n NewUser) (plimsoll.User, error) {
	if err := above(by, n.Grants); err != nil {
		return plimsoll.User{}, err
	}
	n.Domain = by.Domain.ID
	return a.service.AddUser(ctx, n)
}

// RemoveUser removes a user by name, with grants, keys and tokens. Conflict: nobody removes themselves.
func (a *Admins) RemoveUser(ctx context.Context, by plimsoll.Principal, name string) error {
	u, err := a.user(ctx, by, name)
	if err != nil {
		return err
	}
	if u.ID == by.User.ID {
		return plimsoll.Errorf(plimsoll.Conflict, "you cannot remove yourself").
			WithHint("ask another administrator, or the operator on the server")
	}
	return a.service.RemoveUser(ctx, u.ID)
}

// SetPassword gives a user another password, by name, and ends the user's sessions.
func (a *Admins) SetPassword(ctx context.Context, by plimsoll.Principal, name, password string) error {
	u, err := a.user(ctx, by, name)
	if err != nil {
		return err
	}
	return a.service.SetPassword(ctx, u.ID, password)
}

// Keys lists the access keys of by's domain, oldest first.
func (a *Admins) Keys(ctx context.Context, by plimsoll.Principal) ([]plimsoll.AccessKey, error) {
	return a.service.store.DomainAccessKeys(ctx, by.Domain.ID)
}

// AddKey makes an access key for a user, by name. The secret is returned this once.
func (a *Admins) AddKey(ctx context.Context, by plimsoll.Principal, user, description string) (plimsoll.AccessKey, string, error) {
	u, err := a.user(ctx, by, user)
	if err != nil {
		return plimsoll.AccessKey{}, "", err
	}
	return a.service.createKey(ctx, u.ID, description)
}

// RemoveKey removes an access key of by's domain; NotFound if there is none.
func (a *Admins) RemoveKey(ctx context.Context, by plimsoll.Principal, access string) error {
	k, err := a.service.store.AccessKey(ctx, access)
	if err != nil {
		return err
	}
	u, err := a.service.store.User(ctx, k.UserID)
	if err != nil || u.DomainID != by.Domain.ID {
		if err == nil || plimsoll.ErrorCode(err) == plimsoll.NotFound {
			return plimsoll.Errorf(plimsoll.NotFound, "no such access key")
		}
		return err
	}
	if err := above(by, u.Grants); err != nil {
		return err
	}
	return a.service.RevokeKey(ctx, access)
}

// user finds a user of by's domain whom by may change.
func (a *Admins) user(ctx context.Context, by plimsoll.Principal, name string) (plimsoll.User, error) {
	u, err := a.service.store.UserByName(ctx, by.Domain.ID, name)
	if err != nil {
		return plimsoll.User{}, err
	}
	return u, above(by, u.Grants)
}

// above refuses if by does not administer the whole of every granted project.
func above(by plimsoll.Principal, grants []plimsoll.Grant) error {
	administers := make(map[string]bool)
	for _, g := range by.User.Grants {
		if g.EnterpriseProject == "" && g.Role.Includes(plimsoll.RoleAdmin) {
			administers[g.ProjectID] = true
		}
	}
	for _, g := range grants {
		if !administers[g.ProjectID] {
			return plimsoll.Errorf(plimsoll.Forbidden, "this needs the role %s in every project that the user has, or gets, a role in", plimsoll.RoleAdmin)
		}
	}
	return nil
}
