package outbound

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

// answers is a resolver that gives each name its answers one after the other.
type answers map[string][][]string

func (a answers) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	queue := a[host]
	if len(queue) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(queue) > 1 {
		a[host] = queue[1:]
	}
	var out []netip.Addr
	for _, s := range queue[0] {
		out = append(out, netip.MustParseAddr(s))
	}
	return out, nil
}

// book notes what is dialled and connects to nothing.
type book struct{ dialled []string }

var errNowhere = errors.New("connected to nothing")

func (b *book) dial(_ context.Context, _, address string) (net.Conn, error) {
	b.dialled = append(b.dialled, address)
	return nil, errNowhere
}

func TestDial(t *testing.T) {
	names := func() answers {
		return answers{
			"public.test":   {{"203.0.113.7"}},
			"several.test":  {{"203.0.113.7", "2606:4700::1"}},
			"mapped.test":   {{"::ffff:203.0.113.7"}},
			"loop.test":     {{"127.0.0.1"}},
			"mixed.test":    {{"203.0.113.7", "10.0.0.5"}},
			"metadata.test": {{"169.254.169.254"}},
			"nat64.test":    {{"64:ff9b::a9fe:a9fe"}},
			"empty.test":    {{}},
		}
	}
	allow := []string{"loop.test:5000", "Registry.Internal:443", "10.0.0.5:5000", "[::1]:5000", "169.254.169.254:80", "metadata.test:80"}
	tests := []struct {
		address string
		dialled []string
		code    plimsoll.Code
		hint    string
	}{
		{"public.test:443", []string{"203.0.113.7:443"}, plimsoll.Unavailable, ""},
		{"several.test:443", []string{"203.0.113.7:443", "[2606:4700::1]:443"}, plimsoll.Unavailable, ""},
		{"mapped.test:443", []string{"203.0.113.7:443"}, plimsoll.Unavailable, ""},
		{"203.0.113.7:443", []string{"203.0.113.7:443"}, plimsoll.Unavailable, ""},
		{"loop.test:5000", []string{"127.0.0.1:5000"}, plimsoll.Unavailable, ""},
		{"LOOP.test.:5000", nil, plimsoll.Unavailable, ""}, // no answer under this name
		{"loop.test:5001", nil, plimsoll.Forbidden, "--allow-host loop.test:5001"},
		{"127.0.0.1:5000", nil, plimsoll.Forbidden, "--allow-host 127.0.0.1:5000"},
		{"[::1]:5000", []string{"[::1]:5000"}, plimsoll.Unavailable, ""},
		{"[::ffff:10.0.0.5]:5000", []string{"10.0.0.5:5000"}, plimsoll.Unavailable, ""},
		{"10.0.0.5:5001", nil, plimsoll.Forbidden, "PLIMSOLL_ALLOW_HOST"},
		{"mixed.test:5000", []string{"203.0.113.7:5000", "10.0.0.5:5000"}, plimsoll.Unavailable, ""},
		{"mixed.test:443", nil, plimsoll.Forbidden, "--allow-host mixed.test:443"},
		{"169.254.169.254:80", nil, plimsoll.Forbidden, "never dialled"},
		{"metadata.test:80", nil, plimsoll.Forbidden, "never dialled"},
		{"nat64.test:80", nil, plimsoll.Forbidden, "never dialled"},
		{"empty.test:80", nil, plimsoll.Unavailable, ""},
		{"unknown.test:80", nil, plimsoll.Unavailable, ""},
		{"noport", nil, plimsoll.Invalid, ""},
	}
	for _, tt := range tests {
		var b book
		d := newDialer(Policy{Allow: allow, Resolver: names(), Dial: b.dial})
		_, err := d.DialContext(t.Context(), "tcp", tt.address)
		if got := plimsoll.ErrorCode(err); got != tt.code {
			t.Errorf("%s: code %s, want %s: %v", tt.address, got, tt.code, err)
		}
		if hint := plimsoll.ErrorHint(err); !strings.Contains(hint, tt.hint) {
			t.Errorf("%s: hint %q lacks %q", tt.address, hint, tt.hint)
		}
		if diff := cmp.Diff(tt.dialled, b.dialled); diff != "" {
			t.Errorf("%s: dialled (-want +got)\n%s", tt.address, diff)
		}
	}
}

// A name whose second answer is a loopback address cannot use the first one's good name.
func TestDialRebinding(t *testing.T) {
	var b book
	d := newDialer(Policy{Resolver: answers{"rebind.test": {{"203.0.113.7"}, {"127.0.0.1"}}}, Dial: b.dial})
	if _, err := d.DialContext(t.Context(), "tcp", "rebind.test:80"); !errors.Is(err, errNowhere) {
		t.Errorf("first dial: %v", err)
	}
	if _, err := d.DialContext(t.Context(), "tcp", "rebind.test:80"); plimsoll.ErrorCode(err) != plimsoll.Forbidden {
		t.Errorf("second dial: %v", err)
	}
	if diff := cmp.Diff([]string{"203.0.113.7:80"}, b.dialled); diff != "" {
		t.Errorf("dialled (-want +got)\n%s", diff)
	}
}

