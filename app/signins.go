package app

import (
	"context"
	"net/http"
	"time"

	"plimsoll"
	"plimsoll/auth"
)

// SignIns identifies callers: by password, token or signature.
type SignIns struct {
	auth *auth.Authenticator
}

// SignIn is an attempt to get a token.
type SignIn = auth.SignIn

// SignIn returns the secret of a new token, which is not stored, and what the token is for.
func (s *SignIns) SignIn(ctx context.Context, in SignIn) (string, plimsoll.Token, plimsoll.Principal, error) {
	return s.auth.SignIn(ctx, in)
}

// Token finds who holds a token. An expired one is an error beside the token.
func (s *SignIns) Token(ctx context.Context, secret string) (plimsoll.Token, plimsoll.Principal, error) {
	return s.auth.Token(ctx, secret)
}

// Revoke ends a token. Unauthenticated: it is unknown.
func (s *SignIns) Revoke(ctx context.Context, secret string) error {
	return s.auth.Revoke(ctx, secret)
}

// Verify checks the signature of a request as it came, with its raw query, over body.
func (s *SignIns) Verify(r *http.Request, body []byte) (plimsoll.Principal, error) {
	return s.auth.Verify(r, body)
}

// ForProject narrows a principal to a project; an empty id means the only one that the user has a grant in.
func (s *SignIns) ForProject(ctx context.Context, p plimsoll.Principal, projectID string) (plimsoll.Principal, error) {
	return s.auth.ForProject(ctx, p, projectID)
}

// renewToken returns an earlier token if it is for this project and valid for at least this long, else a new one.
func (s *SignIns) renewToken(ctx context.Context, user plimsoll.User, projectID, earlier string, validFor time.Duration) (string, error) {
	t, p, err := s.auth.Token(ctx, earlier)
	if err == nil && p.Project.ID == projectID && time.Until(t.ExpiresAt) >= validFor {
		return earlier, nil
	}
	token, _, _, err := s.auth.Issue(ctx, user, projectID)
	return token, err
}

// removeExpired removes tokens that have expired.
func (s *SignIns) removeExpired(ctx context.Context) error {
	_, err := s.auth.Prune(ctx)
	return err
}
