package auth_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/auth"
	"plimsoll/identity"
	"plimsoll/seal"
	"plimsoll/store"
	"plimsoll/store/sqlite"
)

const (
	password = "correct horse battery"
	source   = "192.0.2.7:50123"

	// cheapHash is of the password too, at the least cost there is: hashes carry their own.
	cheapHash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$3Dt8JW3mbMBz5QplGZHLmfeouRYPmZYEE80zR3bE9AQ"
)

// clock is a time that tests set.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// fixture has real parts: a database, a sealing key, passwords, and user ann with
// access key access/secret, administrator in project one and reader in project two.
type fixture struct {
	*auth.Authenticator
	*clock
	store          *store.Store
	admins         *identity.Service
	key            *seal.Key
	ann            plimsoll.User
	domain         plimsoll.Domain
	one, two, none plimsoll.Project
	access, secret string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	r := &fixture{clock: &clock{t: time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)}}
	var err error
	if r.store, err = sqlite.Inventory(t.Context(), filepath.Join(t.TempDir(), "inventory.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.store.Close(); err != nil {
			t.Error(err)
		}
	})
	if r.key, err = seal.Load(filepath.Join(t.TempDir(), "seal.key")); err != nil {
		t.Fatal(err)
	}
	passwords := identity.NewPasswords(2)
	r.admins = identity.New(r.store, r.key, passwords, r.now)
	r.Authenticator = auth.New(auth.DefaultConfig(), r.store, passwords, r.key, r.now)

	ctx := t.Context()
	c, _, err := r.admins.Bootstrap(ctx, identity.Names{})
	check(t, err)
	r.domain, r.one = c.Domain, c.Project
	r.two, err = r.admins.AddProject(ctx, "plimsoll", "two")
	check(t, err)
	r.none, err = r.admins.AddProject(ctx, "plimsoll", "none")
	check(t, err)
	r.ann, err = r.admins.AddUser(ctx, identity.NewUser{Domain: "plimsoll", Name: "ann", Password: password, Grants: []plimsoll.Grant{
		{ProjectID: r.one.ID, Role: plimsoll.RoleAdmin},
		{ProjectID: r.two.ID, EnterpriseProject: "0", Role: plimsoll.RoleReader},
	}})
	check(t, err)
	check(t, r.store.SetPassword(ctx, r.ann.ID, cheapHash))
	r.ann.PasswordHash = cheapHash
	r.access, r.secret, err = r.admins.CreateKey(ctx, r.ann.ID, "")
	check(t, err)
	return r
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantRole fails the test unless a principal has the role in the project.
func wantRole(t *testing.T, p plimsoll.Principal, project plimsoll.Project, role plimsoll.Role) {
	t.Helper()
	if p.User.Name != "ann" || p.Domain.Name != "plimsoll" || p.Project != project || p.Role("0") != role {
		t.Errorf("principal %s of %s in project %q with role %q; want ann in %q with %q",
			p.User.Name, p.Domain.Name, p.Project.Name, p.Role("0"), project.Name, role)
	}
	for _, g := range p.Grants {
		if g.ProjectID != project.ID {
			t.Errorf("a grant of another project: %+v", g)
		}
	}
}

// wantNoSecret looks for what must never be in an error.
func wantNoSecret(t *testing.T, err error, secrets ...string) {
	t.Helper()
	text := fmt.Sprintf("%v %+v %#v %s", err, err, err, plimsoll.ErrorHint(err))
	for _, s := range append(secrets, "$argon2id") {
		if s != "" && strings.Contains(text, s) {
			t.Errorf("error shows a secret: %s", text)
		}
	}
}

func TestLocal(t *testing.T) {
	r := newFixture(t)
	p, err := r.Local(t.Context(), r.none.ID)
	check(t, err)
	if p.Role("") != plimsoll.RoleAdmin || p.Role("7") != plimsoll.RoleAdmin || p.Method != auth.MethodLocal ||
		p.Project != r.none || p.Domain != r.domain || p.User.Name == "" {
		t.Errorf("local operator: %+v", p)
	}
	if _, err := r.Local(t.Context(), "nowhere"); plimsoll.ErrorCode(err) != plimsoll.NotFound {
		t.Errorf("local operator in an unknown project: %v", err)
	}
}

func TestForProject(t *testing.T) {
	r := newFixture(t)
	ctx := t.Context()
	byKey, err := r.store.Principal(ctx, r.ann.ID, "")
	check(t, err)
	byKey.Method = auth.MethodKey

	p, err := r.ForProject(ctx, byKey, r.two.ID)
	check(t, err)
	wantRole(t, p, r.two, plimsoll.RoleReader)
	p, err = r.ForProject(ctx, byKey, "")
	check(t, err)
	wantRole(t, p, plimsoll.Project{}, "") // two projects, none named

	inOne, err := r.ForProject(ctx, byKey, r.one.ID)
	check(t, err)
	byToken := inOne
	byToken.Method = auth.MethodToken
	unscoped := byKey
	unscoped.Method = auth.MethodToken
	for name, c := range map[string]struct {
		p  plimsoll.Principal
		to string
	}{
		"no grant":                {byKey, r.none.ID},
		"unknown":                 {byKey, "nowhere"},
		"key bound before":        {inOne, r.two.ID},
		"token of another":        {byToken, r.two.ID},
		"token without a project": {unscoped, r.one.ID},
	} {
		if got, err := r.ForProject(ctx, c.p, c.to); plimsoll.ErrorCode(err) != plimsoll.Forbidden || got.Grants != nil {
			t.Errorf("%s: %+v, %v", name, got.Grants, err)
		}
	}
	p, err = r.ForProject(ctx, byToken, r.one.ID)
	check(t, err)
	wantRole(t, p, r.one, plimsoll.RoleAdmin)

	check(t, r.admins.SetGrants(ctx, r.ann.ID, r.ann.Grants[:1]))
	byKey.User, err = r.store.User(ctx, r.ann.ID)
	check(t, err)
	p, err = r.ForProject(ctx, byKey, "")
	check(t, err)
	wantRole(t, p, r.one, plimsoll.RoleAdmin)
}
