package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"plimsoll"
	"plimsoll/store"
)

// Identity holds a store to what it must do for those who may ask. Each case opens an empty store.
func Identity(t *testing.T, open func(t *testing.T) *store.Store) {
	for name, check := range map[string]func(*testing.T, *store.Store){
		"Meta":               checkMeta,
		"Bootstrap":          checkBootstrap,
		"BootstrapWhole":     checkBootstrapWhole,
		"Domains":            checkDomains,
		"Projects":           checkProjects,
		"EnterpriseProjects": checkEnterpriseProjects,
		"Users":              checkUsers,
		"Grants":             checkGrants,
		"Principals":         checkPrincipals,
		"Removal":            checkRemoval,
		"AccessKeys":         checkAccessKeys,
		"Tokens":             checkTokens,
		"TokensRevoked":      checkTokensRevoked,
		"TokensPruned":       checkTokensPruned,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t)) })
	}
}

var identityDay = time.Date(2026, 3, 14, 9, 26, 53, 589e6, time.UTC)

// seedIdentity stores two domains, "one" with projects a and b, "two" with project c, and
// user ann of "one": admin in a, reader in enterprise project 7 of b.
func seedIdentity(t *testing.T, s *store.Store) plimsoll.User {
	t.Helper()
	ctx := t.Context()
	for _, id := range []string{"1", "2"} {
		_, err := s.EnsureDomain(ctx, plimsoll.Domain{ID: id, Name: map[string]string{"1": "one", "2": "two"}[id]})
		noError(t, err)
	}
	noError(t, s.AddProject(ctx, plimsoll.Project{ID: "b", Name: "beta", DomainID: "1", CreatedAt: identityDay}))
	noError(t, s.AddProject(ctx, plimsoll.Project{ID: "a", Name: "alpha", DomainID: "1", CreatedAt: identityDay}))
	noError(t, s.AddProject(ctx, plimsoll.Project{ID: "c", Name: "alpha", DomainID: "2", CreatedAt: identityDay}))
	noError(t, s.AddEnterpriseProject(ctx, plimsoll.EnterpriseProject{ID: "7", Name: "seven", DomainID: "1", CreatedAt: identityDay}))
	ann := plimsoll.User{
		ID: "u1", Name: "ann", DomainID: "1", PasswordHash: "$hash", CreatedAt: identityDay,
		Grants: []plimsoll.Grant{
			{ProjectID: "a", Role: plimsoll.RoleAdmin},
			{ProjectID: "b", EnterpriseProject: "7", Role: plimsoll.RoleReader},
		},
	}
	noError(t, s.AddUser(ctx, ann))
	return ann
}

func checkMeta(t *testing.T, s *store.Store) {
	ctx := t.Context()
	_, err := s.Meta(ctx, "k")
	expectCode(t, err, plimsoll.NotFound)
	got, err := s.EnsureMeta(ctx, "k", "first")
	expect(t, got, err, "first")
	got, err = s.EnsureMeta(ctx, "k", "second")
	expect(t, got, err, "first")
	noError(t, s.SetMeta(ctx, "k", "third"))
	got, err = s.Meta(ctx, "k")
	expect(t, got, err, "third")
}

func bootstrap(ctx context.Context, s *store.Store, grantIn string) (bool, error) {
	return s.Bootstrap(ctx,
		plimsoll.Domain{ID: "1", Name: "one"},
		plimsoll.Project{ID: "a", Name: "alpha", DomainID: "1", CreatedAt: identityDay},
		plimsoll.EnterpriseProject{ID: "0", Name: "default", DomainID: "1", CreatedAt: identityDay},
		plimsoll.User{ID: "u1", Name: "ann", DomainID: "1", PasswordHash: "$hash", CreatedAt: identityDay, Grants: []plimsoll.Grant{{ProjectID: grantIn, Role: plimsoll.RoleAdmin}}})
}

func checkBootstrap(t *testing.T, s *store.Store) {
	created, err := bootstrap(t.Context(), s, "a")
	expect(t, created, err, true)
	created, err = bootstrap(t.Context(), s, "a")
	expect(t, created, err, false)
	noError(t, s.RemoveUser(t.Context(), "u1"))
	created, err = bootstrap(t.Context(), s, "a")
	expect(t, created, err, false)
	eps, err := s.EnterpriseProjects(t.Context(), "1")
	expect(t, eps, err, []plimsoll.EnterpriseProject{{ID: "0", Name: "default", DomainID: "1", CreatedAt: identityDay}})
}

// checkBootstrapWhole: a failure in the last step leaves nothing behind.
func checkBootstrapWhole(t *testing.T, s *store.Store) {
	created, err := bootstrap(t.Context(), s, "no such project")
	expectCode(t, err, plimsoll.NotFound)
	expect(t, created, nil, false)
	_, err = s.Domain(t.Context(), "one")
	expectCode(t, err, plimsoll.NotFound)
}

