package conformance

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// signer is a transport that signs every header of a request, host and content-type
// among them, instead of whatever signature is there.
type signer struct {
	access, secret string
	skew           time.Duration // what the client's clock is off by
}

const stampForm = "20060102T150405Z"

// RoundTrip signs a copy of r and sends it.
func (s *signer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body.Close()
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	stamp := time.Now().UTC().Add(s.skew).Format(stampForm)
	r.Header.Del("Authorization")
	r.Header.Set("X-Sdk-Date", stamp)

	lines := map[string]string{"host": r.URL.Host}
	for name, values := range r.Header {
		lines[strings.ToLower(name)] = strings.TrimSpace(values[0])
	}
	names := slices.Sorted(maps.Keys(lines))
	var headers strings.Builder
	for _, name := range names {
		fmt.Fprintf(&headers, "%s:%s\n", name, lines[name])
	}
	signed := strings.Join(names, ";")
	canonical := strings.Join([]string{r.Method, canonicalPath(r.URL.Path), canonicalQuery(r.URL.Query()), headers.String(), signed, hash(body)}, "\n")
	mac := hmac.New(sha256.New, []byte(s.secret))
	fmt.Fprintf(mac, "SDK-HMAC-SHA256\n%s\n%s", stamp, hash([]byte(canonical)))
	r.Header.Set("Authorization", fmt.Sprintf("SDK-HMAC-SHA256 Access=%s, SignedHeaders=%s, Signature=%x", s.access, signed, mac.Sum(nil)))
	return http.DefaultTransport.RoundTrip(r)
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// escape is RFC 3986's, which differs from net/url's in the blank and the tilde.
func escape(s string) string {
	return strings.NewReplacer("+", "%20", "%7E", "~").Replace(url.QueryEscape(s))
}

func canonicalPath(path string) string {
	var out strings.Builder
	for segment := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		out.WriteString("/" + escape(segment))
	}
	return out.String() + "/"
}

func canonicalQuery(query url.Values) string {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(query)) {
		for _, v := range slices.Sorted(slices.Values(query[key])) {
			pairs = append(pairs, escape(key)+"="+escape(v))
		}
	}
	return strings.Join(pairs, "&")
}
