package auth_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/auth"
	"plimsoll/identity"
	"plimsoll/store"
)

func TestRescope(t *testing.T) {
	r := newFixture(t)
	ctx := t.Context()
	first, one, _, err := r.signIn(ctx, nil)
	check(t, err)
	r.add(time.Hour)
	for name, c := range map[string]struct {
		in      auth.SignIn
		project plimsoll.Project
		role    plimsoll.Role
	}{
		"by id":            {auth.SignIn{ProjectID: r.two.ID}, r.two, plimsoll.RoleReader},
		"by name":          {auth.SignIn{ProjectName: "two"}, r.two, plimsoll.RoleReader},
		"with domain name": {auth.SignIn{ProjectName: "two", ScopeDomain: "plimsoll"}, r.two, plimsoll.RoleReader},
		"with domain id":   {auth.SignIn{ProjectID: r.one.ID, ScopeDomain: r.domain.ID}, r.one, plimsoll.RoleAdmin},
		"no project":       {auth.SignIn{}, plimsoll.Project{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.in.Token = first
			token, stored, p, err := r.SignIn(ctx, c.in)
			check(t, err)
			wantRole(t, p, c.project, c.role)
			if !stored.ExpiresAt.Equal(one.ExpiresAt) || !stored.IssuedAt.Equal(r.now()) {
				t.Errorf("token %+v, the first %+v", stored, one)
			}
			_, p, err = r.Token(ctx, token)
			check(t, err)
			wantRole(t, p, c.project, c.role)
		})
	}
	for name, c := range map[string]struct {
		in   auth.SignIn
		code plimsoll.Code
	}{
		"no grant":       {auth.SignIn{Token: first, ProjectID: r.none.ID}, plimsoll.Forbidden},
		"no project":     {auth.SignIn{Token: first, ProjectID: "nowhere"}, plimsoll.Forbidden},
		"unknown name":   {auth.SignIn{Token: first, ProjectName: "nowhere"}, plimsoll.Forbidden},
		"unknown domain": {auth.SignIn{Token: first, ProjectName: "two", ScopeDomain: "elsewhere"}, plimsoll.Forbidden},
		"long name":      {auth.SignIn{Token: first, ProjectName: string(make([]byte, 300))}, plimsoll.Invalid},
		"unknown token":  {auth.SignIn{Token: "x" + first[1:]}, plimsoll.Unauthenticated},
		"long token":     {auth.SignIn{Token: string(make([]byte, 9000))}, plimsoll.Unauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			token, _, p, err := r.SignIn(ctx, c.in)
			if plimsoll.ErrorCode(err) != c.code || token != "" || p.User.ID != "" {
				t.Errorf("%+v, %v; want %q", p, err, c.code)
			}
			wantNoSecret(t, err, first)
		})
	}
	r.add(23 * time.Hour)
	if _, _, _, err := r.SignIn(ctx, auth.SignIn{Token: first}); !errors.Is(err, auth.ErrTokenExpired) {
		t.Errorf("expired: %v", err)
	}
}

// interrupted is a store in which something happens between reading a token's user and storing the next token.
type interrupted struct {
	*store.Store
	event func()
}

func (s interrupted) Principal(ctx context.Context, userID, projectID string) (plimsoll.Principal, error) {
	if s.event != nil && projectID == "" {
		s.event()
	}
	return s.Store.Principal(ctx, userID, projectID)
}

// TestRescopeDoesNotOutliveItsToken: what revokes the first token while the second is being made revokes both.
func TestRescopeDoesNotOutliveItsToken(t *testing.T) {
	r := newFixture(t)
	ctx := t.Context()
	for name, event := range map[string]func(token string){
		"password": func(string) { check(t, r.store.SetPassword(ctx, r.ann.ID, cheapHash+"x")) },
		"revoked":  func(token string) { check(t, r.Revoke(ctx, token)) },
	} {
		t.Run(name, func(t *testing.T) {
			check(t, r.store.SetPassword(ctx, r.ann.ID, cheapHash))
			first, _, _, err := r.signIn(ctx, func(s *auth.SignIn) { s.ProjectID = "" })
			check(t, err)
			racy := auth.New(auth.DefaultConfig(), interrupted{r.store, sync.OnceFunc(func() { event(first) })}, identity.NewPasswords(1), r.key, r.now)
			token, _, _, err := racy.SignIn(ctx, auth.SignIn{Token: first, ProjectID: r.two.ID})
			if !errors.Is(err, auth.ErrTokenUnknown) || token != "" {
				t.Errorf("token %q, %v", token, err)
			}
			if n, err := r.store.PruneTokens(ctx, r.now().Add(1000*time.Hour), 10); err != nil || n != 0 {
				t.Errorf("%d tokens are left, %v", n, err)
			}
		})
	}
}