func checkDomains(t *testing.T, s *store.Store) {
	ctx := t.Context()
	one := plimsoll.Domain{ID: "1", Name: "one"}
	d, err := s.EnsureDomain(ctx, one)
	expect(t, d, err, one)
	d, err = s.EnsureDomain(ctx, plimsoll.Domain{ID: "9", Name: "one"})
	expect(t, d, err, one)
	_, err = s.EnsureDomain(ctx, plimsoll.Domain{ID: "1", Name: "other"})
	expectCode(t, err, plimsoll.Conflict)

	// A domain named like another's id does not hide it.
	_, err = s.EnsureDomain(ctx, plimsoll.Domain{ID: "0", Name: "1"})
	noError(t, err)
	d, err = s.Domain(ctx, "1")
	expect(t, d, err, one)
	d, err = s.Domain(ctx, "one")
	expect(t, d, err, one)
	_, err = s.Domain(ctx, "three")
	expectCode(t, err, plimsoll.NotFound)
}

func checkProjects(t *testing.T, s *store.Store) {
	ctx := t.Context()
	seedIdentity(t, s)
	alpha := plimsoll.Project{ID: "a", Name: "alpha", DomainID: "1", CreatedAt: identityDay}
	p, err := s.Project(ctx, "a")
	expect(t, p, err, alpha)
	p, err = s.ProjectByName(ctx, "1", "alpha")
	expect(t, p, err, alpha)
	ps, err := s.Projects(ctx, "1")
	expect(t, ps, err, []plimsoll.Project{alpha, {ID: "b", Name: "beta", DomainID: "1", CreatedAt: identityDay}})

	_, err = s.Project(ctx, "x")
	expectCode(t, err, plimsoll.NotFound)
	_, err = s.ProjectByName(ctx, "2", "beta")
	expectCode(t, err, plimsoll.NotFound)
	expectCode(t, s.AddProject(ctx, plimsoll.Project{ID: "a", Name: "new", DomainID: "1"}), plimsoll.Conflict)
	expectCode(t, s.AddProject(ctx, plimsoll.Project{ID: "z", Name: "alpha", DomainID: "1"}), plimsoll.Conflict)
	expectCode(t, s.AddProject(ctx, plimsoll.Project{ID: "z", Name: "new", DomainID: "9"}), plimsoll.NotFound)
}

func checkEnterpriseProjects(t *testing.T, s *store.Store) {
	ctx := t.Context()
	seedIdentity(t, s)
	expectCode(t, s.AddEnterpriseProject(ctx, plimsoll.EnterpriseProject{ID: "7", Name: "again", DomainID: "1"}), plimsoll.Conflict)
	expectCode(t, s.AddEnterpriseProject(ctx, plimsoll.EnterpriseProject{ID: "7", Name: "x", DomainID: "9"}), plimsoll.NotFound)
	noError(t, s.AddEnterpriseProject(ctx, plimsoll.EnterpriseProject{ID: "7", Name: "other seven", DomainID: "2", CreatedAt: identityDay}))
	eps, err := s.EnterpriseProjects(ctx, "2")
	expect(t, eps, err, []plimsoll.EnterpriseProject{{ID: "7", Name: "other seven", DomainID: "2", CreatedAt: identityDay}})
}

func checkUsers(t *testing.T, s *store.Store) {
	ctx := t.Context()
	ann := seedIdentity(t, s)
	bob := plimsoll.User{ID: "u0", Name: "bob", DomainID: "1", PasswordHash: "$2", Disabled: true, CreatedAt: identityDay}
	noError(t, s.AddUser(ctx, bob))
	other := plimsoll.User{ID: "u9", Name: "ann", DomainID: "2", PasswordHash: "$3", CreatedAt: identityDay}
	noError(t, s.AddUser(ctx, other))

	u, err := s.User(ctx, "u1")
	expect(t, u, err, ann)
	for _, domain := range []string{"one", "1"} {
		u, err = s.UserByName(ctx, domain, "ann")
		expect(t, u, err, ann)
	}
	u, err = s.UserByName(ctx, "two", "ann")
	expect(t, u, err, other)
	users, err := s.Users(ctx, "1")
	expect(t, users, err, []plimsoll.User{ann, bob})

	_, err = s.User(ctx, "nobody")
	expectCode(t, err, plimsoll.NotFound)
	_, err = s.UserByName(ctx, "two", "bob")
	expectCode(t, err, plimsoll.NotFound)
	_, err = s.UserByName(ctx, "three", "ann")
	expectCode(t, err, plimsoll.NotFound)
	expectCode(t, s.AddUser(ctx, plimsoll.User{ID: "u1", Name: "new", DomainID: "1"}), plimsoll.Conflict)
	expectCode(t, s.AddUser(ctx, plimsoll.User{ID: "u5", Name: "ann", DomainID: "1"}), plimsoll.Conflict)
	expectCode(t, s.AddUser(ctx, plimsoll.User{ID: "u5", Name: "new", DomainID: "9"}), plimsoll.NotFound)

	noError(t, s.SetDisabled(ctx, "u0", false))
	u, err = s.User(ctx, "u0")
	expect(t, u.Disabled, err, false)
	expectCode(t, s.SetDisabled(ctx, "nobody", true), plimsoll.NotFound)
	expectCode(t, s.SetPassword(ctx, "nobody", "$"), plimsoll.NotFound)
}

