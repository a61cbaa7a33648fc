package auth_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/auth"
)

// clientSign signs the way the vendor's clients do, independently of the code under test.
func clientSign(r *http.Request, access, secret string, date time.Time, payload string, headers ...string) {
	escape := strings.NewReplacer("+", "%20", "%7E", "~")
	stamp := date.UTC().Format("20060102T150405Z")
	r.Header.Set("X-Sdk-Date", stamp)
	headers = append(headers, "x-sdk-date")
	slices.Sort(headers)
	var path []string
	for segment := range strings.SplitSeq(r.URL.Path, "/") {
		path = append(path, escape.Replace(url.QueryEscape(segment)))
	}
	canonical := r.Method + "\n" + strings.TrimSuffix(strings.Join(path, "/"), "/") + "/\n"
	values, _ := url.ParseQuery(r.URL.RawQuery)
	for _, v := range values {
		slices.Sort(v)
	}
	canonical += escape.Replace(values.Encode()) + "\n"
	for _, h := range headers {
		v := r.Header.Get(h)
		if h == "host" {
			v = r.Host
		}
		canonical += h + ":" + strings.TrimSpace(v) + "\n"
	}
	canonical += "\n" + strings.Join(headers, ";") + "\n" + payload
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("SDK-HMAC-SHA256\n" + stamp + "\n" + hashOf(canonical)))
	r.Header.Set("Authorization", "SDK-HMAC-SHA256 Access="+access+", SignedHeaders="+strings.Join(headers, ";")+", Signature="+hex.EncodeToString(mac.Sum(nil)))
}

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// request is signed by ann's key as of now, over the body, the way the vendor's Go client does it.
func (r *fixture) request(method, target, body string) *http.Request {
	q := httptest.NewRequest(method, target, strings.NewReader(body))
	q.RemoteAddr = source
	q.Header.Set("User-Agent", "huaweicloud-usdk-go/3.0; test")
	q.Header.Set("X-Project-Id", r.one.ID)
	clientSign(q, r.access, r.secret, r.now(), hashOf(body), "user-agent", "x-project-id")
	return q
}

// TestVendorVector is the vendor's own sample of a signed request.
func TestVendorVector(t *testing.T) {
	r := newFixture(t)
	key := plimsoll.AccessKey{Access: "QTWAOYTTINDUT2QVKYUC", UserID: r.ann.ID}
	key.SealedSecret = r.key.Seal([]byte("MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc"), key.SealedFor())
	check(t, r.store.AddAccessKey(t.Context(), key))
	r.add(time.Date(2019, 11, 15, 3, 36, 55, 0, time.UTC).Sub(r.now()))

	q := httptest.NewRequest(http.MethodGet, "https://service.region.example.com/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs?limit=2&marker=13551d6b-755d-4757-b956-536f674975c0", nil)
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("X-Sdk-Date", "20191115T033655Z")
	q.Header.Set("Authorization", "SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, SignedHeaders=content-type;host;x-sdk-date, "+
		"Signature=7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe")
	p, err := r.Verify(q, nil)
	check(t, err)
	if p.Method != auth.MethodKey || len(p.User.Grants) != 2 {
		t.Errorf("principal %+v", p)
	}
	wantRole(t, p, plimsoll.Project{}, "")
	p, err = r.ForProject(t.Context(), p, r.two.ID)
	check(t, err)
	wantRole(t, p, r.two, plimsoll.RoleReader)
}

