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

// ProjectStore keeps domains and what they divide into. A domain is named by id or name where it is looked up.
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

// Store is everything that the service keeps.
type Store interface {
	ProjectStore
	UserStore
	KeyStore
}

// Sealer makes secrets unreadable outside this installation.
type Sealer interface {
	Seal(plain, ad []byte) []byte
}

// Service changes who may ask. It checks no permission: whoever holds it is an administrator.
type Service struct {
	store     Store
	sealer    Sealer
	passwords *Passwords
	now       func() time.Time
}

// New makes a service; now is its clock.
func New(store Store, sealer Sealer, passwords *Passwords, now func() time.Time) *Service {
	return &Service{store: store, sealer: sealer, passwords: passwords, now: now}
}

// Names are what Bootstrap calls the first of each kind. Empty ones are "plimsoll", "default" and "admin".
type Names struct {
	Domain, Project, User string
}

// Credentials are what Bootstrap made. Nothing gives the password back a second time.
type Credentials struct {
	Domain   plimsoll.Domain
	Project  plimsoll.Project
	User     plimsoll.User
	Password string
}

// Bootstrap makes an empty database usable: a domain, a project, the enterprise
// project that always exists, and a user who administers the project and has a random
// password. created is false, and nothing is changed, if the database has a domain already.
func (s *Service) Bootstrap(ctx context.Context, names Names) (c *Credentials, created bool, err error) {
	names = names.withDefaults()
	for _, name := range []string{names.Domain, names.Project, names.User} {
		if err := checkName(name); err != nil {
			return nil, false, err
		}
	}
	// Asked first so that an ordinary start costs no hash.
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

// storedNow is the time as it is stored.
func (s *Service) storedNow() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

// newID is 32 random hex digits, the form of the ids that clients know.
func newID() string {
	b := make([]byte, 16)
	rand.Read(b) //nolint:errcheck,gosec // crypto/rand never returns an error
	return hex.EncodeToString(b)
}

// checkName admits names of 1 to 64 printable characters without space at either end.
func checkName(name string) error {
	n := utf8.RuneCountInString(name)
	hidden := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }
	if n < 1 || n > 64 || strings.TrimSpace(name) != name || strings.ContainsFunc(name, hidden) {
		return plimsoll.Errorf(plimsoll.Invalid, "name %.80q does not have 1 to 64 printable characters without space at the ends", name)
	}
	return nil
}
