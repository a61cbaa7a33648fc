package auth

import (
	"context"
	"time"

	"plimsoll"
)

// UserStore finds who signs in.
type UserStore interface {
	UserByName(ctx context.Context, domain, name string) (plimsoll.User, error) // domain by id or name
	User(ctx context.Context, id string) (plimsoll.User, error)
	Principal(ctx context.Context, userID, projectID string) (plimsoll.Principal, error)
	Domain(ctx context.Context, idOrName string) (plimsoll.Domain, error)
	Project(ctx context.Context, id string) (plimsoll.Project, error)
	ProjectByName(ctx context.Context, domainID, name string) (plimsoll.Project, error)
}

// TokenStore keeps tokens by their hash. AddToken is given the password hash that
// was proven and refuses, with NotFound, a user who has another one meanwhile.
type TokenStore interface {
	AddToken(ctx context.Context, t plimsoll.Token, passwordHash string) error
	Token(ctx context.Context, hash string) (plimsoll.Token, error)
	RemoveToken(ctx context.Context, hash string) error
	PruneTokens(ctx context.Context, before time.Time, limit int) (int, error)
}

// KeyStore finds access keys.
type KeyStore interface {
	AccessKey(ctx context.Context, access string) (plimsoll.AccessKey, error)
}

// Store is everything that has to be looked up.
type Store interface {
	UserStore
	TokenStore
	KeyStore
}

// Passwords verifies a password; an empty hash stands for an unknown user, takes
// the same time and is never right. It bounds how many it computes at once.
type Passwords interface {
	Verify(ctx context.Context, password, hash string) (bool, error)
}

// Opener opens the sealed secret of an access key.
type Opener interface {
	Open(sealed, ad []byte) ([]byte, error)
}

// Config is what a deployment can choose.
type Config struct {
	TokenLifetime time.Duration // of new tokens
}

// DefaultConfig lets a token live for 24 hours, as clients expect.
func DefaultConfig() Config { return Config{TokenLifetime: 24 * time.Hour} }

// The failures in a row that lock a name, or a key, for one source address.
const (
	signInFailures    = 5
	signatureFailures = 6 // clients know "more than five"
)

// Authenticator says who is asking. It is safe for concurrent use.
type Authenticator struct {
	cfg        Config
	store      Store
	passwords  Passwords
	opener     Opener
	now        func() time.Time
	signIns    *lockout
	signatures *lockout
	replays    *replayCache
}

// New makes an authenticator; now is its clock.
func New(cfg Config, store Store, passwords Passwords, opener Opener, now func() time.Time) *Authenticator {
	return &Authenticator{
		cfg: cfg, store: store, passwords: passwords, opener: opener, now: now,
		signIns: newLockout(signInFailures, now), signatures: newLockout(signatureFailures, now),
		replays: newReplayCache(maxReplays),
	}
}

// Errors that callers tell apart. The code of all of them is Unauthenticated.
var (
	ErrTokenUnknown error = unauthenticated("the token is unknown or was revoked")
	ErrTokenExpired error = unauthenticated("the token has expired")
	ErrCredentials  error = unauthenticated("the user name or password is wrong")
	ErrDisabled     error = unauthenticated("the user is disabled")
	ErrSignature    error = unauthenticated("the access key is unknown or the signature does not match")
	ErrReplayed     error = unauthenticated("this signed request was received before")
)

func unauthenticated(message string) *plimsoll.Error {
	return &plimsoll.Error{Code: plimsoll.Unauthenticated, Message: message}
}

// The ways to be known, as Principal.Method tells them.
const (
	MethodToken = "token"
	MethodKey   = "key"
	MethodLocal = "local"
)

// Local is the operator on the machine itself, who holds the data directory: an administrator of
// whichever project. NotFound if there is no such project.
func (a *Authenticator) Local(ctx context.Context, projectID string) (plimsoll.Principal, error) {
	project, err := a.store.Project(ctx, projectID)
	if err != nil {
		return plimsoll.Principal{}, err
	}
	domain, err := a.store.Domain(ctx, project.DomainID)
	if err != nil {
		return plimsoll.Principal{}, err
	}
	grants := []plimsoll.Grant{{ProjectID: project.ID, Role: plimsoll.RoleAdmin}}
	user := plimsoll.User{ID: MethodLocal, Name: MethodLocal, DomainID: domain.ID, Grants: grants}
	return plimsoll.Principal{User: user, Domain: domain, Project: project, Grants: grants, Method: MethodLocal}, nil
}

// ForProject narrows what Verify returned to the project that the request is about. A
// principal that was bound to a project before, by its token, cannot leave it. An empty
// projectID stands for the only project a key's user has a grant in; where there is none
// such, nothing changes and the principal keeps having no grants. Forbidden: no grant
// there, which is also the answer for a project that does not exist.
func (a *Authenticator) ForProject(ctx context.Context, p plimsoll.Principal, projectID string) (plimsoll.Principal, error) {
	bound := p.Method != MethodKey || p.Project.ID != ""
	if projectID == "" && !bound {
		projectID = onlyProject(p.User.Grants)
	}
	if projectID == "" || p.Project.ID == projectID {
		return p, nil
	}
	grants := grantsIn(p.User.Grants, projectID)
	if bound || len(grants) == 0 {
		return plimsoll.Principal{}, errNoGrant()
	}
	project, err := a.store.Project(ctx, projectID)
	if err != nil {
		return plimsoll.Principal{}, err
	}
	p.Project, p.Grants = project, grants
	return p, nil
}

func errNoGrant() error {
	return plimsoll.Errorf(plimsoll.Forbidden, "the caller has no access to this project")
}

func grantsIn(grants []plimsoll.Grant, projectID string) (in []plimsoll.Grant) {
	for _, g := range grants {
		if g.ProjectID == projectID {
			in = append(in, g)
		}
	}
	return in
}

// onlyProject is the project of all grants, "" if there are several or none.
func onlyProject(grants []plimsoll.Grant) string {
	if len(grants) == 0 || len(grantsIn(grants, grants[0].ProjectID)) != len(grants) {
		return ""
	}
	return grants[0].ProjectID
}
