package auth

import (
	"context"
	"time"

	"plimsoll"
)

// UserStore finds users, domains and projects.
type UserStore interface {
	UserByName(ctx context.Context, domain, name string) (plimsoll.User, error) // domain by id or name
	User(ctx context.Context, id string) (plimsoll.User, error)
	Principal(ctx context.Context, userID, projectID string) (plimsoll.Principal, error)
	Domain(ctx context.Context, idOrName string) (plimsoll.Domain, error)
	Project(ctx context.Context, id string) (plimsoll.Project, error)
	ProjectByName(ctx context.Context, domainID, name string) (plimsoll.Project, error)
}

// TokenStore keeps tokens by their hash. AddToken gets the password hash that was verified
// and returns NotFound if the user has another one by now.
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

// Store is the union of the stores that an Authenticator needs.
type Store interface {
	UserStore
	TokenStore
	KeyStore
}

// Passwords verifies passwords. An empty hash means an unknown user: verifying it takes the
// same time and returns false. The number of concurrent computations is bounded.
type Passwords interface {
	Verify(ctx context.Context, password, hash string) (bool, error)
}

// Opener opens the sealed secret of an access key.
type Opener interface {
	Open(sealed, ad []byte) ([]byte, error)
}

// Config are the settings of an Authenticator.
type Config struct {
	TokenLifetime time.Duration // of new tokens
}

// DefaultConfig has a token lifetime of 24 hours, which clients expect.
func DefaultConfig() Config { return Config{TokenLifetime: 24 * time.Hour} }

// Numbers of consecutive failures that lock a user name or an access key for one source address.
const (
	signInFailures    = 5
	signatureFailures = 6 // the vendor documents "more than five"
)

// Authenticator identifies the caller of a request. It is safe for concurrent use.
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

// Errors that callers distinguish. All have the code Unauthenticated.
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

// The values of Principal.Method: how the caller was authenticated.
const (
	MethodToken = "token"
	MethodKey   = "key"
	MethodLocal = "local"
)

// Local returns the principal of the operator on the machine itself, who has the data
// directory: an administrator of the project. NotFound if there is no such project.
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

// ForProject restricts the principal that Verify returned to the project of the request. A
// principal that a token binds to a project cannot change to another. An empty projectID means
// the only project in which the key's user has a grant; if there is no such project, the
// principal is returned unchanged, without grants. Forbidden if the user has no grant in the
// project, or it does not exist.
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

// onlyProject returns the project of all grants; "" if there are several or none.
func onlyProject(grants []plimsoll.Grant) string {
	if len(grants) == 0 || len(grantsIn(grants, grants[0].ProjectID)) != len(grants) {
		return ""
	}
	return grants[0].ProjectID
}
