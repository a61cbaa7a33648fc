package auth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/auth"
)

func (r *fixture) signIn(ctx context.Context, change func(*auth.SignIn)) (string, plimsoll.Token, plimsoll.Principal, error) {
	s := auth.SignIn{UserName: "ann", DomainName: "plimsoll", Password: password, ProjectID: r.one.ID, Source: source}
	if change != nil {
		change(&s)
	}
	return r.SignIn(ctx, s)
}

func TestSignIn(t *testing.T) {
	r := newFixture(t)
	ctx := t.Context()
	for name, c := range map[string]struct {
		change  func(*auth.SignIn)
		project plimsoll.Project
		role    plimsoll.Role
	}{
		"by name":           {nil, r.one, plimsoll.RoleAdmin},
		"by id":             {func(s *auth.SignIn) { s.UserID, s.UserName, s.DomainName = r.ann.ID, "", "" }, r.one, plimsoll.RoleAdmin},
		"domain by id":      {func(s *auth.SignIn) { s.DomainID, s.DomainName = r.domain.ID, "" }, r.one, plimsoll.RoleAdmin},
		"project by name":   {func(s *auth.SignIn) { s.ProjectID, s.ProjectName = "", "two" }, r.two, plimsoll.RoleReader},
		"without a project": {func(s *auth.SignIn) { s.ProjectID = "" }, plimsoll.Project{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			token, stored, p, err := r.signIn(ctx, c.change)
			check(t, err)
			wantRole(t, p, c.project, c.role)
			if raw, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(raw) != 32 {
				t.Errorf("token of %d bytes, %v", len(raw), err)
			}
			if stored.ExpiresAt.Sub(r.now()) != 24*time.Hour || stored.Hash == token || strings.Contains(stored.Hash, token) {
				t.Errorf("stored token %+v", stored)
			}
			again, p, err := r.Token(ctx, token)
			check(t, err)
			wantRole(t, p, c.project, c.role)
			if again != stored || p.Method != auth.MethodToken {
				t.Errorf("token %+v, method %q; want %+v", again, p.Method, stored)
			}
		})
	}
}

func TestSignInRefuses(t *testing.T) {
	r := newFixture(t)
	ctx := t.Context()
	cases := 0 // each from its own address, so that none is locked
	for name, c := range map[string]struct {
		change func(*auth.SignIn)
		want   error
		code   plimsoll.Code
	}{
		"wrong password":  {func(s *auth.SignIn) { s.Password = "wrong horse battery" }, auth.ErrCredentials, plimsoll.Unauthenticated},
		"no password":     {func(s *auth.SignIn) { s.Password = "" }, auth.ErrCredentials, plimsoll.Unauthenticated},
		"huge password":   {func(s *auth.SignIn) { s.Password = strings.Repeat("x", 1<<20) }, auth.ErrCredentials, plimsoll.Unauthenticated},
		"unknown user":    {func(s *auth.SignIn) { s.UserName = "bob" }, auth.ErrCredentials, plimsoll.Unauthenticated},
		"unknown id":      {func(s *auth.SignIn) { s.UserID = "bob" }, auth.ErrCredentials, plimsoll.Unauthenticated},
		"unknown domain":  {func(s *auth.SignIn) { s.DomainName = "elsewhere" }, auth.ErrCredentials, plimsoll.Unauthenticated},
		"no grant":        {func(s *auth.SignIn) { s.ProjectID = r.none.ID }, nil, plimsoll.Forbidden},
		"unknown project": {func(s *auth.SignIn) { s.ProjectID = "nowhere" }, nil, plimsoll.Forbidden},
		"unknown name":    {func(s *auth.SignIn) { s.ProjectID, s.ProjectName = "", "nowhere" }, nil, plimsoll.Forbidden},
		"nobody":          {func(s *auth.SignIn) { s.UserName = "" }, nil, plimsoll.Invalid},
		"no domain":       {func(s *auth.SignIn) { s.DomainName = "" }, nil, plimsoll.Invalid},
		"long name":       {func(s *auth.SignIn) { s.UserName = strings.Repeat("x", 257) }, nil, plimsoll.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			token, _, p, err := r.signIn(ctx, func(s *auth.SignIn) { c.change(s); cases++; s.Source = fmt.Sprintf("203.0.113.%d", cases) })
			if plimsoll.ErrorCode(err) != c.code || (c.want != nil && !errors.Is(err, c.want)) || token != "" || p.User.ID != "" {
				t.Errorf("SignIn = %+v, %v; want %q", p, err, c.code)
			}
			wantNoSecret(t, err, password, "wrong horse battery", r.ann.PasswordHash)
		})
	}
	check(t, r.admins.SetDisabled(ctx, r.ann.ID, true))
	if _, _, _, err := r.signIn(ctx, nil); !errors.Is(err, auth.ErrDisabled) {
		t.Errorf("disabled user: %v", err)
	}
	if _, _, _, err := r.signIn(ctx, func(s *auth.SignIn) { s.Password = "wrong horse battery" }); !errors.Is(err, auth.ErrCredentials) {
		t.Errorf("disabled user with a wrong password learns too much: %v", err)
	}
}

