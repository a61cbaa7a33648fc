package base

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
	maxToken      = 32768 // bytes, the limit of the contract
)

type principalKey struct{}

// Caller returns the caller of a request; the zero value for operations that are public.
func Caller(ctx context.Context) plimsoll.Principal {
	p, _ := ctx.Value(principalKey{}).(plimsoll.Principal)
	return p
}

// authenticate passes requests of known callers who, if the request names a project, have access to it.
func (s *Server) authenticate(streamed bool) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humachi.Unwrap(ctx)
		p, err := s.identify(w, r, streamed)
		if err == nil {
			p, err = s.inProject(r, p, ctx.Param("project_id"))
		}
		if err != nil {
			huma.WriteErr(s.huma, ctx, http.StatusUnauthorized, "", err) //nolint:errcheck // the client is gone
			return
		}
		next(huma.WithValue(ctx, principalKey{}, p))
	}
}

// identify returns the holder of the token or of the key that signed the request.
func (s *Server) identify(w http.ResponseWriter, r *http.Request, streamed bool) (plimsoll.Principal, error) {
	if secret := r.Header.Get(headerToken); secret != "" {
		return s.holderOfToken(r.Context(), secret)
	}
	if !strings.HasPrefix(r.Header.Get("Authorization"), "SDK-HMAC-SHA256") {
		return plimsoll.Principal{}, errNoCredentials
	}
	if streamed {
		if r.Header.Get(HeaderContentHash) == "" {
			return plimsoll.Principal{}, plimsoll.Errorf(plimsoll.Invalid, "a signed upload needs the header %s", HeaderContentHash)
		}
		return s.callers.Verify(r, nil)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.cfg.MaxBody))
	if err != nil {
		return plimsoll.Principal{}, plimsoll.Errorf(errorCodeOfRead(err), "read the request body: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return s.callers.Verify(r, body)
}

func (s *Server) holderOfToken(ctx context.Context, secret string) (plimsoll.Principal, error) {
	if len(secret) > maxToken {
		return plimsoll.Principal{}, plimsoll.Errorf(plimsoll.Unauthenticated, "the token is longer than any of ours")
	}
	token, p, err := s.callers.Token(ctx, secret)
	expired := !token.ExpiresAt.IsZero() && !s.cfg.Now().Before(token.ExpiresAt)
	if expired && (err == nil || plimsoll.ErrorCode(err) == plimsoll.Unauthenticated) {
		return plimsoll.Principal{}, errTokenExpired
	}
	return p, err
}

// inProject puts a caller into the project that the request names: in the path, in the query where the family has
// such a parameter, or, if signed, in the header X-Project-Id. A signed request that names none is in the
// user's only project, or in none; one by token in the token's project, or in none.
func (s *Server) inProject(r *http.Request, p plimsoll.Principal, path string) (plimsoll.Principal, error) {
	header := r.Header.Get(headerProject)
	if path != "" {
		if header != "" && header != path {
			return p, errOtherProject
		}
		return s.narrow(r.Context(), p, path)
	}
	if infoOf(r.Context()).family.ProjectQuery {
		if project := r.URL.Query().Get("project"); project != "" {
			return s.selectProject(r.Context(), p, project, header)
		}
	}
	if p.Project.ID != "" || p.Method != methodKey {
		return p, nil
	}
	return s.narrow(r.Context(), p, header)
}

// narrow puts a caller into a project by id; "" is the only one of the user, if there is one.
func (s *Server) narrow(ctx context.Context, p plimsoll.Principal, id string) (plimsoll.Principal, error) {
	narrowed, err := s.callers.ForProject(ctx, p, id)
	if plimsoll.ErrorCode(err) != plimsoll.Forbidden {
		return narrowed, err
	}
	if id == "" {
		return p, nil
	}
	return p, errOtherProject
}

// selectProject puts a caller into a project by id or name. A caller who is in a project stays there and may name no
// other one. The answer for a project without a grant is that for one that does not exist.
func (s *Server) selectProject(ctx context.Context, p plimsoll.Principal, project, header string) (plimsoll.Principal, error) {
	if p.Project.ID != "" {
		if project != p.Project.ID && project != p.Project.Name {
			return p, errOtherProject
		}
		return p, nil
	}
	projects, err := s.projects.Projects(ctx, p.Domain.ID)
	if err != nil {
		return p, err
	}
	for _, candidate := range projects {
		if project != candidate.ID && project != candidate.Name || header != "" && header != candidate.ID {
			continue
		}
		var grants []plimsoll.Grant
		for _, g := range p.User.Grants {
			if g.ProjectID == candidate.ID {
				grants = append(grants, g)
			}
		}
		if len(grants) > 0 {
			p.Project, p.Grants = candidate, grants
			return p, nil
		}
	}
	return p, errOtherProject
}
