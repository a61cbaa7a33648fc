package identity

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"plimsoll"
)

// ProjectStore keeps domains with their projects and enterprise projects. Domain accepts an id or a
// name.
type ProjectStore interface {
	Bootstrap(ctx context.Context, d plimsoll.Domain, p plimsoll.Project, ep plimsoll.EnterpriseProject, u plimsoll.User) (created bool, err error)
	Domain(ctx context.Context, idOrName string) (plimsoll.Domain, error)
	AddProject(ctx context.Context, p plimsoll.Project) error
	Projects(ctx context.Context, domainID string) ([]plimsoll.Project, error)
	AddEnterpriseProject(ctx context.Context, ep plimsoll.EnterpriseProject) error
	EnterpriseProjects(ctx context.Context, domainID string) ([]plimsoll.EnterpriseProject, error)
}

// UserStore keeps users with their grants.
type UserStore interface {
	AddUser(ctx context.Context, u plimsoll.User) error
	User(ctx context.Context, id string) (plimsoll.User, error)
	UserByName(ctx context.Context, domain, name string) (plimsoll.User, error)
	Users(ctx context.Context, domainID string) ([]plimsoll.User, error)
	RemoveUser(ctx context.Context, id string) error
	SetPassword(ctx context.Context, userID, hash string) error
	SetDisabled(ctx context.Context, userID string, disabled bool) error
	SetGrants(ctx context.Context, userID string, grants []plimsoll.Grant) error
}

// KeyStore keeps access keys.
type KeyStore interface {
	AddAccessKey(ctx context.Context, k plimsoll.AccessKey) error
	AccessKey(ctx context.Context, access string) (plimsoll.AccessKey, error)
	AccessKeys(ctx context.Context, userID string) ([]plimsoll.AccessKey, error)
	DomainAccessKeys(ctx context.Context, domainID string) ([]plimsoll.AccessKey, error)
	RemoveAccessKey(ctx context.Context, access string) error
}

// Store is the union of the stores that a Service needs.
type Store interface {
	ProjectStore
	UserStore
	KeyStore
}

// Sealer encrypts secrets so that only this installation can read them.
type Sealer interface {
	Seal(plain, ad []byte) []byte
}

// Service manages users, projects and keys. It checks no permissions: its callers must be
// administrators.
type Service struct {
	store     Store
	sealer    Sealer
	passwords *Passwords
	now       func() time.Time
}

// New returns a service with now as its clock.
func New(store Store, sealer Sealer, passwords *Passwords, now func() time.Time) *Service {
	return &Service{store: store, sealer: sealer, passwords: passwords, now: now}
}

// Names are the names of the domain, project and user that Bootstrap makes. The defaults of empty
// ones are "plimsoll", "default" and "admin".
type Names struct {
	Domain, Project, User string
}

// Credentials is the result of Bootstrap. The password cannot be read again.
type Credentials struct {
	Domain   plimsoll.Domain
	Project  plimsoll.Project
	User     plimsoll.User
	Password string
}

// Bootstrap makes an empty database usable: it adds a domain, a project, the default enterprise
// project, and a user with a random password who administers the project. created is false, and
// nothing changes, if the database already has a domain.
func (s *Service) Bootstrap(ctx context.Context, names Names) (c *Credentials, created bool, err error) {
	names = names.withDefaults()
	for _, name := range []string{names.Domain, names.Project, names.User} {
		if err := checkName(name); err != nil {
			return nil, false, err
		}
	}
	// Checked first, so that an ordinary start computes no hash.
	if _, err := s.store.Domain(ctx, names.Domain); plimsoll.ErrorCode(err) != plimsoll.NotFound {
		return nil, false, err
	}
	now := s.storedNow()
	c = &Credentials{Domain: plimsoll.Domain{ID: newID(), Name: names.Domain}, Password: rand.Text()}
	c.Project = plimsoll.Project{ID: newID(), Name: names.Project, DomainID: c.Domain.ID, CreatedAt: now}
	c.User = plimsoll.User{
		ID: newID(), Name: names.User, DomainID: c.Domain.ID, CreatedAt: now,
		Grants: []plimsoll.Grant{{ProjectID: c.Project.ID, Role: plimsoll.RoleAdmin}},
	}
	if c.User.PasswordHash, err = s.passwords.Hash(ctx, c.Password); err != nil {
		return nil, false, err
	}
	ep := plimsoll.EnterpriseProject{ID: plimsoll.DefaultEnterpriseProject, Name: "default", DomainID: c.Domain.ID, CreatedAt: now}
	if created, err = s.store.Bootstrap(ctx, c.Domain, c.Project, ep, c.User); err != nil || !created {
		return nil, false, err
	}
	return c, true, nil
}

func (n Names) withDefaults() Names {
	for _, f := range []struct {
		field *string
		name  string
	}{{&n.Domain, "plimsoll"}, {&n.Project, "default"}, {&n.User, "admin"}} {
		if *f.field == "" {
			*f.field = f.name
		}
	}
	return n
}

// storedNow returns the current time in the precision of the store.
func (s *Service) storedNow() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

// newID returns 32 random hex digits, the form of id that clients expect.
func newID() string {
	b := make([]byte, 16)
	rand.Read(b) //nolint:errcheck,gosec // crypto/rand never returns an error
	return hex.EncodeToString(b)
}

// checkName accepts names of 1 to 64 printable characters without space at either end.
func checkName(name string) error {
	n := utf8.RuneCountInString(name)
	hidden := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }
	if n < 1 || n > 64 || strings.TrimSpace(name) != name || strings.ContainsFunc(name, hidden) {
		return plimsoll.Errorf(plimsoll.Invalid, "name %.80q does not have 1 to 64 printable characters without space at the ends", name)
	}
	return nil
}
