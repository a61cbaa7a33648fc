package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"plimsoll"
)

const (
	headerToken   = "X-Auth-Token"
	headerProject = "X-Project-Id"
	methodKey     = "key" // Principal.Method of a signed request
	allEnterprise = "all_granted_eps"
	maxToken      = 32768 // bytes, as the contract says
)

// Callers says who is asking.
type Callers interface {
	// Token finds who holds a token. An expired one is an error beside the token, whose ExpiresAt tells.
	Token(ctx context.Context, secret string) (plimsoll.Token, plimsoll.Principal, error)

	// Verify checks the signature of a request as it came, with its raw query, over body.
	Verify(r *http.Request, body []byte) (plimsoll.Principal, error)

	// Revoke ends a token; Unauthenticated for one that is unknown.
	Revoke(ctx context.Context, secret string) error

	// ForProject narrows a principal to a project; an empty id means the only one that the user has a grant in.
	// Forbidden for a project of somebody else, or of nobody.
	ForProject(ctx context.Context, p plimsoll.Principal, projectID string) (plimsoll.Principal, error)
}

type principalKey struct{}

// caller is who asks; authenticate put it there.
func caller(ctx context.Context) plimsoll.Principal {
	p, _ := ctx.Value(principalKey{}).(plimsoll.Principal)
	return p
}

// authenticate lets callers through that are known and, where the path names a project, belong to it.
func (a *API) authenticate(ctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	p, err := a.identity(w, r, ctx.Operation().Metadata[streamed] != nil)
	if err == nil {
		p, err = a.inProject(r, p, ctx.Param("project_id"))
	}
	if err != nil {
		huma.WriteErr(a.huma, ctx, http.StatusUnauthorized, "", err) //nolint:errcheck // the client is gone
		return
	}
	next(huma.WithValue(ctx, principalKey{}, p))
}

// inProject puts a caller into the project that the path names. Where it names none, a signed
// request may name one by header; else it is in the user's only project, or in none.
func (a *API) inProject(r *http.Request, p plimsoll.Principal, path string) (plimsoll.Principal, error) {
	named := r.Header.Get(headerProject)
	if path != "" && named != "" && named != path {
		return p, errElsewhere
	}
	if path == "" && p.Project.ID != "" {
		return p, nil
	}
	if path == "" && p.Method != methodKey {
		return p, nil
	}
	id := path
	if id == "" {
		id = named
	}
	narrow, err := a.roles.Callers.ForProject(r.Context(), p, id)
	if plimsoll.ErrorCode(err) != plimsoll.Forbidden {
		return narrow, err
	}
	if id == "" {
		return p, nil
	}
	return p, errElsewhere
}

// streamed marks operations whose body is not held in memory. Their signature covers
// the body by X-Sdk-Content-Sha256 alone, which the handler compares.
const streamed = "streamed"

func (a *API) identity(w http.ResponseWriter, r *http.Request, stream bool) (plimsoll.Principal, error) {
	if secret := r.Header.Get(headerToken); secret != "" {
		return a.byToken(r.Context(), secret)
	}
	if !strings.HasPrefix(r.Header.Get("Authorization"), "SDK-HMAC-SHA256") {
		return plimsoll.Principal{}, errNoToken
	}
	if stream {
		if r.Header.Get(headerContentHash) == "" {
			return plimsoll.Principal{}, plimsoll.Errorf(plimsoll.Invalid, "a signed upload needs the header %s", headerContentHash)
		}
		return a.roles.Callers.Verify(r, nil)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, a.cfg.MaxBody))
	if err != nil {
		return plimsoll.Principal{}, plimsoll.Errorf(errorCodeOfRead(err), "read the request body: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return a.roles.Callers.Verify(r, body)
}

func errorCodeOfRead(err error) plimsoll.Code {
	if c := errorCode(err); c != plimsoll.Internal {
		return c
	}
	return plimsoll.Invalid
}

func (a *API) byToken(ctx context.Context, secret string) (plimsoll.Principal, error) {
	if len(secret) > maxToken {
		return plimsoll.Principal{}, plimsoll.Errorf(plimsoll.Unauthenticated, "the token is longer than any of ours")
	}
	token, p, err := a.roles.Callers.Token(ctx, secret)
	expired := !token.ExpiresAt.IsZero() && !a.cfg.Now().Before(token.ExpiresAt)
	if expired && (err == nil || plimsoll.ErrorCode(err) == plimsoll.Unauthenticated) {
		return plimsoll.Principal{}, errExpired
	}
	return p, err
}

// scope turns an enterprise_project_id into the enterprise projects a request is about, in
// which the caller has at least the role; nil is every one of the project.
func scope(p plimsoll.Principal, role plimsoll.Role, id string) ([]string, error) {
	if id == "" {
		id = plimsoll.DefaultEnterpriseProject
	}
	if id != allEnterprise {
		if !p.Role(id).Includes(role) {
			return nil, plimsoll.Errorf(plimsoll.Forbidden, "this needs the role %s in the enterprise project", role)
		}
		return []string{id}, nil
	}
	ids, all := p.EnterpriseProjects(role)
	if all {
		return nil, nil
	}
	if len(ids) == 0 {
		return nil, plimsoll.Errorf(plimsoll.Forbidden, "this needs the role %s in an enterprise project", role)
	}
	return ids, nil
}

// ownScope is scope for our own operations, where an absent id means all that the caller may see.
func ownScope(p plimsoll.Principal, role plimsoll.Role, id string) ([]string, error) {
	if id == "" {
		id = allEnterprise
	}
	return scope(p, role, id)
}

// admin passes administrators of a whole project.
func admin(p plimsoll.Principal) error {
	if _, all := p.EnterpriseProjects(plimsoll.RoleAdmin); !all {
		return plimsoll.Errorf(plimsoll.Forbidden, "this needs the role %s in the whole project", plimsoll.RoleAdmin)
	}
	return nil
}

// operator passes administrators who may change what every tenant shares.
func (a *API) operator(p plimsoll.Principal) error {
	if err := admin(p); err != nil {
		return err
	}
	if a.cfg.OperatorDomain != "" && p.Domain.ID != a.cfg.OperatorDomain {
		return plimsoll.Errorf(plimsoll.Forbidden, "this is for the administrators of the deployment")
	}
	return nil
}