func TestVerifyAccepts(t *testing.T) {
	r := newFixture(t)
	for _, target := range []string{
		"/", "/v5/p/image/swr-repository", "/v5/p/image/swr-repository/", "/v5/p/an%20image/a~b*c/%E2%9C%93",
		"/v5/p?image_name=&limit=50&offset=0", "/v5/p?image_name&image_type&limit=50&namespace", "/v5/p?a=2&a=1&A=3&a=10&b",
		"/v5/p?q=a%2Fb~*+c%20d%26%3D&empty=", "/v5/p?&&a=1&",
	} {
		if _, err := r.Verify(r.request("GET", target, ""), []byte{}); err != nil {
			t.Errorf("GET %s: %v", target, err)
		}
	}
	body := `{"image_info_list":[]}` + "\n"
	q := r.request("POST", "/v5/p/image/batch-scan", body)
	if _, err := r.Verify(q, []byte(body)); err != nil {
		t.Errorf("POST: %v", err)
	}

	// A handler that rewrote the URL for others does not disturb.
	q = r.request("GET", "/v5/p?b&a=1", "")
	q.URL.RawQuery, q.URL.Path = "a=1&b=", "/p"
	if _, err := r.Verify(q, nil); err != nil {
		t.Errorf("rewritten URL: %v", err)
	}

	q = r.request("PUT", "/upload", "")
	q.Header.Set("X-Sdk-Content-Sha256", "UNSIGNED-PAYLOAD")
	clientSign(q, r.access, r.secret, r.now(), "UNSIGNED-PAYLOAD", "x-sdk-content-sha256")
	if _, err := r.Verify(q, []byte("anything")); err != nil {
		t.Errorf("body left out by the client: %v", err)
	}

	q = r.request("PUT", "/stream", "long body")
	q.Header.Set("X-Sdk-Content-Sha256", hashOf("long body"))
	if _, err := r.Verify(q, nil); err != nil {
		t.Errorf("streamed body: %v", err)
	}
	for _, skew := range []time.Duration{-15 * time.Minute, 15 * time.Minute} {
		q = r.request("GET", "/", "")
		clientSign(q, r.access, r.secret, r.now().Add(skew), hashOf(""))
		if _, err := r.Verify(q, nil); err != nil {
			t.Errorf("clock off by %s: %v", skew, err)
		}
	}
}

// refusedChange changes a valid request so that Verify refuses it.
type refusedChange struct {
	change func(*http.Request)
	want   string // in the error
}

