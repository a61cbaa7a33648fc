package accounttest

import (
	"context"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/store"
	"plimsoll/store/storetest/must"
)

// Run tests domains, projects, users, keys and tokens. Each case opens an empty store.
func Run(t *testing.T, open func(t *testing.T) *store.Store) {
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

var firstDay = time.Date(2026, 3, 14, 9, 26, 53, 589e6, time.UTC)

// seedAccounts stores two domains, "one" with projects a and b, "two" with project c, and
// user ann of "one": admin in a, reader in enterprise project 7 of b.
func seedAccounts(t *testing.T, s *store.Store) plimsoll.User {
	t.Helper()
	ctx := t.Context()
	for _, id := range []string{"1", "2"} {
		_, err := s.EnsureDomain(ctx, plimsoll.Domain{ID: id, Name: map[string]string{"1": "one", "2": "two"}[id]})
		must.NoError(t, err)
	}
	must.NoError(t, s.AddProject(ctx, plimsoll.Project{ID: "b", Name: "beta", DomainID: "1", CreatedAt: firstDay}))
	must.NoError(t, s.AddProject(ctx, plimsoll.Project{ID: "a", Name: "alpha", DomainID: "1", CreatedAt: firstDay}))
	must.NoError(t, s.AddProject(ctx, plimsoll.Project{ID: "c", Name: "alpha", DomainID: "2", CreatedAt: firstDay}))
	must.NoError(t, s.AddEnterpriseProject(ctx, plimsoll.EnterpriseProject{ID: "7", Name: "seven", DomainID: "1", CreatedAt: firstDay}))
	ann := plimsoll.User{
		ID: "u1", Name: "ann", DomainID: "1", PasswordHash: "$hash", CreatedAt: firstDay,
		Grants: []plimsoll.Grant{
			{ProjectID: "a", Role: plimsoll.RoleAdmin},
			{ProjectID: "b", EnterpriseProject: "7", Role: plimsoll.RoleReader},
		},
	}
	must.NoError(t, s.AddUser(ctx, ann))
	return ann
}

func checkMeta(t *testing.T, s *store.Store) {
	ctx := t.Context()
	_, err := s.Meta(ctx, "k")
	must.Code(t, err, plimsoll.NotFound)
	got, err := s.EnsureMeta(ctx, "k", "first")
	must.Answer(t, got, err, "first")
	got, err = s.EnsureMeta(ctx, "k", "second")
	must.Answer(t, got, err, "first")
	must.NoError(t, s.SetMeta(ctx, "k", "third"))
	got, err = s.Meta(ctx, "k")
	must.Answer(t, got, err, "third")
}

func bootstrap(ctx context.Context, s *store.Store, grantIn string) (bool, error) {
	return s.Bootstrap(ctx,
		plimsoll.Domain{ID: "1", Name: "one"},
		plimsoll.Project{ID: "a", Name: "alpha", DomainID: "1", CreatedAt: firstDay},
		plimsoll.EnterpriseProject{ID: "0", Name: "default", DomainID: "1", CreatedAt: firstDay},
		plimsoll.User{ID: "u1", Name: "ann", DomainID: "1", PasswordHash: "$hash", CreatedAt: firstDay, Grants: []plimsoll.Grant{{ProjectID: grantIn, Role: plimsoll.RoleAdmin}}})
}

func checkBootstrap(t *testing.T, s *store.Store) {
	created, err := bootstrap(t.Context(), s, "a")
	must.Answer(t, created, err, true)
	created, err = bootstrap(t.Context(), s, "a")
	must.Answer(t, created, err, false)
	must.NoError(t, s.RemoveUser(t.Context(), "u1"))
	created, err = bootstrap(t.Context(), s, "a")
	must.Answer(t, created, err, false)
	eps, err := s.EnterpriseProjects(t.Context(), "1")
	must.Answer(t, eps, err, []plimsoll.EnterpriseProject{{ID: "0", Name: "default", DomainID: "1", CreatedAt: firstDay}})
}

// checkBootstrapWhole: a failure in the last step leaves nothing behind.
func checkBootstrapWhole(t *testing.T, s *store.Store) {
	created, err := bootstrap(t.Context(), s, "no such project")
	must.Code(t, err, plimsoll.NotFound)
	must.Answer(t, created, nil, false)
	_, err = s.Domain(t.Context(), "one")
	must.Code(t, err, plimsoll.NotFound)
}

func checkDomains(t *testing.T, s *store.Store) {
	ctx := t.Context()
	one := plimsoll.Domain{ID: "1", Name: "one"}
	d, err := s.EnsureDomain(ctx, one)
	must.Answer(t, d, err, one)
	d, err = s.EnsureDomain(ctx, plimsoll.Domain{ID: "9", Name: "one"})
	must.Answer(t, d, err, one)
	_, err = s.EnsureDomain(ctx, plimsoll.Domain{ID: "1", Name: "other"})
	must.Code(t, err, plimsoll.Conflict)

	// A domain named like another's id does not hide it.
	_, err = s.EnsureDomain(ctx, plimsoll.Domain{ID: "0", Name: "1"})
	must.NoError(t, err)
	d, err = s.Domain(ctx, "1")
	must.Answer(t, d, err, one)
	d, err = s.Domain(ctx, "one")
	must.Answer(t, d, err, one)
	_, err = s.Domain(ctx, "three")
	must.Code(t, err, plimsoll.NotFound)
}

func checkProjects(t *testing.T, s *store.Store) {
	ctx := t.Context()
	seedAccounts(t, s)
	alpha := plimsoll.Project{ID: "a", Name: "alpha", DomainID: "1", CreatedAt: firstDay}
	p, err := s.Project(ctx, "a")
	must.Answer(t, p, err, alpha)
	p, err = s.ProjectByName(ctx, "1", "alpha")
	must.Answer(t, p, err, alpha)
	ps, err := s.Projects(ctx, "1")
	must.Answer(t, ps, err, []plimsoll.Project{alpha, {ID: "b", Name: "beta", DomainID: "1", CreatedAt: firstDay}})

	_, err = s.Project(ctx, "x")
	must.Code(t, err, plimsoll.NotFound)
	_, err = s.ProjectByName(ctx, "2", "beta")
	must.Code(t, err, plimsoll.NotFound)
	must.Code(t, s.AddProject(ctx, plimsoll.Project{ID: "a", Name: "new", DomainID: "1"}), plimsoll.Conflict)
	must.Code(t, s.AddProject(ctx, plimsoll.Project{ID: "z", Name: "alpha", DomainID: "1"}), plimsoll.Conflict)
	must.Code(t, s.AddProject(ctx, plimsoll.Project{ID: "z", Name: "new", DomainID: "9"}), plimsoll.NotFound)
}

func checkEnterpriseProjects(t *testing.T, s *store.Store) {
	ctx := t.Context()
	seedAccounts(t, s)
	must.Code(t, s.AddEnterpriseProject(ctx, plimsoll.EnterpriseProject{ID: "7", Name: "again", DomainID: "1"}), plimsoll.Conflict)
	must.Code(t, s.AddEnterpriseProject(ctx, plimsoll.EnterpriseProject{ID: "7", Name: "x", DomainID: "9"}), plimsoll.NotFound)
	must.NoError(t, s.AddEnterpriseProject(ctx, plimsoll.EnterpriseProject{ID: "7", Name: "other seven", DomainID: "2", CreatedAt: firstDay}))
	eps, err := s.EnterpriseProjects(ctx, "2")
	must.Answer(t, eps, err, []plimsoll.EnterpriseProject{{ID: "7", Name: "other seven", DomainID: "2", CreatedAt: firstDay}})
}