func checkGrants(t *testing.T, s *store.Store) {
	ctx := t.Context()
	ann := seedIdentity(t, s)
	for _, bad := range []plimsoll.Grant{
		{ProjectID: "x", Role: plimsoll.RoleReader},
		{ProjectID: "c", Role: plimsoll.RoleReader}, // of another domain
		{ProjectID: "a", EnterpriseProject: "8", Role: plimsoll.RoleReader},
	} {
		expectCode(t, s.SetGrants(ctx, "u1", []plimsoll.Grant{{ProjectID: "b", Role: plimsoll.RoleAdmin}, bad}), plimsoll.NotFound)
	}
	twice := plimsoll.Grant{ProjectID: "a", Role: plimsoll.RoleReader}
	expectCode(t, s.SetGrants(ctx, "u1", []plimsoll.Grant{twice, twice}), plimsoll.Conflict)
	expectCode(t, s.SetGrants(ctx, "nobody", nil), plimsoll.NotFound)
	u, err := s.User(ctx, "u1")
	expect(t, u, err, ann) // a refused change leaves the old grants

	want := []plimsoll.Grant{{ProjectID: "a", EnterpriseProject: "7", Role: plimsoll.RoleEditor}}
	noError(t, s.SetGrants(ctx, "u1", want))
	u, err = s.User(ctx, "u1")
	expect(t, u.Grants, err, want)
	noError(t, s.SetGrants(ctx, "u1", nil))
	u, err = s.User(ctx, "u1")
	expect(t, u.Grants, err, nil)
}

func checkPrincipals(t *testing.T, s *store.Store) {
	ctx := t.Context()
	ann := seedIdentity(t, s)
	want := plimsoll.Principal{
		User: ann, Domain: plimsoll.Domain{ID: "1", Name: "one"},
		Project: plimsoll.Project{ID: "b", Name: "beta", DomainID: "1", CreatedAt: identityDay},
		Grants:  ann.Grants[1:],
	}
	p, err := s.Principal(ctx, "u1", "b")
	expect(t, p, err, want)
	p, err = s.Principal(ctx, "u1", "")
	expect(t, p, err, plimsoll.Principal{User: ann, Domain: want.Domain})
	p, err = s.Principal(ctx, "u1", "c")
	noError(t, err)
	expect(t, p.Grants, err, nil)
	_, err = s.Principal(ctx, "u1", "x")
	expectCode(t, err, plimsoll.NotFound)
	_, err = s.Principal(ctx, "nobody", "a")
	expectCode(t, err, plimsoll.NotFound)
}

func checkRemoval(t *testing.T, s *store.Store) {
	ctx := t.Context()
	seedIdentity(t, s)
	noError(t, s.AddAccessKey(ctx, plimsoll.AccessKey{Access: "AK", UserID: "u1", SealedSecret: []byte{1}}))
	noError(t, s.AddToken(ctx, plimsoll.Token{Hash: "h", UserID: "u1", ExpiresAt: identityDay}, "$hash"))
	noError(t, s.RemoveUser(ctx, "u1"))
	expectCode(t, s.RemoveUser(ctx, "u1"), plimsoll.NotFound)
	_, err := s.AccessKey(ctx, "AK")
	expectCode(t, err, plimsoll.NotFound)
	_, err = s.Token(ctx, "h")
	expectCode(t, err, plimsoll.NotFound)
}