// refusedChanges are changes to a POST of "body" to /v5/p?x=1, signed by ann's key.
func refusedChanges(r *fixture) map[string]refusedChange {
	replace := func(old, by string) func(*http.Request) {
		return func(q *http.Request) {
			q.Header.Set("Authorization", strings.Replace(q.Header.Get("Authorization"), old, by, 1))
		}
	}
	set := func(name, value string) func(*http.Request) {
		return func(q *http.Request) { q.Header.Set(name, value) }
	}
	resign := func(secret string, at time.Time) func(*http.Request) {
		return func(q *http.Request) { clientSign(q, r.access, secret, at, hashOf("body")) }
	}
	return map[string]refusedChange{
		"another secret":         {resign("x"+r.secret[1:], r.now()), "does not match"},
		"empty secret":           {resign("", r.now()), "does not match"},
		"unknown key":            {replace("Access="+r.access, "Access=ABCDEFGHIJKLMNOPQRST"), "does not match"},
		"unknown key, no secret": {func(q *http.Request) { clientSign(q, "NOSUCHKEY", "", r.now(), hashOf("body")) }, "does not match"},
		"another method":         {func(q *http.Request) { q.Method = "PUT" }, "does not match"},
		"another path":           {func(q *http.Request) { q.RequestURI = "/v5/other?x=1" }, "does not match"},
		"another query":          {func(q *http.Request) { q.RequestURI = "/v5/p?x=2" }, "does not match"},
		"encoded slash":          {func(q *http.Request) { q.RequestURI = "/v5%2fp?x=1" }, "encoded slash"},
		"malformed URI":          {func(q *http.Request) { q.RequestURI = "/v5/%zz" }, "malformed"},
		"malformed query":        {func(q *http.Request) { q.RequestURI = "/v5/p?x=%zz" }, "not URL-encoded"},
		"long URI":               {func(q *http.Request) { q.RequestURI = "/" + strings.Repeat("x", 40_000) }, "too long"},
		"signed header changed":  {set("User-Agent", "proxy/1.0"), "does not match"},
		"signed header removed":  {func(q *http.Request) { q.Header.Del("User-Agent") }, "did not arrive"},
		"signed header doubled":  {func(q *http.Request) { q.Header.Add("User-Agent", "x") }, "does not match"},
		"date changed":           {set("X-Sdk-Date", r.now().Add(time.Second).Format("20060102T150405Z")), "does not match"},
		"date old":               {resign(r.secret, r.now().Add(-15*time.Minute-time.Second)), "15 minutes"},
		"date ahead":             {resign(r.secret, r.now().Add(15*time.Minute+time.Second)), "15 minutes"},
		"date missing":           {func(q *http.Request) { q.Header.Del("X-Sdk-Date") }, "X-Sdk-Date"},
		"date malformed":         {set("X-Sdk-Date", "20260314T092653.5Z"), "X-Sdk-Date"},
		"date doubled":           {func(q *http.Request) { q.Header.Add("X-Sdk-Date", "x") }, "more than once"},
		"date not signed":        {replace(";x-sdk-date", ""), "lacks x-sdk-date"},
		"temporary key":          {set("X-Security-Token", "temporary"), "temporary"},
		"hash of another body":   {set("X-Sdk-Content-Sha256", hashOf("other")), "hash of the body"},
		"hash left out":          {set("X-Sdk-Content-Sha256", "UNSIGNED-PAYLOAD"), "does not match"},
		"no header":              {func(q *http.Request) { q.Header.Del("Authorization") }, "not signed"},
		"two headers":            {func(q *http.Request) { q.Header.Add("Authorization", "x") }, "more than once"},
		"derived key":            {replace("SDK-HMAC-SHA256", "V11-HMAC-SHA256"), "V11-HMAC-SHA256 is not supported"},
		"SM3":                    {replace("SDK-HMAC-SHA256", "SDK-HMAC-SM3"), "SDK-HMAC-SM3 is not supported"},
		"a bare secret":          {set("Authorization", "hunter2hunter2"), "not supported"},
		"header doubled":         {replace("SignedHeaders=user-agent", "SignedHeaders=user-agent;user-agent"), "repeated"},
		"no signature":           {replace(", Signature=", ", Signatures="), "not known"},
		"short signature":        {replace(", Signature=", ", Signature=00"), "64 hex"},
		"hostile key":            {replace("Access="+r.access, "Access='; DROP"), "not the id"},
		"long":                   {replace(" ", strings.Repeat(" ", 10_000)), "too long"},
	}
}

