package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"time"

	"plimsoll"
)

// SignIn is an attempt to sign in, or to have a token for another project.
type SignIn struct {
	UserID     string // or UserName with a domain
	UserName   string
	Password   string
	DomainID   string // of the user
	DomainName string

	// The project to work in, by id or by name in the user's domain; both empty = none.
	ProjectID   string
	ProjectName string
	ScopeDomain string // id or name of the domain that the client takes for the user's; empty = not said

	// Token is an earlier token of the user instead of a name and password.
	Token string

	Source string // address of the client, with or without port
}

const (
	maxName               = 256 // bytes of any name or id in an attempt
	tokenSize             = 32  // random bytes
	pruneBatch            = 1000
	expiredTokenRetention = 24 * time.Hour // how long an expired token is told from an unknown one
)

// SignIn gives a token for a password, or for an earlier token. The token's 43 characters are
// returned this once. Errors: those of Token for an earlier one; ErrCredentials, ErrDisabled,
// ErrLocked (five failures in a row of a name from an address lock it for five minutes),
// Forbidden for a project without a grant or that does not exist, Invalid for a request that names nobody.
func (a *Authenticator) SignIn(ctx context.Context, s SignIn) (token string, t plimsoll.Token, p plimsoll.Principal, err error) {
	if err := s.validate(); err != nil {
		return "", t, p, err
	}
	if s.Token != "" {
		return a.rescope(ctx, s)
	}
	user, err := a.verifyPassword(ctx, s)
	if err != nil {
		return "", t, p, err
	}
	projectID, err := a.resolveProject(ctx, s, user)
	if err != nil {
		return "", t, p, err
	}
	return a.Issue(ctx, user, projectID)
}

// Issue gives a token to a user who is known already: by password, or because the
// operator of this machine says so. projectID may be "".
func (a *Authenticator) Issue(ctx context.Context, user plimsoll.User, projectID string) (token string, t plimsoll.Token, p plimsoll.Principal, err error) {
	return a.issue(ctx, user, projectID, a.now().Add(a.cfg.TokenLifetime))
}

// rescope gives the holder of a token another one for another project. It ends when the first would
// have ended: who holds one token must not be able to renew it for ever.
func (a *Authenticator) rescope(ctx context.Context, s SignIn) (token string, t plimsoll.Token, p plimsoll.Principal, err error) {
	first, holder, err := a.Token(ctx, s.Token)
	if err != nil {
		return "", t, p, err
	}
	projectID, err := a.resolveProject(ctx, s, holder.User)
	if err != nil {
		return "", t, p, err
	}
	if token, t, p, err = a.issue(ctx, holder.User, projectID, first.ExpiresAt); err != nil {
		return "", t, p, err
	}
	// The first may have been revoked, by a change of password for one, before the second was
	// stored. Whatever revokes the user's tokens from here on finds both.
	if _, err := a.store.Token(ctx, first.Hash); err != nil {
		gone := a.store.RemoveToken(ctx, t.Hash)
		if plimsoll.ErrorCode(gone) == plimsoll.NotFound {
			gone = nil
		}
		return "", plimsoll.Token{}, plimsoll.Principal{}, errors.Join(replaceNotFound(err, ErrTokenUnknown), gone)
	}
	return token, t, p, nil
}

func (a *Authenticator) issue(ctx context.Context, user plimsoll.User, projectID string, expires time.Time) (token string, t plimsoll.Token, p plimsoll.Principal, err error) {
	if p, err = a.store.Principal(ctx, user.ID, projectID); err != nil {
		return "", t, plimsoll.Principal{}, replaceNotFound(err, ErrCredentials)
	}
	p.Method = MethodToken
	secret := make([]byte, tokenSize)
	rand.Read(secret) //nolint:errcheck,gosec // crypto/rand never returns an error
	token = base64.RawURLEncoding.EncodeToString(secret)
	stored := func(at time.Time) time.Time { return at.UTC().Truncate(time.Millisecond) }
	t = plimsoll.Token{Hash: hashToken(token), UserID: user.ID, ProjectID: projectID, IssuedAt: stored(a.now()), ExpiresAt: stored(expires)}
	if err := a.store.AddToken(ctx, t, user.PasswordHash); err != nil {
		return "", plimsoll.Token{}, plimsoll.Principal{}, replaceNotFound(err, ErrCredentials)
	}
	return token, t, p, nil
}

func (s SignIn) validate() error {
	for _, name := range []string{s.UserID, s.UserName, s.DomainID, s.DomainName, s.ProjectID, s.ProjectName, s.ScopeDomain} {
		if len(name) > maxName {
			return plimsoll.Errorf(plimsoll.Invalid, "a name or id in the sign-in has more than %d bytes", maxName)
		}
	}
	if s.Token == "" && s.UserID == "" && (s.UserName == "" || s.domainRef() == "") {
		return plimsoll.Errorf(plimsoll.Invalid, "a sign-in needs a user's id, or a user's name and domain")
	}
	return nil
}