func checkAccessKeys(t *testing.T, s *store.Store) {
	ctx := t.Context()
	seedIdentity(t, s)
	young := plimsoll.AccessKey{Access: "AK1", UserID: "u1", SealedSecret: []byte{0, 1, 255}, Description: "laptop", CreatedAt: identityDay.Add(time.Hour)}
	old := plimsoll.AccessKey{Access: "AK2", UserID: "u1", SealedSecret: []byte{2}, CreatedAt: identityDay}
	noError(t, s.AddAccessKey(ctx, young))
	noError(t, s.AddAccessKey(ctx, old))
	expectCode(t, s.AddAccessKey(ctx, young), plimsoll.Conflict)
	expectCode(t, s.AddAccessKey(ctx, plimsoll.AccessKey{Access: "AK3", UserID: "nobody"}), plimsoll.NotFound)
	k, err := s.AccessKey(ctx, "AK1")
	expect(t, k, err, young)
	keys, err := s.AccessKeys(ctx, "u1")
	expect(t, keys, err, []plimsoll.AccessKey{old, young})
	noError(t, s.AddUser(ctx, plimsoll.User{ID: "u9", Name: "ann", DomainID: "2"}))
	foreign := plimsoll.AccessKey{Access: "AK9", UserID: "u9", SealedSecret: []byte{9}, CreatedAt: identityDay}
	noError(t, s.AddAccessKey(ctx, foreign))
	keys, err = s.DomainAccessKeys(ctx, "1")
	expect(t, keys, err, []plimsoll.AccessKey{old, young})
	keys, err = s.DomainAccessKeys(ctx, "2")
	expect(t, keys, err, []plimsoll.AccessKey{foreign})
	noError(t, s.RemoveAccessKey(ctx, "AK1"))
	expectCode(t, s.RemoveAccessKey(ctx, "AK1"), plimsoll.NotFound)
	_, err = s.AccessKey(ctx, "AK1")
	expectCode(t, err, plimsoll.NotFound)
}

func checkTokens(t *testing.T, s *store.Store) {
	ctx := t.Context()
	seedIdentity(t, s)
	tok := plimsoll.Token{Hash: "h", UserID: "u1", ProjectID: "a", IssuedAt: identityDay, ExpiresAt: identityDay.Add(time.Hour)}
	noError(t, s.AddToken(ctx, tok, "$hash"))
	expectCode(t, s.AddToken(ctx, tok, "$hash"), plimsoll.Conflict)
	got, err := s.Token(ctx, "h")
	expect(t, got, err, tok)
	noError(t, s.RemoveToken(ctx, "h"))
	expectCode(t, s.RemoveToken(ctx, "h"), plimsoll.NotFound)
	_, err = s.Token(ctx, "h")
	expectCode(t, err, plimsoll.NotFound)

	// What was proven before a change does not sign in after it.
	noError(t, s.SetPassword(ctx, "u1", "$new"))
	expectCode(t, s.AddToken(ctx, tok, "$hash"), plimsoll.NotFound)
	noError(t, s.SetDisabled(ctx, "u1", true))
	expectCode(t, s.AddToken(ctx, tok, "$new"), plimsoll.NotFound)
}

func checkTokensRevoked(t *testing.T, s *store.Store) {
	ctx := t.Context()
	seedIdentity(t, s)
	noError(t, s.AddUser(ctx, plimsoll.User{ID: "u2", Name: "bob", DomainID: "1", PasswordHash: "$b"}))
	noError(t, s.AddToken(ctx, plimsoll.Token{Hash: "bob", UserID: "u2"}, "$b"))
	for name, revoke := range map[string]func() error{
		"password": func() error { return s.SetPassword(ctx, "u1", "$hash") },
		"disabled": func() error { return s.SetDisabled(ctx, "u1", true) },
	} {
		noError(t, s.AddToken(ctx, plimsoll.Token{Hash: name, UserID: "u1"}, "$hash"))
		noError(t, revoke())
		_, err := s.Token(ctx, name)
		expectCode(t, err, plimsoll.NotFound)
		noError(t, s.SetDisabled(ctx, "u1", false))
	}
	_, err := s.Token(ctx, "bob")
	noError(t, err)
}

func checkTokensPruned(t *testing.T, s *store.Store) {
	ctx := t.Context()
	seedIdentity(t, s)
	for i := range 5 {
		noError(t, s.AddToken(ctx, plimsoll.Token{Hash: fmt.Sprint(i), UserID: "u1", ExpiresAt: identityDay.Add(time.Duration(i) * time.Hour)}, "$hash"))
	}
	before := identityDay.Add(3 * time.Hour)
	for _, want := range []int{2, 1, 0} {
		n, err := s.PruneTokens(ctx, before, 2)
		expect(t, n, err, want)
	}
	_, err := s.Token(ctx, "3") // expires at the bound, not before it
	noError(t, err)
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func expect[T any](t *testing.T, got T, err error, want T) {
	t.Helper()
	noError(t, err)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("unexpected answer (-want +got):\n%s", diff)
	}
}

func expectCode(t *testing.T, err error, want plimsoll.Code) {
	t.Helper()
	if got := plimsoll.ErrorCode(err); got != want {
		t.Errorf("error code %q, want %q: %v", got, want, err)
	}
}
