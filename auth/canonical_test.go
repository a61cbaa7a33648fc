package auth

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func FuzzParseAuthorization(f *testing.F) {
	const sig = "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"
	f.Add("SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, SignedHeaders=content-type;host;x-sdk-date, Signature=" + sig)
	f.Add("SDK-HMAC-SHA256 Signature=" + sig + ",SignedHeaders=X-Sdk-Date,Access=A")
	f.Add("SDK-HMAC-SHA256 Access=A, Access=B, SignedHeaders=x-sdk-date;;, Signature=")
	f.Add("V11-HMAC-SHA256 Credential=A/20260314/region/hss, SignedHeaders=, Signature=")
	f.Add("Bearer x")
	f.Fuzz(func(t *testing.T, header string) {
		s, err := parseAuthorization(header)
		if err != nil {
			if len(err.Error()) > 200 {
				t.Errorf("error repeats the header: %q", err)
			}
			return
		}
		if s.access == "" || len(s.access) > maxAccess || strings.ContainsFunc(s.access, notAlphanumeric) || len(s.signature) != 32 {
			t.Errorf("accepted %+v", s)
		}
		if len(s.headers) > maxHeaders || !slices.ContainsFunc(s.headers, func(n string) bool { return strings.EqualFold(n, headerDate) }) {
			t.Errorf("accepted headers %q", s.headers)
		}
		if !strings.Contains(header, strings.Join(s.headers, ";")) {
			t.Errorf("headers %q are not as in %q", s.headers, header)
		}
	})
}

// FuzzCanonicalQuery: the canonical form is a fixed point, contains the values that a handler reads, and does not depend
// on their order.
func FuzzCanonicalQuery(f *testing.F) {
	for _, seed := range []string{"", "a", "b=&a=1", "a=2&a=1", "q=a%2Fb~*+c%20d%26%3D", "%zz", "a;b=1", "&&=&=x", "\xff=\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := canonicalQuery(raw)
		values, parseErr := url.ParseQuery(raw)
		if err != nil {
			if parseErr == nil {
				t.Errorf("%q is refused: %v", raw, err)
			}
			return
		}
		if again, err := canonicalQuery(got); err != nil || again != got {
			t.Errorf("%q becomes %q, then %q, %v", raw, got, again, err)
		}
		if parseErr != nil {
			return // net/http drops such a query
		}
		back, err := url.ParseQuery(got)
		for _, v := range values {
			slices.Sort(v)
		}
		if err != nil || fmt.Sprint(back) != fmt.Sprint(values) {
			t.Errorf("%q reads as %v, its canonical form %q as %v, %v", raw, values, got, back, err)
		}
		if strings.Trim(got, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~%=&") != "" {
			t.Errorf("%q is not escaped", got)
		}
	})
}

func TestCanonicalPath(t *testing.T) {
	for path, want := range map[string]string{
		"":             "/",
		"/":            "/",
		"/a":           "/a/",
		"/a/":          "/a/",
		"/a b/~*+=:@é": "/a%20b/~%2A%2B%3D%3A%40%C3%A9/",
		"//a":          "//a/",
	} {
		if got := canonicalPath(path); got != want {
			t.Errorf("canonicalPath(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestCanonicalHeaders(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "http://example.com:8443/", nil)
	r.Header["X-Many"] = []string{" b ", "a"}
	got, err := canonicalHeaders(r, []string{"Host", "x-many"})
	if want := "host:example.com:8443\nx-many:a\nx-many:b\n"; err != nil || got != want {
		t.Errorf("canonicalHeaders = %q, %v; want %q", got, err, want)
	}
}

func TestReplaysAreBounded(t *testing.T) {
	c := newReplayCache(3)
	sig := func(b byte) authorizationParts { return authorizationParts{signature: append(make([]byte, 31), b)} }
	for round := range byte(10) {
		if !c.addIfNew(sig(round)) || c.addIfNew(sig(round)) {
			t.Errorf("signature %d: seen before it came, or not after", round)
		}
	}
	if len(c.seen) != 3 || len(c.order) != 3 {
		t.Errorf("%d signatures are remembered, want 3", len(c.seen))
	}
	for _, old := range []byte{7, 8, 9} {
		if c.addIfNew(sig(old)) {
			t.Errorf("signature %d was forgotten before older ones", old)
		}
	}
}

func TestLockoutIsBounded(t *testing.T) {
	now := time.Unix(0, 0)
	l := newLockout(1, func() time.Time { return now })
	for i := range maxLocks + 5 {
		if err := l.recordOutcome(attemptKey{name: fmt.Sprint(i)}, false); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.counts) != maxLocks || l.order.Len() != maxLocks {
		t.Errorf("%d counts, %d in order; want %d", len(l.counts), l.order.Len(), maxLocks)
	}
	if l.check(attemptKey{name: "4"}) != nil || l.check(attemptKey{name: "5"}) == nil {
		t.Error("another than the oldest counts were forgotten")
	}
	now = now.Add(lockFor)
	if l.check(attemptKey{name: "5"}) != nil || len(l.counts) != maxLocks-1 {
		t.Error("an old count is kept")
	}
}

func TestSourceOf(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7":               "192.0.2.7",
		"192.0.2.7:50123":         "192.0.2.7",
		"::ffff:192.0.2.7":        "192.0.2.7",
		"[::ffff:192.0.2.7]:1":    "192.0.2.7",
		"2001:db8:1:2:3:4:5:6":    "2001:db8:1:2::/64",
		"[2001:db8:1:2::9]:50123": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:1":        "fe80::/64",
		"@":                       "",
	} {
		if got := sourceOf(address); got != want {
			t.Errorf("sourceOf(%q) = %q, want %q", address, got, want)
		}
	}
}
