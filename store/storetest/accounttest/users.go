package accounttest

import (
	"fmt"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/store"
	"plimsoll/store/storetest/must"
)

func checkUsers(t *testing.T, s *store.Store) {
	ctx := t.Context()
	ann := seedAccounts(t, s)
	bob := plimsoll.User{ID: "u0", Name: "bob", DomainID: "1", PasswordHash: "$2", Disabled: true, CreatedAt: firstDay}
	must.NoError(t, s.AddUser(ctx, bob))
	other := plimsoll.User{ID: "u9", Name: "ann", DomainID: "2", PasswordHash: "$3", CreatedAt: firstDay}
	must.NoError(t, s.AddUser(ctx, other))

	u, err := s.User(ctx, "u1")
	must.Answer(t, u, err, ann)
	for _, domain := range []string{"one", "1"} {
		u, err = s.UserByName(ctx, domain, "ann")
		must.Answer(t, u, err, ann)
	}
	u, err = s.UserByName(ctx, "two", "ann")
	must.Answer(t, u, err, other)
	users, err := s.Users(ctx, "1")
	must.Answer(t, users, err, []plimsoll.User{ann, bob})

	_, err = s.User(ctx, "nobody")
	must.Code(t, err, plimsoll.NotFound)
	_, err = s.UserByName(ctx, "two", "bob")
	must.Code(t, err, plimsoll.NotFound)
	_, err = s.UserByName(ctx, "three", "ann")
	must.Code(t, err, plimsoll.NotFound)
	must.Code(t, s.AddUser(ctx, plimsoll.User{ID: "u1", Name: "new", DomainID: "1"}), plimsoll.Conflict)
	must.Code(t, s.AddUser(ctx, plimsoll.User{ID: "u5", Name: "ann", DomainID: "1"}), plimsoll.Conflict)
	must.Code(t, s.AddUser(ctx, plimsoll.User{ID: "u5", Name: "new", DomainID: "9"}), plimsoll.NotFound)

	must.NoError(t, s.SetDisabled(ctx, "u0", false))
	u, err = s.User(ctx, "u0")
	must.Answer(t, u.Disabled, err, false)
	must.Code(t, s.SetDisabled(ctx, "nobody", true), plimsoll.NotFound)
	must.Code(t, s.SetPassword(ctx, "nobody", "$"), plimsoll.NotFound)
}

func checkGrants(t *testing.T, s *store.Store) {
	ctx := t.Context()
	ann := seedAccounts(t, s)
	for _, bad := range []plimsoll.Grant{
		{ProjectID: "x", Role: plimsoll.RoleReader},
		{ProjectID: "c", Role: plimsoll.RoleReader}, // of another domain
		{ProjectID: "a", EnterpriseProject: "8", Role: plimsoll.RoleReader},
	} {
		must.Code(t, s.SetGrants(ctx, "u1", []plimsoll.Grant{{ProjectID: "b", Role: plimsoll.RoleAdmin}, bad}), plimsoll.NotFound)
	}
	twice := plimsoll.Grant{ProjectID: "a", Role: plimsoll.RoleReader}
	must.Code(t, s.SetGrants(ctx, "u1", []plimsoll.Grant{twice, twice}), plimsoll.Conflict)
	must.Code(t, s.SetGrants(ctx, "nobody", nil), plimsoll.NotFound)
	u, err := s.User(ctx, "u1")
	must.Answer(t, u, err, ann) // a refused change leaves the old grants

	want := []plimsoll.Grant{{ProjectID: "a", EnterpriseProject: "7", Role: plimsoll.RoleEditor}}
	must.NoError(t, s.SetGrants(ctx, "u1", want))
	u, err = s.User(ctx, "u1")
	must.Answer(t, u.Grants, err, want)
	must.NoError(t, s.SetGrants(ctx, "u1", nil))
	u, err = s.User(ctx, "u1")
	must.Answer(t, u.Grants, err, nil)
}

func checkPrincipals(t *testing.T, s *store.Store) {
	ctx := t.Context()
	ann := seedAccounts(t, s)
	want := plimsoll.Principal{
		User: ann, Domain: plimsoll.Domain{ID: "1", Name: "one"},
		Project: plimsoll.Project{ID: "b", Name: "beta", DomainID: "1", CreatedAt: firstDay},
		Grants:  ann.Grants[1:],
	}
	p, err := s.Principal(ctx, "u1", "b")
	must.Answer(t, p, err, want)
	p, err = s.Principal(ctx, "u1", "")
	must.Answer(t, p, err, plimsoll.Principal{User: ann, Domain: want.Domain})
	p, err = s.Principal(ctx, "u1", "c")
	must.NoError(t, err)
	must.Answer(t, p.Grants, err, nil)
	_, err = s.Principal(ctx, "u1", "x")
	must.Code(t, err, plimsoll.NotFound)
	_, err = s.Principal(ctx, "nobody", "a")
	must.Code(t, err, plimsoll.NotFound)
}

func checkRemoval(t *testing.T, s *store.Store) {
	ctx := t.Context()
	seedAccounts(t, s)
	must.NoError(t, s.AddAccessKey(ctx, plimsoll.AccessKey{Access: "AK", UserID: "u1", SealedSecret: []byte{1}}))
	must.NoError(t, s.AddToken(ctx, plimsoll.Token{Hash: "h", UserID: "u1", ExpiresAt: firstDay}, "$hash"))
	must.NoError(t, s.RemoveUser(ctx, "u1"))
	must.Code(t, s.RemoveUser(ctx, "u1"), plimsoll.NotFound)
	_, err := s.AccessKey(ctx, "AK")
	must.Code(t, err, plimsoll.NotFound)
	_, err = s.Token(ctx, "h")
	must.Code(t, err, plimsoll.NotFound)
}