func TestVerifyRefuses(t *testing.T) {
	r := newFixture(t)
	cases := 0
	for name, c := range refusedChanges(r) {
		t.Run(name, func(t *testing.T) {
			q := r.request("POST", "/v5/p?x=1", "body")
			cases++
			q.RemoteAddr = fmt.Sprintf("203.0.113.%d:443", cases) // its own count
			c.change(q)
			p, err := r.Verify(q, []byte("body"))
			if plimsoll.ErrorCode(err) != plimsoll.Unauthenticated || p.User.ID != "" {
				t.Fatalf("Verify = %+v, %v", p, err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q, want %q in it", err, c.want)
			}
			_, signature, _ := strings.Cut(q.Header.Get("Authorization"), "Signature=")
			wantNoSecret(t, err, r.secret, signature, "hunter2")
		})
	}
}

func TestVerifyRefusesOtherBodyAndOwner(t *testing.T) {
	r := newFixture(t)
	q := r.request("POST", "/v5/p", "body")
	if _, err := r.Verify(q, []byte("other")); !errors.Is(err, auth.ErrSignature) || plimsoll.ErrorHint(err) == "" {
		t.Errorf("another body: %v", err)
	}
	q = r.request("POST", "/v5/p", "body")
	if _, err := r.Verify(q, nil); err == nil || !strings.Contains(err.Error(), "streamed body") {
		t.Errorf("a body that is neither in memory nor hashed: %v", err)
	}
	check(t, r.admins.SetDisabled(t.Context(), r.ann.ID, true))
	if _, err := r.Verify(r.request("GET", "/", ""), nil); !errors.Is(err, auth.ErrDisabled) {
		t.Errorf("disabled user: %v", err)
	}
	check(t, r.admins.RevokeKey(t.Context(), r.access))
	if _, err := r.Verify(r.request("GET", "/", ""), nil); !errors.Is(err, auth.ErrSignature) {
		t.Errorf("revoked key: %v", err)
	}
}

// TestSealedForAnotherKey: a secret that was moved to another key's row does not open, which is an Internal error.
func TestSealedForAnotherKey(t *testing.T) {
	r := newFixture(t)
	k, err := r.store.AccessKey(t.Context(), r.access)
	check(t, err)
	k.Access = "MOVED"
	check(t, r.store.AddAccessKey(t.Context(), k))
	q := r.request("GET", "/", "")
	clientSign(q, "MOVED", r.secret, r.now(), hashOf(""))
	_, err = r.Verify(q, nil)
	if plimsoll.ErrorCode(err) != plimsoll.Internal {
		t.Errorf("moved secret: %v", err)
	}
	wantNoSecret(t, err, r.secret)
}

func TestReplays(t *testing.T) {
	r := newFixture(t)
	for method, again := range map[string]error{
		"GET": nil, "HEAD": nil,
		"POST": auth.ErrReplayed, "PUT": auth.ErrReplayed, "DELETE": auth.ErrReplayed,
	} {
		q := r.request(method, "/v5/p", "")
		_, err := r.Verify(q, []byte{})
		check(t, err)
		r.add(time.Minute)
		if _, err := r.Verify(q, []byte{}); !errors.Is(err, again) || (again == nil && err != nil) {
			t.Errorf("second %s: %v, want %v", method, err, again)
		}
		if _, err := r.Verify(r.request(method, "/v5/p", ""), []byte{}); err != nil {
			t.Errorf("%s signed again: %v", method, err)
		}
	}
}

func TestSignatureLocks(t *testing.T) {
	r := newFixture(t)
	for _, access := range []string{r.access, "NOSUCHKEY"} { // a lock does not reveal which keys exist
		wrong := r.request("GET", "/", "")
		clientSign(wrong, access, "wrong", r.now(), hashOf(""))
		for range 6 {
			if _, err := r.Verify(wrong, nil); !errors.Is(err, auth.ErrSignature) {
				t.Fatalf("wrong signature: %v", err)
			}
		}
		if _, err := r.Verify(wrong, nil); !errors.Is(err, auth.ErrLocked) || plimsoll.ErrorCode(err) != plimsoll.Throttled {
			t.Errorf("the seventh time: %v", err)
		}
	}
	if _, err := r.Verify(r.request("GET", "/", ""), nil); !errors.Is(err, auth.ErrLocked) {
		t.Errorf("right signature while locked: %v", err)
	}
	elsewhere := r.request("GET", "/", "")
	elsewhere.RemoteAddr = "192.0.2.8:1"
	if _, err := r.Verify(elsewhere, nil); err != nil {
		t.Errorf("from another address: %v", err)
	}
	r.add(5 * time.Minute)
	if _, err := r.Verify(r.request("GET", "/", ""), nil); err != nil {
		t.Errorf("five minutes later: %v", err)
	}
}

func TestVerifyAtOnce(t *testing.T) {
	r := newFixture(t)
	posts := make(chan error, 16)
	q := r.request("POST", "/", "")
	var wg sync.WaitGroup
	for range cap(posts) {
		wg.Go(func() {
			_, err := r.Verify(q.Clone(q.Context()), []byte{})
			posts <- err
			if _, err := r.Verify(r.request("GET", "/", ""), nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	close(posts)
	passed := 0
	for err := range posts {
		if err == nil {
			passed++
		} else if !errors.Is(err, auth.ErrReplayed) {
			t.Error(err)
		}
	}
	if passed != 1 {
		t.Errorf("%d of the same request passed, want 1", passed)
	}
}