func TestTokensEnd(t *testing.T) {
	r := newFixture(t)
	ctx := t.Context()
	for name, c := range map[string]struct {
		end  func(token string) error
		want error
	}{
		"expired":  {func(string) error { r.add(24 * time.Hour); return nil }, auth.ErrTokenExpired},
		"revoked":  {func(token string) error { return r.Revoke(ctx, token) }, auth.ErrTokenUnknown},
		"password": {func(string) error { return r.store.SetPassword(ctx, r.ann.ID, cheapHash) }, auth.ErrTokenUnknown},
		"disabled": {func(string) error { return r.admins.SetDisabled(ctx, r.ann.ID, true) }, auth.ErrTokenUnknown},
		"pruned":   {func(string) error { r.add(48*time.Hour + time.Millisecond); _, err := r.Prune(ctx); return err }, auth.ErrTokenUnknown},
	} {
		check(t, r.admins.SetDisabled(ctx, r.ann.ID, false))
		token, stored, _, err := r.signIn(ctx, nil)
		check(t, err)
		check(t, c.end(token))
		got, p, err := r.Token(ctx, token)
		if !errors.Is(err, c.want) || plimsoll.ErrorCode(err) != plimsoll.Unauthenticated || p.User.ID != "" {
			t.Errorf("%s: Token = %+v, %v; want %v", name, p, err, c.want)
		}
		if wantToken := c.want == auth.ErrTokenExpired; (got == stored) != wantToken {
			t.Errorf("%s: token beside the error: %+v", name, got)
		}
		wantNoSecret(t, err, token, stored.Hash)
	}
	for _, token := range []string{"", "x", strings.Repeat("x", 43), strings.Repeat("\x00", 43), strings.Repeat("x", 1<<20)} {
		if _, _, err := r.Token(ctx, token); !errors.Is(err, auth.ErrTokenUnknown) {
			t.Errorf("Token(%.20q) = %v", token, err)
		}
	}
	if err := r.Revoke(ctx, "x"); !errors.Is(err, auth.ErrTokenUnknown) {
		t.Errorf("Revoke of an unknown token: %v", err)
	}
}

func TestPruneKeepsYoungTokens(t *testing.T) {
	r := newFixture(t)
	ctx := t.Context()
	old, _, _, err := r.signIn(ctx, nil)
	check(t, err)
	r.add(47 * time.Hour)
	young, _, _, err := r.signIn(ctx, nil)
	check(t, err)
	r.add(2 * time.Hour)
	if n, err := r.Prune(ctx); n != 1 || err != nil {
		t.Errorf("Prune = %d, %v; want 1", n, err)
	}
	if _, _, err := r.Token(ctx, old); !errors.Is(err, auth.ErrTokenUnknown) {
		t.Errorf("old token: %v", err)
	}
	if _, _, err := r.Token(ctx, young); err != nil {
		t.Errorf("young token: %v", err)
	}
}

func TestGrantsOfTokensAreCurrent(t *testing.T) {
	r := newFixture(t)
	ctx := t.Context()
	token, _, _, err := r.signIn(ctx, nil)
	check(t, err)
	check(t, r.admins.SetGrants(ctx, r.ann.ID, nil))
	_, p, err := r.Token(ctx, token)
	check(t, err)
	wantRole(t, p, r.one, "")
}

