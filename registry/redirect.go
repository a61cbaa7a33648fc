package registry

import (
	"net/http"

	"plimsoll"
)

// maxRedirects bounds the hops of one request.
const maxRedirects = 10

// redirect follows redirects, as registries use them to hand blobs out from object
// stores. The credential is added by the stage below, per request and for the registry's own
// origin only, so no hop inherits it. Errors never repeat an address: it may be signed.
type redirect struct{ inner http.RoundTripper }

// RoundTrip returns the first answer that is not a redirect.
func (r redirect) RoundTrip(req *http.Request) (*http.Response, error) {
	for range maxRedirects + 1 {
		resp, err := r.inner.RoundTrip(req)
		if err != nil || !isRedirect(resp) {
			return resp, err
		}
		drain(resp)
		if req, err = follow(req, resp.Header.Get("Location")); err != nil {
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

// follow makes the request of the next hop.
func follow(req *http.Request, location string) (*http.Request, error) {
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