func checkAccessKeys(t *testing.T, s *store.Store) {
	ctx := t.Context()
	seedAccounts(t, s)
	young := plimsoll.AccessKey{Access: "AK1", UserID: "u1", SealedSecret: []byte{0, 1, 255}, Description: "laptop", CreatedAt: firstDay.Add(time.Hour)}
	old := plimsoll.AccessKey{Access: "AK2", UserID: "u1", SealedSecret: []byte{2}, CreatedAt: firstDay}
	must.NoError(t, s.AddAccessKey(ctx, young))
	must.NoError(t, s.AddAccessKey(ctx, old))
	must.Code(t, s.AddAccessKey(ctx, young), plimsoll.Conflict)
	must.Code(t, s.AddAccessKey(ctx, plimsoll.AccessKey{Access: "AK3", UserID: "nobody"}), plimsoll.NotFound)
	k, err := s.AccessKey(ctx, "AK1")
	must.Answer(t, k, err, young)
	keys, err := s.AccessKeys(ctx, "u1")
	must.Answer(t, keys, err, []plimsoll.AccessKey{old, young})
	must.NoError(t, s.AddUser(ctx, plimsoll.User{ID: "u9", Name: "ann", DomainID: "2"}))
	foreign := plimsoll.AccessKey{Access: "AK9", UserID: "u9", SealedSecret: []byte{9}, CreatedAt: firstDay}
	must.NoError(t, s.AddAccessKey(ctx, foreign))
	keys, err = s.DomainAccessKeys(ctx, "1")
	must.Answer(t, keys, err, []plimsoll.AccessKey{old, young})
	keys, err = s.DomainAccessKeys(ctx, "2")
	must.Answer(t, keys, err, []plimsoll.AccessKey{foreign})
	must.NoError(t, s.RemoveAccessKey(ctx, "AK1"))
	must.Code(t, s.RemoveAccessKey(ctx, "AK1"), plimsoll.NotFound)
	_, err = s.AccessKey(ctx, "AK1")
	must.Code(t, err, plimsoll.NotFound)
}

func checkTokens(t *testing.T, s *store.Store) {
	ctx := t.Context()
	seedAccounts(t, s)
	tok := plimsoll.Token{Hash: "h", UserID: "u1", ProjectID: "a", IssuedAt: firstDay, ExpiresAt: firstDay.Add(time.Hour)}
	must.NoError(t, s.AddToken(ctx, tok, "$hash"))
	must.Code(t, s.AddToken(ctx, tok, "$hash"), plimsoll.Conflict)
	got, err := s.Token(ctx, "h")
	must.Answer(t, got, err, tok)
	must.NoError(t, s.RemoveToken(ctx, "h"))
	must.Code(t, s.RemoveToken(ctx, "h"), plimsoll.NotFound)
	_, err = s.Token(ctx, "h")
	must.Code(t, err, plimsoll.NotFound)

	// What was proven before a change does not sign in after it.
	must.NoError(t, s.SetPassword(ctx, "u1", "$new"))
	must.Code(t, s.AddToken(ctx, tok, "$hash"), plimsoll.NotFound)
	must.NoError(t, s.SetDisabled(ctx, "u1", true))
	must.Code(t, s.AddToken(ctx, tok, "$new"), plimsoll.NotFound)
}

func checkTokensRevoked(t *testing.T, s *store.Store) {
	ctx := t.Context()
	seedAccounts(t, s)
	must.NoError(t, s.AddUser(ctx, plimsoll.User{ID: "u2", Name: "bob", DomainID: "1", PasswordHash: "$b"}))
	must.NoError(t, s.AddToken(ctx, plimsoll.Token{Hash: "bob", UserID: "u2"}, "$b"))
	for name, revoke := range map[string]func() error{
		"password": func() error { return s.SetPassword(ctx, "u1", "$hash") },
		"disabled": func() error { return s.SetDisabled(ctx, "u1", true) },
	} {
		must.NoError(t, s.AddToken(ctx, plimsoll.Token{Hash: name, UserID: "u1"}, "$hash"))
		must.NoError(t, revoke())
		_, err := s.Token(ctx, name)
		must.Code(t, err, plimsoll.NotFound)
		must.NoError(t, s.SetDisabled(ctx, "u1", false))
	}
	_, err := s.Token(ctx, "bob")
	must.NoError(t, err)
}

func checkTokensPruned(t *testing.T, s *store.Store) {
	ctx := t.Context()
	seedAccounts(t, s)
	for i := range 5 {
		must.NoError(t, s.AddToken(ctx, plimsoll.Token{Hash: fmt.Sprint(i), UserID: "u1", ExpiresAt: firstDay.Add(time.Duration(i) * time.Hour)}, "$hash"))
	}
	before := firstDay.Add(3 * time.Hour)
	for _, want := range []int{2, 1, 0} {
		n, err := s.PruneTokens(ctx, before, 2)
		must.Answer(t, n, err, want)
	}
	_, err := s.Token(ctx, "3") // expires at the bound, not before it
	must.NoError(t, err)
}
