package auth

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"plimsoll"
)

// authorizationParts are the parts of an Authorization header.
type authorizationParts struct {
	access    string
	headers   []string // names as written in SignedHeaders, which is part of the signed text
	signature []byte   // 32 bytes
}

// parseAuthorization reads
//
//	SDK-HMAC-SHA256 Access=<id>, SignedHeaders=<name;name…>, Signature=<hex>
func parseAuthorization(header string) (s authorizationParts, err error) {
	if header == "" {
		return s, unauthenticated("the request is not signed")
	}
	if len(header) > maxAuthSize {
		return s, unauthenticated("the Authorization header is too long")
	}
	name, rest, _ := strings.Cut(header, " ")
	if name != signatureAlgorithm {
		return s, unsupportedAlgorithm(name)
	}
	fields := make(map[string]string, 3)
	for part := range strings.SplitSeq(rest, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := fields[key]; twice || !slices.Contains([]string{"Access", "SignedHeaders", "Signature"}, key) {
			return s, malformedAuthorization("a part is repeated or not known")
		}
		fields[key] = value
	}
	s.access = fields["Access"]
	if s.access == "" || len(s.access) > maxAccess || strings.ContainsFunc(s.access, notAlphanumeric) {
		return s, malformedAuthorization("Access is not the id of an access key")
	}
	s.headers = strings.Split(fields["SignedHeaders"], ";")
	if err := checkSignedHeaders(s.headers); err != nil {
		return s, err
	}
	s.signature, err = hex.DecodeString(fields["Signature"])
	if err != nil || len(s.signature) != 32 {
		return s, malformedAuthorization("Signature is not 64 hex digits")
	}
	return s, nil
}

// unsupportedAlgorithm names the algorithm only if it is a known one: the header may contain
// anything, even a secret.
func unsupportedAlgorithm(name string) error {
	others := []string{
		"SDK-HMAC-SM3", "SDK-ECDSA-P256-SHA256", "SDK-SM2-SM3", "V11-HMAC-SHA256", "Basic", "Bearer",
	}
	if !slices.Contains(others, name) {
		name = "of the Authorization header"
	}
	return unauthenticated("the algorithm "+name+" is not supported").
		WithHint("sign with %s, the default of the vendor's clients", signatureAlgorithm)
}

func malformedAuthorization(why string) error {
	return unauthenticated("the Authorization header is malformed: " + why)
}

func notAlphanumeric(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

// checkSignedHeaders requires each name once, and the date header: without it anybody could
// renew the date of a signed request.
func checkSignedHeaders(names []string) error {
	if len(names) > maxHeaders {
		return malformedAuthorization("SignedHeaders has too many names")
	}
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		lower := strings.ToLower(name)
		if name == "" || seen[lower] {
			return malformedAuthorization("SignedHeaders has an empty or repeated name")
		}
		seen[lower] = true
	}
	if !seen[strings.ToLower(headerDate)] {
		return malformedAuthorization("SignedHeaders lacks " + strings.ToLower(headerDate))
	}
	return nil
}

// canonicalRequest returns the canonical form of a request, which the client has signed.
func canonicalRequest(r *http.Request, s authorizationParts, payload string) (string, error) {
	path, query, err := sentURL(r)
	if err != nil {
		return "", err
	}
	canonicalQuery, err := canonicalQuery(query)
	if err != nil {
		return "", err
	}
	headers, err := canonicalHeaders(r, s.headers)
	if err != nil {
		return "", err
	}
	return strings.Join([]string{
		r.Method, canonicalPath(path), canonicalQuery, headers, strings.Join(s.headers, ";"), payload,
	}, "\n"), nil
}

// sentURL returns the decoded path and the raw query of a request as received. An encoded slash
// in the path is refused, because its canonical form equals that of another path.
func sentURL(r *http.Request) (path, rawQuery string, err error) {
	u := r.URL
	if r.RequestURI != "" {
		if u, err = url.ParseRequestURI(r.RequestURI); err != nil {
			return "", "", unauthenticated("the request's URI is malformed")
		}
	}
	if len(r.RequestURI) > maxURI || len(u.Path)+len(u.RawQuery) > maxURI {
		return "", "", unauthenticated("the request's URI is too long")
	}
	if strings.Contains(strings.ToLower(u.RawPath), "%2f") {
		return "", "", unauthenticated("a signed path cannot contain an encoded slash")
	}
	return u.Path, u.RawQuery, nil
}

// canonicalPath encodes each segment of a decoded path and appends a slash if there is none.
func canonicalPath(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i] = percentEncode(segment)
	}
	out := strings.Join(segments, "/")
	if !strings.HasSuffix(out, "/") {
		out += "/"
	}
	return out
}

// canonicalQuery decodes a query, sorts it by key and value, and encodes it again. A key without
// a value becomes "key=".
func canonicalQuery(raw string) (string, error) {
	type pair struct{ key, value string }
	var pairs []pair
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		key, value, _ := strings.Cut(part, "=")
		k, keyErr := url.QueryUnescape(key)
		v, valueErr := url.QueryUnescape(value)
		if keyErr != nil || valueErr != nil {
			return "", unauthenticated("the request's query is not URL-encoded")
		}
		pairs = append(pairs, pair{k, v})
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if c := strings.Compare(a.key, b.key); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(percentEncode(p.key))
		b.WriteByte('=')
		b.WriteString(percentEncode(p.value))
	}
	return b.String(), nil
}

// canonicalHeaders returns one line per value of each signed header, with the values of one header
// sorted.
func canonicalHeaders(r *http.Request, names []string) (string, error) {
	var b strings.Builder
	for _, name := range names {
		values := slices.Clone(r.Header.Values(name))
		if strings.EqualFold(name, "host") {
			values = []string{r.Host} // net/http removes it from the headers
		}
		if len(values) == 0 {
			return "", plimsoll.Errorf(plimsoll.Unauthenticated, "the signed header %.80q did not arrive", name).
				WithHint("a proxy in between must not remove headers")
		}
		for i := range values {
			values[i] = strings.TrimSpace(values[i])
		}
		slices.Sort(values)
		for _, v := range values {
			b.WriteString(strings.ToLower(name) + ":" + v + "\n")
		}
	}
	return b.String(), nil
}

// percentEncode encodes all characters except the unreserved ones of RFC 3986, with upper-case hex.
func percentEncode(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if !notAlphanumeric(rune(c)) || strings.IndexByte("-_.~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', digits[c>>4], digits[c&15]})
	}
	return b.String()
}