func (s SignIn) domainRef() string {
	if s.DomainID != "" {
		return s.DomainID
	}
	return s.DomainName
}

// verifyPassword returns the user whose password was given.
func (a *Authenticator) verifyPassword(ctx context.Context, s SignIn) (plimsoll.User, error) {
	user, name, err := a.findUser(ctx, s)
	unknown := plimsoll.ErrorCode(err) == plimsoll.NotFound
	if err != nil && !unknown {
		return plimsoll.User{}, err
	}
	who := attemptKey{name: name, source: sourceOf(s.Source)}
	if err := a.signIns.check(who); err != nil {
		return plimsoll.User{}, err
	}
	right, err := a.passwords.Verify(ctx, s.Password, user.PasswordHash)
	if err != nil {
		return plimsoll.User{}, err
	}
	right = right && !unknown
	if err := a.signIns.recordOutcome(who, right); err != nil {
		return plimsoll.User{}, err
	}
	switch {
	case !right:
		return plimsoll.User{}, ErrCredentials
	case user.Disabled:
		return plimsoll.User{}, ErrDisabled
	}
	return user, nil
}

// findUser returns the user of a sign-in and the name that failures are counted under. It is one for all
// the ways to name a user, and it tells nothing about whether a user of that name exists.
func (a *Authenticator) findUser(ctx context.Context, s SignIn) (u plimsoll.User, countedAs string, err error) {
	if s.UserID != "" {
		if u, err = a.store.User(ctx, s.UserID); err != nil {
			return plimsoll.User{}, "id\x00" + s.UserID, err
		}
		return u, u.DomainID + "\x00" + u.Name, nil
	}
	d, err := a.store.Domain(ctx, s.domainRef())
	if err != nil {
		return plimsoll.User{}, s.domainRef() + "\x00" + s.UserName, err
	}
	u, err = a.store.UserByName(ctx, d.ID, s.UserName)
	return u, d.ID + "\x00" + s.UserName, err
}

// resolveProject returns the id of the project that was asked for, in which the user has a grant.
func (a *Authenticator) resolveProject(ctx context.Context, s SignIn, user plimsoll.User) (string, error) {
	if s.ScopeDomain != "" {
		d, err := a.store.Domain(ctx, s.ScopeDomain)
		if err == nil && d.ID != user.DomainID {
			err = errNoGrant()
		}
		if err != nil {
			return "", replaceNotFound(err, errNoGrant())
		}
	}
	id := s.ProjectID
	if id == "" && s.ProjectName != "" {
		project, err := a.store.ProjectByName(ctx, user.DomainID, s.ProjectName)
		if err != nil {
			return "", replaceNotFound(err, errNoGrant())
		}
		id = project.ID
	}
	if id != "" && len(grantsIn(user.Grants, id)) == 0 {
		return "", errNoGrant()
	}
	return id, nil
}

// replaceNotFound answers instead for what does not exist.
func replaceNotFound(err, replacement error) error {
	if plimsoll.ErrorCode(err) == plimsoll.NotFound {
		return replacement
	}
	return err
}

// Token says whose a token is, in the project that the token is for. The token is
// returned beside ErrTokenExpired too. Other refusals are ErrTokenUnknown and ErrDisabled.
func (a *Authenticator) Token(ctx context.Context, token string) (plimsoll.Token, plimsoll.Principal, error) {
	var none plimsoll.Principal
	if len(token) != base64.RawURLEncoding.EncodedLen(tokenSize) {
		return plimsoll.Token{}, none, ErrTokenUnknown
	}
	t, err := a.store.Token(ctx, hashToken(token))
	if err != nil {
		return plimsoll.Token{}, none, replaceNotFound(err, ErrTokenUnknown)
	}
	if !a.now().Before(t.ExpiresAt) {
		return t, none, ErrTokenExpired
	}
	p, err := a.store.Principal(ctx, t.UserID, t.ProjectID)
	if err != nil {
		return plimsoll.Token{}, none, replaceNotFound(err, ErrTokenUnknown)
	}
	if p.User.Disabled {
		return plimsoll.Token{}, none, ErrDisabled
	}
	p.Method = MethodToken
	return t, p, nil
}

// Revoke ends a session; a token that is unknown is ErrTokenUnknown.
func (a *Authenticator) Revoke(ctx context.Context, token string) error {
	return replaceNotFound(a.store.RemoveToken(ctx, hashToken(token)), ErrTokenUnknown)
}

// Prune removes tokens that expired more than a day ago, in short transactions, and returns how many.
func (a *Authenticator) Prune(ctx context.Context) (int, error) {
	total := 0
	for {
		n, err := a.store.PruneTokens(ctx, a.now().Add(-expiredTokenRetention), pruneBatch)
		total += n
		if err != nil || n < pruneBatch {
			return total, err
		}
	}
}

// hashToken is the stored form; a token has enough randomness to need no salt.
func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
