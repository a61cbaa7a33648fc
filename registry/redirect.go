package registry

import (
	"net/http"

	"plimsoll"
)

// maxRedirects bounds the hops of one request.
const maxRedirects = 10

// redirectFollower follows redirects: registries redirect to object stores for blobs. The next stage
// adds the credential, to each request to the registry's own origin, so no other
// origin receives it. Errors never repeat an address: it may contain a signature.
type redirectFollower struct{ inner http.RoundTripper }

// RoundTrip returns the first answer that is not a redirect.
func (r redirectFollower) RoundTrip(req *http.Request) (*http.Response, error) {
	for range maxRedirects + 1 {
		resp, err := r.inner.RoundTrip(req)
		if err != nil || !isRedirect(resp) {
			return resp, err
		}
		drainBody(resp)
		if req, err = nextHop(req, resp.Header.Get("Location")); err != nil {
			return nil, err
		}
	}
	return nil, plimsoll.Errorf(plimsoll.Unavailable, "more than %d redirects", maxRedirects)
}

func isRedirect(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return resp.Header.Get("Location") != ""
	}
	return false
}

// nextHop makes the request of the next hop.
func nextHop(req *http.Request, location string) (*http.Request, error) {
	u, err := req.URL.Parse(location)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, plimsoll.Errorf(plimsoll.Unavailable, "redirected to an address that cannot be used")
	}
	if req.URL.Scheme == "https" && u.Scheme != "https" {
		return nil, plimsoll.Errorf(plimsoll.Forbidden, "redirect from https to http at %s refused", hostPort(u))
	}
	next, err := newRequest(req.Context(), req.Method, u)
	if err != nil {
		return nil, err
	}
	for name, values := range req.Header {
		if name != "Authorization" && name != "Cookie" {
			next.Header[name] = values
		}
	}
	return next, nil
}
