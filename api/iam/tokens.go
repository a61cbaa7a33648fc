package iam

import (
	"context"
	"net"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"plimsoll"
	"plimsoll/api/base"
)

// SignIn is an attempt to sign in, or to have a token for another project.
type SignIn struct {
	UserID     string // or UserName with a domain
	UserName   string
	Password   string
	DomainID   string // of the user
	DomainName string

	// The project to work in, by id or by name; both empty = none.
	ProjectID   string
	ProjectName string
	ScopeDomain string // id or name of the domain that the client takes for the user's; empty = not said

	// Token is an earlier token of the user instead of a name and password.
	Token string

	Source string // address of the client, for the lock-out count
}

// Tokens looks up and ends tokens.
type Tokens interface {
	// Token returns the holder of a token; Unauthenticated for one that is unknown.
	Token(ctx context.Context, secret string) (plimsoll.Token, plimsoll.Principal, error)

	// Revoke ends a token; Unauthenticated for one that is unknown.
	Revoke(ctx context.Context, secret string) error
}

// SignIns gives tokens to users.
type SignIns interface {
	// SignIn returns the token's secret, which is not stored, the token and its holder.
	SignIn(ctx context.Context, s SignIn) (secret string, t plimsoll.Token, p plimsoll.Principal, err error)
}

// The methods of getting a token.
const (
	methodPassword = "password"
	methodToken    = "token"
)

// reference is the identity API's way to refer to something, by id or by name.
type reference struct {
	_      struct{}   `additionalProperties:"true"`
	ID     string     `json:"id,omitempty" maxLength:"256"`
	Name   string     `json:"name,omitempty" maxLength:"256"`
	Domain *reference `json:"domain,omitempty"`
}

type signInInput struct {
	NoCatalog string `query:"nocatalog" doc:"Any value leaves the catalog out of the answer"`
	Body      signInBody
	source    string
}

type signInBody struct {
	_    struct{} `additionalProperties:"true"`
	Auth struct {
		_        struct{} `additionalProperties:"true"`
		Identity struct {
			_        struct{} `additionalProperties:"true"`
			Methods  []string `json:"methods" nullable:"false" minItems:"1" maxItems:"4" doc:"password, or token"`
			Password *struct {
				_    struct{}   `additionalProperties:"true"`
				User signInUser `json:"user"`
			} `json:"password,omitempty"`
			Token *struct {
				_  struct{} `additionalProperties:"true"`
				ID string   `json:"id" minLength:"1" maxLength:"32768" writeOnly:"true"`
			} `json:"token,omitempty" doc:"An earlier token, to have one for another project. The new one ends when this one ends"`
		} `json:"identity"`
		Scope *struct {
			_       struct{}   `additionalProperties:"true"`
			Project *reference `json:"project,omitempty"`
			Domain  *reference `json:"domain,omitempty"`
		} `json:"scope,omitempty"`
	} `json:"auth"`
}

type signInUser struct {
	_        struct{}   `additionalProperties:"true"`
	ID       string     `json:"id,omitempty" maxLength:"256"`
	Name     string     `json:"name,omitempty" maxLength:"256"`
	Password string     `json:"password" minLength:"1" maxLength:"1024" writeOnly:"true"`
	Domain   *reference `json:"domain,omitempty" doc:"Account of the user; not needed with an id"`
}

type tokenOutput struct {
	SubjectToken string `header:"X-Subject-Token" doc:"The token"`
	Body         struct {
		Token tokenBody `json:"token"`
	}
}

type tokenBody struct {
	Methods   []string         `json:"methods" nullable:"false" doc:"How the token was got, where it is got; password where it is shown later"`
	IssuedAt  string           `json:"issued_at" doc:"YYYY-MM-DDTHH:MM:SS.ffffffZ"`
	ExpiresAt string           `json:"expires_at" doc:"YYYY-MM-DDTHH:MM:SS.ffffffZ"`
	User      tokenUser        `json:"user"`
	Project   *tokenProject    `json:"project,omitempty" doc:"Of a token for a project"`
	Domain    *tokenDomain     `json:"domain,omitempty" doc:"Of a token without a project"`
	Roles     []tokenDomain    `json:"roles" nullable:"false"`
	Catalog   []catalogService `json:"catalog,omitempty" nullable:"false" doc:"Where our operations are"`
}

type tokenDomain struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type tokenProject struct {
	ID     string      `json:"id"`
	Name   string      `json:"name"`
	Domain tokenDomain `json:"domain"`
}

type tokenUser struct {
	ID              string      `json:"id"`
	Name            string      `json:"name"`
	Domain          tokenDomain `json:"domain"`
	PasswordExpires string      `json:"password_expires_at" doc:"Always empty: passwords do not expire"`
}

// Resolve notes where the request came from.
func (in *signInInput) Resolve(ctx huma.Context) []error {
	r, _ := humachi.Unwrap(ctx)
	in.source = r.RemoteAddr
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		in.source = host
	}
	return nil
}