func TestSignInLocks(t *testing.T) {
	r := newFixture(t)
	ctx := t.Context()
	wrong := func(s *auth.SignIn) { s.Password = "wrong horse battery" }
	fail := func(n int) {
		t.Helper()
		for range n {
			if _, _, _, err := r.signIn(ctx, wrong); !errors.Is(err, auth.ErrCredentials) {
				t.Fatalf("wrong password: %v", err)
			}
		}
	}
	signedIn := func(change func(*auth.SignIn)) {
		t.Helper()
		if _, _, _, err := r.signIn(ctx, change); err != nil {
			t.Errorf("refused: %v", err)
		}
	}
	locked := func(change func(*auth.SignIn)) {
		t.Helper()
		_, _, _, err := r.signIn(ctx, change)
		if !errors.Is(err, auth.ErrLocked) || plimsoll.ErrorCode(err) != plimsoll.Throttled || plimsoll.ErrorHint(err) == "" {
			t.Errorf("not locked: %v", err)
		}
	}
	fail(4)
	signedIn(nil) // ends the row
	fail(5)
	locked(nil)
	locked(wrong)
	locked(func(s *auth.SignIn) { s.UserID, s.UserName = r.ann.ID, "" }) // another way to name her
	locked(func(s *auth.SignIn) { s.DomainID, s.DomainName = r.domain.ID, "" })
	locked(func(s *auth.SignIn) { s.Source = "192.0.2.7" })
	signedIn(func(s *auth.SignIn) { s.Source = "192.0.2.8" })
	r.add(5*time.Minute - time.Second)
	locked(nil)
	r.add(time.Second)
	fail(4)
	r.add(5 * time.Minute) // the row is forgotten
	fail(4)
	signedIn(nil)
}

// TestSignInLocksUnknownUsers: a lock does not reveal which users exist.
func TestSignInLocksUnknownUsers(t *testing.T) {
	r := newFixture(t)
	for i := range 6 {
		_, _, _, err := r.signIn(t.Context(), func(s *auth.SignIn) { s.UserName = "nobody" })
		if want := map[bool]error{true: auth.ErrLocked, false: auth.ErrCredentials}[i == 5]; !errors.Is(err, want) {
			t.Errorf("attempt %d: %v, want %v", i, err, want)
		}
	}
}

// gate lets a test decide when passwords are compared.
type gate struct {
	auth.Passwords
	arrived sync.WaitGroup
	open    chan struct{}
}

func (g *gate) Verify(_ context.Context, given, _ string) (bool, error) {
	g.arrived.Done()
	<-g.open
	return given == password, nil
}

// TestGuessesAtOnce: guesses that were all begun before the first failure are
// answered no more often than guesses one after another, whether right or wrong.
func TestGuessesAtOnce(t *testing.T) {
	r := newFixture(t)
	const guesses = 40
	g := &gate{open: make(chan struct{})}
	g.arrived.Add(guesses)
	a := auth.New(auth.DefaultConfig(), r.store, g, r.key, r.now)
	var wg sync.WaitGroup
	var mu sync.Mutex
	answered := map[error]int{}
	for range guesses {
		wg.Go(func() {
			_, _, _, err := a.SignIn(t.Context(), auth.SignIn{UserName: "ann", DomainName: "plimsoll", Password: "wrong horse battery", Source: source})
			mu.Lock()
			defer mu.Unlock()
			for _, kind := range []error{auth.ErrCredentials, auth.ErrLocked} {
				if errors.Is(err, kind) {
					answered[kind]++
				}
			}
		})
	}
	g.arrived.Wait()
	close(g.open)
	wg.Wait()
	if answered[auth.ErrCredentials] != 5 || answered[auth.ErrLocked] != guesses-5 {
		t.Errorf("answers %v; want 5 about the password", answered)
	}
	g.arrived.Add(1)
	_, _, _, err := a.SignIn(t.Context(), auth.SignIn{UserName: "ann", DomainName: "plimsoll", Password: password, Source: source})
	if !errors.Is(err, auth.ErrLocked) {
		t.Errorf("right password while locked: %v", err)
	}
}

func TestSignInsAtOnce(t *testing.T) {
	r := newFixture(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			token, _, _, err := r.signIn(t.Context(), nil)
			if err != nil {
				t.Error(err)
				return
			}
			if _, _, err := r.Token(t.Context(), token); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
