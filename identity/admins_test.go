package identity_test

import (
	"testing"

	"plimsoll"
	"plimsoll/identity"
)

// TestAdminsReachNoHigher: an administrator of one project cannot become, replace or empower one of another.
func TestAdminsReachNoHigher(t *testing.T) {
	r, boot := bootstrapped(t)
	ctx := t.Context()
	admins := identity.NewAdmins(r.Service)
	two, err := r.AddProject(ctx, "plimsoll", "two")
	noError(t, err)
	add := func(domain, name string, grants ...plimsoll.Grant) plimsoll.Principal {
		u, err := r.AddUser(ctx, identity.NewUser{Domain: domain, Name: name, Password: "correct horse battery", Grants: grants})
		noError(t, err)
		p, err := r.store.Principal(ctx, u.ID, grants[0].ProjectID)
		noError(t, err)
		return p
	}
	adminIn := func(project string) plimsoll.Grant {
		return plimsoll.Grant{ProjectID: project, Role: plimsoll.RoleAdmin}
	}
	elsewhere, err := r.store.EnsureDomain(ctx, plimsoll.Domain{ID: "elsewhere", Name: "elsewhere"})
	noError(t, err)
	foreign, err := r.AddProject(ctx, "elsewhere", "theirs")
	noError(t, err)

	ann := add("plimsoll", "ann", adminIn(two.ID), plimsoll.Grant{ProjectID: boot.Project.ID, EnterpriseProject: "0", Role: plimsoll.RoleAdmin})
	add("plimsoll", "bob", plimsoll.Grant{ProjectID: two.ID, Role: plimsoll.RoleReader})
	add("elsewhere", "eve", adminIn(foreign.ID))
	adminKey, _, err := r.CreateKey(ctx, boot.User.ID, "")
	noError(t, err)
	eve, err := r.User(ctx, elsewhere.ID, "eve")
	noError(t, err)
	eveKey, _, err := r.CreateKey(ctx, eve.ID, "")
	noError(t, err)

	for name, c := range map[string]struct {
		err  error
		want plimsoll.Code
	}{
		"password of a higher":   {admins.SetPassword(ctx, ann, "admin", "another horse battery"), plimsoll.Forbidden},
		"removal of a higher":    {admins.RemoveUser(ctx, ann, "admin"), plimsoll.Forbidden},
		"key of a higher":        {second(admins.AddKey(ctx, ann, "admin", "")), plimsoll.Forbidden},
		"key removal, higher":    {admins.RemoveKey(ctx, ann, adminKey), plimsoll.Forbidden},
		"password elsewhere":     {admins.SetPassword(ctx, ann, "eve", "another horse battery"), plimsoll.NotFound},
		"removal elsewhere":      {admins.RemoveUser(ctx, ann, "eve"), plimsoll.NotFound},
		"key elsewhere":          {second(admins.AddKey(ctx, ann, "eve", "")), plimsoll.NotFound},
		"key removal, elsewhere": {admins.RemoveKey(ctx, ann, eveKey), plimsoll.NotFound},
		"unknown key":            {admins.RemoveKey(ctx, ann, "NOSUCHKEY"), plimsoll.NotFound},
		"partly higher":          {admins.RemoveUser(ctx, ann, "ann"), plimsoll.Forbidden},
		"own removal":            {admins.RemoveUser(ctx, principalOf(t, r, boot), "admin"), plimsoll.Conflict},
	} {
		if got := plimsoll.ErrorCode(c.err); got != c.want {
			t.Errorf("%s: %v, want %q", name, c.err, c.want)
		}
	}
	for _, grants := range [][]plimsoll.Grant{
		{adminIn(boot.Project.ID)},
		{adminIn(two.ID), {ProjectID: boot.Project.ID, EnterpriseProject: "0", Role: plimsoll.RoleReader}},
		{adminIn(foreign.ID)},
		{adminIn("nowhere")},
	} {
		_, err := admins.AddUser(ctx, ann, identity.NewUser{Name: "new", Password: "correct horse battery", Grants: grants})
		wantCode(t, plimsoll.Forbidden, err)
	}
}

func TestAdminsManageTheirOwn(t *testing.T) {
	r, boot := bootstrapped(t)
	ctx := t.Context()
	admins, by := identity.NewAdmins(r.Service), principalOf(t, r, boot)
	u, err := admins.AddUser(ctx, by, identity.NewUser{Domain: "ignored", Name: "bob", Password: "correct horse battery",
		Grants: []plimsoll.Grant{{ProjectID: boot.Project.ID, Role: plimsoll.RoleEditor}}})
	noError(t, err)
	if u.DomainID != boot.Domain.ID {
		t.Errorf("user in domain %q", u.DomainID)
	}
	k, secret, err := admins.AddKey(ctx, by, "bob", "laptop")
	noError(t, err)
	if k.UserID != u.ID || k.Description != "laptop" || len(secret) != 40 {
		t.Errorf("key %+v with a secret of %d characters", k, len(secret))
	}
	keys, err := admins.Keys(ctx, by)
	if err != nil || len(keys) != 1 || keys[0].Access != k.Access {
		t.Errorf("keys %v, %v", keys, err)
	}
	noError(t, admins.RemoveKey(ctx, by, k.Access))
	noError(t, admins.SetPassword(ctx, by, "bob", "another horse battery"))
	noError(t, admins.RemoveUser(ctx, by, "bob"))
	users, err := admins.Users(ctx, by)
	if err != nil || len(users) != 1 || users[0].Name != "admin" {
		t.Errorf("users %v, %v", users, err)
	}
}

func principalOf(t *testing.T, r room, c *identity.Credentials) plimsoll.Principal {
	t.Helper()
	p, err := r.store.Principal(t.Context(), c.User.ID, c.Project.ID)
	noError(t, err)
	return p
}

func second(_ plimsoll.AccessKey, _ string, err error) error { return err }

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
