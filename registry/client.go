package registry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"plimsoll"
)

// Options are the settings of a client.
type Options struct {
	URL        string // scheme http or https, and host; no path
	Credential plimsoll.Credential

	// AuthHosts are the host:port of token services that may be sent the credential, besides the registry itself.
	AuthHosts []string

	// Transport opens connections. It is required, so that every client follows the deployment's policy.
	Transport http.RoundTripper

	Budget plimsoll.Budget // ManifestBytes and Stall are used
	Logger *slog.Logger    // nil means no log
}

// Client reads one registry. It is safe for concurrent use.
type Client struct {
	base   *url.URL
	budget plimsoll.Budget
	logger *slog.Logger
	clock  *clock
	auth   *authenticator
	stages http.RoundTripper
}

// clock is the time of the stages; tests have their own.
type clock struct {
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
}

// sleepFor waits for d or until ctx ends.
func sleepFor(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// New makes a client. It sends no request.
func New(o Options) (*Client, error) {
	base, err := plimsoll.ParseRegistryURL(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Transport == nil || o.Budget.ManifestBytes <= 0 || o.Budget.Stall <= 0 {
		return nil, plimsoll.Errorf(plimsoll.Internal, "a registry client needs a transport and a budget")
	}
	if o.Credential.Username == "" && o.Credential.Secret != "" || strings.Contains(o.Credential.Username, ":") {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "a registry credential needs a user name without a colon")
	}
	c := &Client{base: base, budget: o.Budget, logger: o.Logger, clock: &clock{now: time.Now, sleep: sleepFor}}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	patient := &retrier{inner: stallGuard{inner: o.Transport, after: o.Budget.Stall}, clock: c.clock}
	c.auth, err = newAuth(base, o.Credential, o.AuthHosts, patient, c.clock)
	if err != nil {
		return nil, err
	}
	c.stages = redirectFollower{inner: c.auth}
	return c, nil
}

// hostPort returns the host and port of u, with the default port of its scheme filled in.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "443"
		if u.Scheme == "http" {
			port = "80"
		}
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// sameOrigin reports whether two addresses share scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && hostPort(a) == hostPort(b)
}

// request is one request to the registry.
type request struct {
	doing  string // purpose, for errors: "listing the tags of library/nginx"
	method string // GET if empty
	path   string
	query  string
	scope  string // token scope (Docker Registry v2 Bearer tokens)
	accept string
	limit  int64 // bytes of the body that fetch reads
	extra  http.Header
}

// send returns the answer of the registry, of any status.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	u := *c.base
	u.Path, u.RawQuery = r.path, r.query
	if r.method == "" {
		r.method = http.MethodGet
	}
	req, err := newRequest(withScope(ctx, r.scope), r.method, &u)
	if err != nil {
		return nil, plimsoll.Fail(plimsoll.FailureDownload, &plimsoll.Error{Code: plimsoll.Internal, Message: r.doing, Err: err})
	}
	for name, values := range r.extra {
		req.Header[name] = values
	}
	if r.accept != "" {
		req.Header.Set("Accept", r.accept)
	}
	resp, err := c.stages.RoundTrip(req)
	if err != nil {
		return nil, transportError(ctx, r.doing, err)
	}
	return resp, nil
}

// newRequest makes a request with the headers that all requests of this package have.
func newRequest(ctx context.Context, method string, u *url.URL) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, errors.New("the address cannot be used") // the cause may repeat a signed query
	}
	req.Header.Set("User-Agent", "plimsoll")
	req.Header.Set("Accept-Encoding", "identity") // digests are of the bytes as stored
	return req, nil
}

// wholeAnswer is an answer of status 200 with its body.
type wholeAnswer struct {
	header http.Header
	body   []byte
}

// maxBodyTries bounds how often one body is requested.
const maxBodyTries = 3

// fetch returns the whole body of an answer of status 200.
func (c *Client) fetch(ctx context.Context, r request) (wholeAnswer, error) {
	for try := 1; ; try++ {
		resp, err := c.send(ctx, r)
		if err != nil {
			return wholeAnswer{}, err
		}
		if resp.StatusCode != http.StatusOK {
			return wholeAnswer{}, statusError(r.doing, resp)
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, r.limit+1))
		resp.Body.Close() //nolint:errcheck // only read from
		if int64(len(body)) > r.limit {
			return wholeAnswer{}, plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, "%s: the answer is over the budget of %d bytes", r.doing, r.limit))
		}
		if err == nil {
			return wholeAnswer{header: resp.Header, body: body}, nil
		}
		if try == maxBodyTries || ctx.Err() != nil {
			return wholeAnswer{}, transportError(ctx, r.doing, err)
		}
	}
}

// declaredMediaType returns the media type of an answer without parameters, "" if it is not the type of a manifest.
func declaredMediaType(h http.Header) string {
	t, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(t, "application/vnd.") {
		return ""
	}
	return t
}
