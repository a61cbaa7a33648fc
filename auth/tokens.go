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

// SignIn is a request for a token: by user and password, or by an earlier token.
type SignIn struct {
	UserID     string // either this, or UserName and a domain
	UserName   string
	Password   string
	DomainID   string // of the user
	DomainName string

	// The project of the token, by id or by name in the user's domain; both empty = none.
	ProjectID   string
	ProjectName string
	ScopeDomain string // id or name of the project's domain, which must be the user's; empty = not given

	// Token is an earlier token of the user instead of a name and password.
	Token string

	Source string // address of the client, with or without port
}

const (
	maxName               = 256 // bytes of any name or id in an attempt
	tokenSize             = 32  // random bytes
	pruneBatch            = 1000
	expiredTokenRetention = 24 * time.Hour // how long an expired token is still reported as expired, not unknown
)

// SignIn issues a token for a password, or for an earlier token. The token has 43 characters and is
// not stored, so it cannot be returned again. Errors: those of Token for an earlier token;
// ErrCredentials, ErrDisabled, ErrLocked (five consecutive failures of a name from an address lock
// it for five minutes), Forbidden for a project without a grant or that does not exist, Invalid for
// a request without a user.
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

// Issue issues a token to a user who is already authenticated, by password or by the operator of
// this machine. projectID "" means a token without a project.
func (a *Authenticator) Issue(ctx context.Context, user plimsoll.User, projectID string) (token string, t plimsoll.Token, p plimsoll.Principal, err error) {
	return a.issue(ctx, user, projectID, a.now().Add(a.cfg.TokenLifetime))
}

// rescope issues a token for another project to the owner of a token. It expires when the first
// token does, so that a token cannot be renewed for ever.
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
	// The first token may have been revoked, for example by a change of password, before the second
	// was stored. A later revocation of the user's tokens removes both.
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

// verifyPassword returns the user of a sign-in, if the password is right.
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

// findUser returns the user of a sign-in and the name under which failures are counted. That name is
// the same for all ways to name a user, and does not reveal whether the user exists.
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

// resolveProject returns the id of the requested project, after checking that the user has a grant in it.
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

// replaceNotFound returns replacement if the code of err is NotFound, else err.
func replaceNotFound(err, replacement error) error {
	if plimsoll.ErrorCode(err) == plimsoll.NotFound {
		return replacement
	}
	return err
}

// Token returns a token and its user's principal in the token's project. The token is also returned
// with ErrTokenExpired. Other errors are ErrTokenUnknown and ErrDisabled.
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

// Revoke removes a token; ErrTokenUnknown if there is no such token.
func (a *Authenticator) Revoke(ctx context.Context, token string) error {
	return replaceNotFound(a.store.RemoveToken(ctx, hashToken(token)), ErrTokenUnknown)
}

// Prune removes tokens that expired more than a day ago, in short transactions, and returns their
// number.
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

// hashToken returns the stored form of a token. A token is random enough to need no salt.
func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