// Protocols other than HTTP go by the same rules.
func TestDialWithoutHTTP(t *testing.T) {
	var b book
	p := Policy{Allow: []string{"127.0.0.1:3310"}, Dial: b.dial}
	for address, want := range map[string]plimsoll.Code{
		"127.0.0.1:3310": plimsoll.Unavailable, "127.0.0.1:3311": plimsoll.Forbidden, "169.254.169.254:3310": plimsoll.Forbidden,
	} {
		if _, err := p.DialContext(t.Context(), "tcp", address); plimsoll.ErrorCode(err) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
	if diff := cmp.Diff([]string{"127.0.0.1:3310"}, b.dialled); diff != "" {
		t.Error(diff)
	}
}

func TestTransportReachesAnAllowedHost(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello "+r.Host) //nolint:errcheck // the reader reports it
	}))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	target := "registry.test:" + port
	policy := Policy{Allow: []string{target}, Resolver: answers{"registry.test": {{"127.0.0.1"}}}}

	resp, err := policy.Client().Get("http://" + target)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if got, want := string(body), "hello "+target; got != want {
		t.Errorf("body %q, want %q", got, want)
	}

	if _, err := policy.Client().Get(server.URL); plimsoll.ErrorCode(err) != plimsoll.Forbidden {
		t.Errorf("the same server by its address: %v", err)
	}
}

func TestRedirects(t *testing.T) {
	var seen []string
	var port string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Host+r.URL.Path+" "+r.Header.Get("Authorization")+r.Header.Get("Referer"))
		switch r.URL.Path {
		case "/same":
			http.Redirect(w, r, "/end", http.StatusFound)
		case "/sub":
			http.Redirect(w, r, "http://sub.a.test:"+port+"/back", http.StatusFound)
		case "/back":
			http.Redirect(w, r, "http://a.test:"+port+"/end", http.StatusFound)
		case "/metadata":
			http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		}
	}))
	defer server.Close()
	_, port, _ = net.SplitHostPort(server.Listener.Addr().String())
	client := Policy{
		Allow:    []string{"a.test:" + port, "sub.a.test:" + port},
		Resolver: answers{"a.test": {{"127.0.0.1"}}, "sub.a.test": {{"127.0.0.1"}}},
	}.Client()
	get := func(path string) error {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://a.test:"+port+path, nil)
		req.Header.Set("Authorization", "secret")
		resp, err := client.Do(req)
		if err == nil {
			resp.Body.Close() //nolint:errcheck // nothing was read
		}
		return err
	}
	for path, want := range map[string]plimsoll.Code{"/same": "", "/sub": "", "/metadata": plimsoll.Forbidden, "/loop": plimsoll.Unavailable} {
		seen = nil
		if got := plimsoll.ErrorCode(get(path)); got != want {
			t.Errorf("%s: code %q, want %q", path, got, want)
		}
		host := "a.test:" + port
		switch path {
		case "/same":
			if diff := cmp.Diff([]string{host + "/same secret", host + "/end secret"}, seen); diff != "" {
				t.Errorf("same origin (-want +got)\n%s", diff)
			}
		case "/sub":
			if diff := cmp.Diff([]string{host + "/sub secret", "sub." + host + "/back ", host + "/end "}, seen); diff != "" {
				t.Errorf("other origin (-want +got)\n%s", diff)
			}
		}
	}
}

func TestRedirectKeepsTLS(t *testing.T) {
	first := &http.Request{URL: &url.URL{Scheme: "https", Host: "a.test"}}
	next := &http.Request{URL: &url.URL{Scheme: "http", Host: "a.test"}, Header: http.Header{}}
	if err := checkRedirect(next, []*http.Request{first}); plimsoll.ErrorCode(err) != plimsoll.Forbidden {
		t.Errorf("https to http: %v", err)
	}
}

func TestProxy(t *testing.T) {
	proxy, _ := url.Parse("http://proxy.test:3128")
	policy := Policy{
		Allow:    []string{"inside.test:443"},
		Proxy:    func(*http.Request) (*url.URL, error) { return proxy, nil },
		Resolver: answers{"inside.test": {{"10.0.0.9"}}, "bad.test": {{"10.0.0.9"}}, "proxy.test": {{"10.0.0.2"}}},
		Dial:     (&book{}).dial,
	}
	transport := policy.Transport()
	for target, want := range map[string]plimsoll.Code{
		"https://inside.test/":     "",
		"https://elsewhere.test/":  "", // only the proxy can resolve it
		"https://bad.test/":        plimsoll.Forbidden,
		"http://169.254.169.254/":  plimsoll.Forbidden,
		"http://[::ffff:a9fe:1]/":  plimsoll.Forbidden,
		"http://inside.test:8080/": plimsoll.Forbidden,
	} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
		via, err := transport.Proxy(req)
		if got := plimsoll.ErrorCode(err); got != want || (want == "" && via != proxy) {
			t.Errorf("%s: via %v, %v; want %q", target, via, err, want)
		}
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://elsewhere.test/", nil)
	_, err := transport.RoundTrip(req)
	if hint := plimsoll.ErrorHint(errors.Unwrap(err)); err == nil || !strings.Contains(err.Error(), "private") {
		t.Errorf("a private proxy that is not listed: %v (%s)", err, hint)
	}
}

func TestValidate(t *testing.T) {
	for entry, ok := range map[string]bool{
		"registry.test:5000": true, "127.0.0.1:5000": true, "[::1]:443": true,
		"registry.test": false, ":5000": false, "registry.test:": false, "registry.test:0": false, "registry.test:99999": false, "::1": false,
	} {
		if err := (Policy{Allow: []string{entry}}).Validate(); (err == nil) != ok {
			t.Errorf("Validate(%q) = %v", entry, err)
		}
	}
}