func (h *handlers) createToken(ctx context.Context, in *signInInput) (*tokenOutput, error) {
	attempt, err := in.attempt()
	if err != nil {
		return nil, err
	}
	secret, token, p, err := h.roles.SignIns.SignIn(ctx, attempt)
	if err != nil {
		return nil, err
	}
	out := &tokenOutput{SubjectToken: secret}
	method := methodPassword
	if attempt.Token != "" {
		method = methodToken
	}
	out.Body.Token = wireToken(token, p, method)
	if in.NoCatalog == "" {
		out.Body.Token.Catalog = catalogAt(base.ServerURL(ctx), p.Project)
	}
	return out, nil
}

func (in *signInInput) attempt() (SignIn, error) {
	s, err := in.caller()
	scope := in.Body.Auth.Scope
	if err != nil || scope == nil {
		return s, err
	}
	domain := scope.Domain
	if scope.Project != nil {
		s.ProjectID, s.ProjectName, domain = scope.Project.ID, scope.Project.Name, scope.Project.Domain
	}
	if domain != nil {
		s.ScopeDomain = domain.ID
		if s.ScopeDomain == "" {
			s.ScopeDomain = domain.Name
		}
	}
	return s, nil
}

func (in *signInInput) caller() (SignIn, error) {
	identity := in.Body.Auth.Identity
	switch {
	case slices.Equal(identity.Methods, []string{methodToken}) && identity.Token != nil:
		return SignIn{Token: identity.Token.ID, Source: in.source}, nil
	case !slices.Equal(identity.Methods, []string{methodPassword}) || identity.Password == nil:
		return SignIn{}, plimsoll.Errorf(plimsoll.Invalid, "sign in with the method password or token, and with what belongs to it")
	}
	user := identity.Password.User
	if user.ID == "" && user.Name == "" {
		return SignIn{}, plimsoll.Errorf(plimsoll.Invalid, "a user needs an id or a name")
	}
	s := SignIn{UserID: user.ID, UserName: user.Name, Password: user.Password, Source: in.source}
	if user.Domain != nil {
		s.DomainID, s.DomainName = user.Domain.ID, user.Domain.Name
	}
	return s, nil
}

type showTokenInput struct {
	SubjectHeader
	NoCatalog string `query:"nocatalog" doc:"Any value leaves the catalog out of the answer"`
}

// SubjectHeader names the token that an operation is about.
type SubjectHeader struct {
	Subject string `header:"X-Subject-Token" required:"true" maxLength:"32768" doc:"The token that is asked about"`
}

func (h *handlers) showToken(ctx context.Context, in *showTokenInput) (*tokenOutput, error) {
	token, p, err := h.subjectToken(ctx, in.Subject)
	if err != nil {
		return nil, err
	}
	out := &tokenOutput{SubjectToken: in.Subject}
	out.Body.Token = wireToken(token, p, methodPassword)
	if in.NoCatalog == "" {
		out.Body.Token.Catalog = catalogAt(base.ServerURL(ctx), p.Project)
	}
	return out, nil
}

func (h *handlers) revokeToken(ctx context.Context, in *SubjectHeader) (*struct{}, error) {
	if _, _, err := h.subjectToken(ctx, in.Subject); err != nil {
		return nil, err
	}
	err := h.roles.Tokens.Revoke(ctx, in.Subject)
	if plimsoll.ErrorCode(err) == plimsoll.Unauthenticated { // another request has ended it meanwhile
		return nil, errNoSuchToken()
	}
	return nil, err
}

// subjectToken finds a token that is good and the caller's own; every other is unknown.
func (h *handlers) subjectToken(ctx context.Context, secret string) (plimsoll.Token, plimsoll.Principal, error) {
	token, p, err := h.roles.Tokens.Token(ctx, secret)
	code := plimsoll.ErrorCode(err)
	if code == plimsoll.Unauthenticated || code == plimsoll.NotFound || err == nil && p.User.ID != base.Caller(ctx).User.ID {
		err = errNoSuchToken()
	}
	return token, p, err
}

func errNoSuchToken() error { return plimsoll.Errorf(plimsoll.NotFound, "no such token") }

const tokenTime = "2006-01-02T15:04:05.000000Z"

// wireToken writes a token in the identity API's form (hss-api, section 3.1).
func wireToken(t plimsoll.Token, p plimsoll.Principal, method string) tokenBody {
	domain := tokenDomain{ID: p.Domain.ID, Name: p.Domain.Name}
	b := tokenBody{
		Methods:  []string{method},
		IssuedAt: tokenTimeOf(t.IssuedAt), ExpiresAt: tokenTimeOf(t.ExpiresAt),
		User:  tokenUser{ID: p.User.ID, Name: p.User.Name, Domain: domain},
		Roles: []tokenDomain{},
	}
	for _, role := range plimsoll.Roles() {
		if slices.ContainsFunc(p.Grants, func(g plimsoll.Grant) bool { return g.Role == role }) {
			b.Roles = append(b.Roles, tokenDomain{ID: "0", Name: string(role)})
		}
	}
	if p.Project.ID == "" {
		b.Domain = &domain
		return b
	}
	b.Project = &tokenProject{ID: p.Project.ID, Name: p.Project.Name, Domain: domain}
	return b
}

func tokenTimeOf(t time.Time) string { return t.UTC().Format(tokenTime) }
