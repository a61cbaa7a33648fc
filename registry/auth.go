package registry

import (
	"context"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"plimsoll"
)

// authenticator adds a credential or a token to requests to the registry's own origin, and to no others. It answers
// Basic challenges itself and Bearer challenges with a token (distribution.github.io/distribution/spec/auth/token)
// that it keeps per scope until it expires or is refused.
type authenticator struct {
	base  *url.URL
	basic string          // Authorization value of the credential, "" if anonymous
	hosts map[string]bool // host:port that may be sent the credential
	inner http.RoundTripper
	clock *clock

	mu      sync.Mutex
	isKnown bool // known comes from the registry
	known   challenge
	tokens  map[string]*tokenSlot
}

func newAuth(base *url.URL, c plimsoll.Credential, hosts []string, inner http.RoundTripper, clock *clock) (*authenticator, error) {
	a := &authenticator{base: base, hosts: map[string]bool{hostPort(base): true}, inner: inner, clock: clock, tokens: map[string]*tokenSlot{}}
	for _, entry := range hosts {
		host, port, err := net.SplitHostPort(entry)
		if err != nil || host == "" || port == "" || !plimsoll.ValidPort(port) {
			return nil, plimsoll.Errorf(plimsoll.Invalid, "token host %.80q is not host:port", entry).WithHint("write auth.registry.example:443")
		}
		a.hosts[net.JoinHostPort(strings.ToLower(host), port)] = true
	}
	if c.Username != "" {
		a.basic = "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Username+":"+c.Secret))
	}
	return a, nil
}

type scopeKey struct{}

func withScope(ctx context.Context, scope string) context.Context {
	return context.WithValue(ctx, scopeKey{}, scope)
}

// RoundTrip sends req with the authorization that the registry requires, and once more if that was refused.
func (a *authenticator) RoundTrip(req *http.Request) (*http.Response, error) {
	if !sameOrigin(req.URL, a.base) {
		return a.inner.RoundTrip(req)
	}
	ctx := req.Context()
	scope, _ := ctx.Value(scopeKey{}).(string)
	known, err := a.registryChallenge(ctx)
	if err != nil {
		return nil, err
	}
	used, err := a.authorization(ctx, known, scope, "")
	if err != nil {
		return nil, err
	}
	resp, err := a.inner.RoundTrip(withAuthorization(req, used))
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	now, ok := challengeOf(resp.Header)
	if !ok || (now.scheme == "basic" && used == a.basic) {
		return resp, nil
	}
	drainBody(resp)
	if now.scope != "" {
		scope = now.scope
	}
	again, err := a.authorization(ctx, now, scope, used)
	if err != nil {
		return nil, err // and c is not kept: the challenge of one repository must not apply to the others
	}
	a.keepChallenge(now)
	return a.inner.RoundTrip(withAuthorization(req, again))
}

func withAuthorization(req *http.Request, authorization string) *http.Request {
	if authorization == "" {
		return req
	}
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", authorization)
	return req
}

// registryChallenge returns the challenge of the registry. The first call requests it.
func (a *authenticator) registryChallenge(ctx context.Context) (challenge, error) {
	a.mu.Lock()
	known, asked := a.known, a.isKnown
	a.mu.Unlock()
	if asked {
		return known, nil
	}
	resp, err := a.getBase(ctx, "")
	if err != nil {
		return challenge{}, err
	}
	drainBody(resp)
	if isTransient(resp.StatusCode) {
		return known, nil // no challenge yet: the next call requests it again
	}
	if resp.StatusCode == http.StatusUnauthorized {
		known, _ = challengeOf(resp.Header)
	}
	a.keepChallenge(known)
	return known, nil
}

// getBase requests the base of the API (OCI Distribution Specification, "Determining Support").
func (a *authenticator) getBase(ctx context.Context, authorization string) (*http.Response, error) {
	u := *a.base
	u.Path = "/v2/"
	req, err := newRequest(ctx, http.MethodGet, &u)
	if err != nil {
		return nil, err
	}
	return a.inner.RoundTrip(withAuthorization(req, authorization))
}

// keepChallenge keeps a challenge without its scope, which belongs to one request.
func (a *authenticator) keepChallenge(c challenge) {
	c.scope = ""
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known, a.isKnown = c, true
}

// authorization returns the header value that answers c, "" for none. A token equal to
// refused is replaced.
func (a *authenticator) authorization(ctx context.Context, c challenge, scope, refused string) (string, error) {
	switch c.scheme {
	case "basic":
		return a.basic, nil
	case "bearer":
		return a.bearerToken(ctx, c, scope, refused)
	default:
		return "", nil
	}
}

// Ping checks that the registry is reachable, speaks the protocol and accepts the
// credential. authHost is the host:port of its token service, "" if it has none; it is
// returned with an error too, so that the operator can allow it.
func (c *Client) Ping(ctx context.Context) (authHost string, err error) {
	const doing = "signing in to the registry"
	a := c.auth
	resp, err := a.getBase(ctx, "")
	if err != nil {
		return "", transportError(ctx, doing, err)
	}
	if resp.StatusCode == http.StatusOK {
		drainBody(resp)
		a.keepChallenge(challenge{})
		return "", nil
	}
	wants, ok := challengeOf(resp.Header)
	if resp.StatusCode != http.StatusUnauthorized || !ok {
		return "", notARegistry(statusError(doing, resp))
	}
	drainBody(resp)
	a.keepChallenge(wants)
	if wants.scheme == "bearer" {
		realm, err := a.tokenService(wants)
		if realm != nil {
			authHost = hostPort(realm)
		}
		if err != nil {
			return authHost, transportError(ctx, doing, err)
		}
		if a.basic == "" {
			return authHost, nil // anonymous access is checked when a repository is read
		}
	}
	return authHost, c.signIn(ctx, doing, wants)
}

// signIn checks that the registry accepts the credential.
func (c *Client) signIn(ctx context.Context, doing string, wants challenge) error {
	authorization, err := c.auth.authorization(ctx, wants, wants.scope, "")
	if err != nil {
		return transportError(ctx, doing, err)
	}
	resp, err := c.auth.getBase(ctx, authorization)
	if err != nil {
		return transportError(ctx, doing, err)
	}
	if resp.StatusCode != http.StatusOK {
		return statusError(doing, resp)
	}
	drainBody(resp)
	return nil
}

func notARegistry(err error) error {
	if plimsoll.FailureOf(err) != plimsoll.FailureNotFound {
		return err
	}
	return plimsoll.Fail(plimsoll.FailureNotFound, (&plimsoll.Error{Code: plimsoll.NotFound, Err: err}).
		WithHint("nothing at this address speaks the registry protocol under /v2/"))
}
