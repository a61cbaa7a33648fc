package identity_test

import (
	"context"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"plimsoll"
	"plimsoll/identity"
	"plimsoll/seal"
	"plimsoll/store"
	"plimsoll/store/sqlite"
)

type room struct {
	*identity.Service
	store     *store.Store
	key       *seal.Key
	passwords *identity.Passwords
}

func newRoom(t *testing.T) room {
	t.Helper()
	s, err := sqlite.Inventory(t.Context(), filepath.Join(t.TempDir(), "inventory.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	key, err := seal.Load(filepath.Join(t.TempDir(), "seal.key"))
	if err != nil {
		t.Fatal(err)
	}
	passwords := identity.NewPasswords(2)
	now := time.Date(2026, 3, 14, 9, 26, 53, 589_793_238, time.UTC)
	return room{identity.New(s, key, passwords, func() time.Time { return now }), s, key, passwords}
}

func bootstrapped(t *testing.T) (room, *identity.Credentials) {
	t.Helper()
	r := newRoom(t)
	c, created, err := r.Bootstrap(t.Context(), identity.Names{})
	if err != nil || !created {
		t.Fatalf("Bootstrap = %v, %v", created, err)
	}
	return r, c
}

func TestBootstrap(t *testing.T) {
	r, c := bootstrapped(t)
	ctx := t.Context()
	if c.Domain.Name != "plimsoll" || c.Project.Name != "default" || c.User.Name != "admin" {
		t.Errorf("names: %+v", c)
	}
	id := regexp.MustCompile(`^[0-9a-f]{32}$`)
	for _, v := range []string{c.Domain.ID, c.Project.ID, c.User.ID} {
		if !id.MatchString(v) {
			t.Errorf("id %q is not 32 hex digits", v)
		}
	}
	u, err := r.User(ctx, "plimsoll", "admin")
	if diff := cmp.Diff(c.User, u); err != nil || diff != "" {
		t.Errorf("stored user (-want +got): %s %v", diff, err)
	}
	if right, err := r.passwords.Verify(ctx, c.Password, u.PasswordHash); err != nil || !right {
		t.Errorf("the password that was printed does not verify: %v", err)
	}
	p, err := r.store.Principal(ctx, u.ID, c.Project.ID)
	if err != nil || p.Role("any") != plimsoll.RoleAdmin {
		t.Errorf("role of the first user: %q, %v", p.Role("any"), err)
	}
	eps, err := r.EnterpriseProjects(ctx, "plimsoll")
	if err != nil || len(eps) != 1 || eps[0].ID != plimsoll.DefaultEnterpriseProject || eps[0].Name != "default" {
		t.Errorf("enterprise projects: %v, %v", eps, err)
	}
	for _, names := range []identity.Names{{}, {Domain: "another"}} {
		if c, created, err := r.Bootstrap(ctx, names); c != nil || created || err != nil {
			t.Errorf("second Bootstrap of %+v = %v, %v, %v", names, c, created, err)
		}
	}
}

func TestBootstrapPasswordsDiffer(t *testing.T) {
	_, a := bootstrapped(t)
	_, b := bootstrapped(t)
	if a.Password == b.Password || len(a.Password) < 20 {
		t.Error("the first password is not random")
	}
}

func TestUsers(t *testing.T) {
	r, c := bootstrapped(t)
	ctx := t.Context()
	grants := []plimsoll.Grant{{ProjectID: c.Project.ID, Role: plimsoll.RoleReader}}
	bob, err := r.AddUser(ctx, identity.NewUser{Domain: "plimsoll", Name: "bob", Password: "correct horse battery", Grants: grants})
	if err != nil {
		t.Fatal(err)
	}
	users, err := r.Users(ctx, c.Domain.ID)
	if diff := cmp.Diff([]plimsoll.User{c.User, bob}, users); err != nil || diff != "" {
		t.Errorf("users (-want +got): %s %v", diff, err)
	}
	if err := r.SetPassword(ctx, bob.ID, "another horse battery"); err != nil {
		t.Fatal(err)
	}
	grants[0].Role = plimsoll.RoleEditor
	if err := r.SetGrants(ctx, bob.ID, grants); err != nil {
		t.Fatal(err)
	}
	if err := r.SetDisabled(ctx, bob.ID, true); err != nil {
		t.Fatal(err)
	}
	got, err := r.User(ctx, "plimsoll", "bob")
	if err != nil || !got.Disabled || !cmp.Equal(got.Grants, grants) {
		t.Errorf("user after changes: %+v, %v", got, err)
	}
	if right, err := r.passwords.Verify(ctx, "another horse battery", got.PasswordHash); err != nil || !right {
		t.Errorf("the new password does not verify: %v", err)
	}
	if err := r.RemoveUser(ctx, bob.ID); err != nil {
		t.Fatal(err)
	}
	wantCode(t, plimsoll.NotFound, r.RemoveUser(ctx, bob.ID))
}

func TestRefusals(t *testing.T) {
	r, c := bootstrapped(t)
	ctx := t.Context()
	good := identity.NewUser{Domain: "plimsoll", Name: "bob", Password: "correct horse battery"}
	add := func(change func(*identity.NewUser)) error {
		n := good
		change(&n)
		_, err := r.AddUser(ctx, n)
		return err
	}
	for _, name := range []string{"", " bob", "bob ", "b\nob", "b\x1b[31mob", "b\u202eob", "b\xffob", strings.Repeat("b", 65)} {
		wantCode(t, plimsoll.Invalid, add(func(n *identity.NewUser) { n.Name = name }))
		_, err := r.AddProject(ctx, "plimsoll", name)
		wantCode(t, plimsoll.Invalid, err)
		_, _, err = r.Bootstrap(ctx, identity.Names{Domain: "x", Project: "x", User: "x" + name + " "})
		wantCode(t, plimsoll.Invalid, err)
	}
	wantCode(t, plimsoll.Invalid, add(func(n *identity.NewUser) { n.Password = "short" }))
	wantCode(t, plimsoll.Conflict, add(func(n *identity.NewUser) { n.Name = "admin" }))
	wantCode(t, plimsoll.NotFound, add(func(n *identity.NewUser) { n.Domain = "elsewhere" }))
	wantCode(t, plimsoll.Invalid, add(func(n *identity.NewUser) { n.Grants = []plimsoll.Grant{{ProjectID: c.Project.ID, Role: "owner"}} }))
	wantCode(t, plimsoll.NotFound, add(func(n *identity.NewUser) { n.Grants = []plimsoll.Grant{{ProjectID: "x", Role: plimsoll.RoleReader}} }))
	wantCode(t, plimsoll.Invalid, r.SetGrants(ctx, c.User.ID, []plimsoll.Grant{{ProjectID: c.Project.ID}}))
	wantCode(t, plimsoll.Invalid, r.SetPassword(ctx, c.User.ID, "short"))
	wantCode(t, plimsoll.NotFound, r.SetPassword(ctx, "nobody", "correct horse battery"))
	_, err := r.AddEnterpriseProject(ctx, "plimsoll", "Not_An_Id", "x")
	wantCode(t, plimsoll.Invalid, err)
	_, err = r.AddEnterpriseProject(ctx, "plimsoll", "0", "again")
	wantCode(t, plimsoll.Conflict, err)
	_, _, err = r.CreateKey(ctx, "nobody", "")
	wantCode(t, plimsoll.NotFound, err)
	_, _, err = r.CreateKey(ctx, c.User.ID, "a\nb")
	wantCode(t, plimsoll.Invalid, err)
}

func TestProjects(t *testing.T) {
	r, c := bootstrapped(t)
	ctx := t.Context()
	p, err := r.AddProject(ctx, "plimsoll", "cn-north-4")
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.AddProject(ctx, c.Domain.ID, "cn-north-4")
	wantCode(t, plimsoll.Conflict, err)
	got, err := r.Projects(ctx, "plimsoll")
	if diff := cmp.Diff([]plimsoll.Project{p, c.Project}, got); err != nil || diff != "" {
		t.Errorf("projects (-want +got): %s %v", diff, err)
	}
	ep, err := r.AddEnterpriseProject(ctx, "plimsoll", "", "payments")
	if err != nil || len(ep.ID) != 32 {
		t.Errorf("AddEnterpriseProject = %+v, %v", ep, err)
	}
}

func TestKeys(t *testing.T) {
	r, c := bootstrapped(t)
	ctx := t.Context()
	access, secret, err := r.CreateKey(ctx, c.User.ID, "laptop")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[A-Z0-9]{20}$`).MatchString(access) || len(secret) != 40 {
		t.Errorf("access %q, secret of %d characters", access, len(secret))
	}
	keys, err := r.Keys(ctx, c.User.ID)
	want := []plimsoll.AccessKey{{Access: access, UserID: c.User.ID, Description: "laptop", CreatedAt: c.User.CreatedAt}}
	if diff := cmp.Diff(want, keys, cmpopts.IgnoreFields(plimsoll.AccessKey{}, "SealedSecret")); err != nil || diff != "" {
		t.Fatalf("keys (-want +got): %s %v", diff, err)
	}
	plain, err := r.key.Open(keys[0].SealedSecret, keys[0].SealedFor())
	if err != nil || string(plain) != secret {
		t.Errorf("the sealed secret opens as another: %v", err)
	}
	moved := plimsoll.AccessKey{Access: "OTHER"}
	if _, err := r.key.Open(keys[0].SealedSecret, moved.SealedFor()); err == nil {
		t.Error("the secret opens for another key")
	}
	if err := r.RevokeKey(ctx, access); err != nil {
		t.Fatal(err)
	}
	wantCode(t, plimsoll.NotFound, r.RevokeKey(ctx, access))
}

func TestNothingHappensAfterTheContext(t *testing.T) {
	r := newRoom(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if c, created, err := r.Bootstrap(ctx, identity.Names{}); err == nil || created || c != nil {
		t.Errorf("Bootstrap after cancel = %v, %v, %v", c, created, err)
	}
}

func wantCode(t *testing.T, want plimsoll.Code, err error) {
	t.Helper()
	if got := plimsoll.ErrorCode(err); got != want {
		t.Errorf("error code %q, want %q: %v", got, want, err)
	}
}
