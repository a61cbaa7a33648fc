package registry

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"

	"plimsoll"
)

// Bounds of tokens.
const (
	maxTokenAnswer = 1 << 20
	maxTokens      = 1024             // kept at once; there is a scope per repository
	defaultLife    = 60 * time.Second // of a token without expires_in (token specification)
	maxLife        = 24 * time.Hour
	tokenMargin    = 10 * time.Second // a token is not used this close to its end
)

// tokenSlot keeps the token of one scope. The goroutine that has the lock may replace it.
type tokenSlot struct {
	lock    chan struct{}
	header  string
	expires time.Time
}

// bearerToken returns a token for scope: the kept one unless it expired or was refused.
func (a *authenticator) bearerToken(ctx context.Context, c challenge, scope, refused string) (string, error) {
	s := a.slotOf(scope)
	select {
	case s.lock <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { <-s.lock }()
	if s.header != "" && s.header != refused && a.clock.now().Before(s.expires) {
		return s.header, nil
	}
	token, life, err := a.fetchToken(ctx, c, scope)
	if err != nil {
		return "", err
	}
	s.header, s.expires = "Bearer "+token, a.clock.now().Add(life)
	return s.header, nil
}

func (a *authenticator) slotOf(scope string) *tokenSlot {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.tokens[scope]
	if s == nil {
		if len(a.tokens) >= maxTokens {
			clear(a.tokens)
		}
		s = &tokenSlot{lock: make(chan struct{}, 1)}
		a.tokens[scope] = s
	}
	return s
}

// tokenService returns the address of the token service that c names, and an error if the
// credential may not be sent there. Without a credential, only the scheme is checked.
func (a *authenticator) tokenService(c challenge) (*url.URL, error) {
	u, err := url.Parse(c.realm)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.User != nil || !plimsoll.ValidPort(u.Port()) {
		return nil, plimsoll.Fail(plimsoll.FailureAuth, plimsoll.Errorf(plimsoll.Unavailable, "the registry names a token service that cannot be used"))
	}
	host := hostPort(u)
	if a.base.Scheme == "https" && u.Scheme != "https" {
		return u, plimsoll.Fail(plimsoll.FailureAuth, plimsoll.Errorf(plimsoll.Forbidden, "the token service %s of an https registry is plain http", host))
	}
	if a.basic != "" && !a.hosts[host] {
		return u, plimsoll.Fail(plimsoll.FailureAuth, plimsoll.Errorf(plimsoll.Forbidden, "the registry wants its credential sent to %s, which is not listed", host).
			WithHint("if this token service is meant, add the registry with --auth-host %s", host))
	}
	return u, nil
}

// fetchToken requests a token. It follows no redirect: the credential is for the listed host.
func (a *authenticator) fetchToken(ctx context.Context, c challenge, scope string) (token string, life time.Duration, err error) {
	u, err := a.tokenService(c)
	if err != nil {
		return "", 0, err
	}
	query := u.Query()
	if c.service != "" {
		query.Set("service", c.service)
	}
	if scope != "" {
		query.Set("scope", scope)
	}
	u.RawQuery, u.Fragment = query.Encode(), ""
	req, err := newRequest(ctx, http.MethodGet, u)
	if err != nil {
		return "", 0, err
	}
	resp, err := a.inner.RoundTrip(withAuthorization(req, a.basic))
	if err != nil {
		return "", 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return "", 0, statusError("asking "+hostPort(u)+" for a token", resp)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	return a.readToken(resp.Body, hostPort(u))
}

func (a *authenticator) readToken(body io.Reader, host string) (string, time.Duration, error) {
	var t struct {
		Token       string      `json:"token"`
		AccessToken string      `json:"access_token"`
		ExpiresIn   json.Number `json:"expires_in"`
		IssuedAt    string      `json:"issued_at"`
	}
	raw, err := io.ReadAll(io.LimitReader(body, maxTokenAnswer))
	if err != nil {
		return "", 0, err
	}
	// The cause is left out: it may contain a part of the token.
	if json.Unmarshal(raw, &t) != nil {
		return "", 0, plimsoll.Errorf(plimsoll.Unavailable, "the token service %s answers something else than a token", host)
	}
	if t.Token == "" {
		t.Token = t.AccessToken
	}
	if !validToken(t.Token) {
		return "", 0, plimsoll.Errorf(plimsoll.Unavailable, "the token service %s answers without a usable token", host)
	}
	life := defaultLife
	if seconds, err := t.ExpiresIn.Float64(); err == nil && seconds > 0 {
		life = time.Duration(min(seconds, maxLife.Seconds()) * float64(time.Second))
	}
	// Clocks differ: an age beyond the lifetime is ignored.
	if issued, err := time.Parse(time.RFC3339, t.IssuedAt); err == nil {
		if age := a.clock.now().Sub(issued); age > 0 && age < life {
			life -= age
		}
	}
	return t.Token, life - min(tokenMargin, life/2), nil
}

// validToken reports whether s is visible ASCII, as a header requires.
func validToken(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}
