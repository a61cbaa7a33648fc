package bundle

import (
	"archive/tar"
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/klauspost/compress/zstd"

	"plimsoll"
	"plimsoll/advisory"
	"plimsoll/outbound"
	"plimsoll/store/advisories"
	"plimsoll/store/sqlite"
)

func openStore(t testing.TB) *advisories.Store {
	t.Helper()
	db, err := sqlite.Advisories(t.Context(), filepath.Join(t.TempDir(), "advisories.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func record(id, more string) string {
	return `{"id":"` + id + `","modified":"2026-01-02T03:04:05Z",` + more + `"affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},
		"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2"}]}],"ecosystem_specific":{"urgency":"low"}},
		{"package":{"ecosystem":"Debian:13","name":"openssl"},"versions":["1","2"]}]}`
}

func load(t testing.TB, db *advisories.Store, feed string, records map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, body := range records {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	src, err := advisory.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := advisory.Import(t.Context(), src, feed, db, nil); err != nil {
		t.Fatal(err)
	}
}

var records = map[string]string{
	"A-1.json": record("A-1", `"aliases":["CVE-2026-0001"],"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"details":"`+strings.Repeat("long ", 1000)+`",`),
	"A-2.json": record("A-2", `"withdrawn":"2026-01-03T00:00:00Z",`),
	"A-3.json": record("A-3", `"database_specific":{"severity":"HIGH","urgency":"soon"},"references":[{"type":"WEB","url":"https://a.test/x"}],`),
}

func filled(t testing.TB) *advisories.Store {
	t.Helper()
	db := openStore(t)
	load(t, db, "Debian", records)
	threats := []plimsoll.Threat{{CVE: "CVE-2026-0001", Exploited: true, Ransomware: true}, {CVE: "CVE-2026-0002", EPSS: 7}}
	if _, err := advisory.ImportThreats(t.Context(), db, "kev", "https://a.test", threats); err != nil {
		t.Fatal(err)
	}
	return db
}

func keys(t testing.TB) (ed25519.PrivateKey, ed25519.PublicKey) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if _, err := NewKey(path); err != nil {
		t.Fatal(err)
	}
	private, err := ReadPrivateKey(path)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ReadPublicKey(path + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return private, public
}

func written(t testing.TB, db *advisories.Store, key ed25519.PrivateKey) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := Write(t.Context(), &b, db, key, t.TempDir(), time.Now()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unpackInto(t testing.TB, db *advisories.Store, raw []byte, trust Trust) (plimsoll.ImportOutcome, error) {
	t.Helper()
	b, err := read(t.Context(), bytes.NewReader(raw), int64(len(raw)), t.TempDir(), trust)
	if err != nil {
		return plimsoll.ImportOutcome{}, err
	}
	defer b.Close() //nolint:errcheck // a temporary directory
	return b.Import(t.Context(), db, nil)
}

func evidence(t *testing.T, db *advisories.Store) plimsoll.Evidence {
	t.Helper()
	e, err := db.Evidence(t.Context(), []plimsoll.AdvisoryKey{{Ecosystem: "Debian", Name: "openssl"}})
	if err != nil {
		t.Fatal(err)
	}
	e.Revision = 0
	slices.SortFunc(e.Advisories, func(a, b plimsoll.Advisory) int { return strings.Compare(a.ID, b.ID) }) // records are read on every core
	return e
}

// TestRoundTrip: another site judges by the same evidence, knows how old it is, and finds
// nothing new in the same bundle or in the feed that the bundle was made of.
func TestRoundTrip(t *testing.T) {
	private, public := keys(t)
	here, there := filled(t), openStore(t)
	raw := written(t, here, private)
	out, err := unpackInto(t, there, raw, Trust{Keys: []ed25519.PublicKey{public}})
	if err != nil || out.New != 5 || len(out.Feeds) != 2 {
		t.Fatalf("%+v, %v", out, err)
	}
	if diff := cmp.Diff(evidence(t, here), evidence(t, there)); diff != "" {
		t.Errorf("evidence (-here +there):\n%s", diff)
	}
	for _, db := range []*advisories.Store{here, there} {
		texts, err := db.Advisory(t.Context(), []string{"A-1", "A-2", "A-3"})
		if err != nil || len(texts) != 3 || len(texts[0].Details) < 4000 || texts[1].Withdrawn.IsZero() {
			t.Errorf("%d texts, %v", len(texts), err)
		}
	}
	was, err := here.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	is, err := there.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range was.Feeds {
		if !is.Feeds[i].CheckedAt.Equal(was.Feeds[i].CheckedAt) || is.Feeds[i].Source != was.Feeds[i].Source || is.Feeds[i].Records != was.Feeds[i].Records {
			t.Errorf("here %+v, there %+v", was.Feeds[i], is.Feeds[i])
		}
	}
	if out, err = unpackInto(t, there, raw, Trust{Keys: []ed25519.PublicKey{public}}); err != nil || out.Unchanged != 5 || out.Revision != is.Revision {
		t.Errorf("again: %+v, %v", out, err)
	}
	load(t, there, "Debian", records)
	if r, err := there.Revision(t.Context()); err != nil || r != is.Revision {
		t.Errorf("the feed itself makes revision %d, %v", r, err)
	}
	if out, err = unpackInto(t, there, raw, Trust{Keys: []ed25519.PublicKey{public}}); err != nil || out.Skipped[SkippedOlder] != 1 {
		t.Errorf("a bundle older than the feed: %+v, %v", out, err)
	}
}

func TestTrust(t *testing.T) {
	private, public := keys(t)
	_, other := keys(t)
	signed, unsigned := written(t, filled(t), private), written(t, filled(t), nil)
	for name, c := range map[string]struct {
		raw   []byte
		trust Trust
		want  error
	}{
		"signed":             {signed, Trust{Keys: []ed25519.PublicKey{other, public}}, nil},
		"another's":          {signed, Trust{Keys: []ed25519.PublicKey{other}}, ErrSignature},
		"nobody trusted":     {signed, Trust{}, ErrUnsigned},
		"unsigned":           {unsigned, Trust{Keys: []ed25519.PublicKey{public}}, ErrUnsigned},
		"unsigned, accepted": {unsigned, Trust{Unsigned: true}, nil},
		"signed, unchecked":  {signed, Trust{Unsigned: true}, nil},
	} {
		if _, err := unpackInto(t, openStore(t), c.raw, c.trust); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if err := (Trust{Keys: []ed25519.PublicKey{public}, Unsigned: true}).check(nil, nil); plimsoll.ErrorCode(err) != plimsoll.Invalid {
		t.Errorf("a contradiction: %v", err)
	}
}

// rewritten passes every entry of a bundle through change; nil leaves it out.
func rewritten(t *testing.T, raw []byte, change func(name string, body []byte) (string, []byte)) []byte {
	t.Helper()
	dec, err := zstd.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	var out bytes.Buffer
	enc, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(enc)
	for r := tar.NewReader(dec); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		name, body := change(h.Name, body)
		if body == nil {
			continue
		}
		h.Name, h.Size = name, int64(len(body))
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), enc.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestTampered: whatever is changed in a signed bundle, none of it is imported.
func TestTampered(t *testing.T) {
	private, public := keys(t)
	raw := written(t, filled(t), private)
	for name, change := range map[string]func(string, []byte) (string, []byte){
		"a record": func(n string, b []byte) (string, []byte) {
			return n, bytes.ReplaceAll(b, []byte(`"fixed":"2"`), []byte(`"fixed":"1"`))
		},
		"the manifest": func(n string, b []byte) (string, []byte) {
			return n, bytes.ReplaceAll(b, []byte(`"checked_at": "20`), []byte(`"checked_at": "21`))
		},
		"no manifest": func(n string, b []byte) (string, []byte) {
			if n == manifestName {
				return n, nil
			}
			return n, b
		},
		"no feed": func(n string, b []byte) (string, []byte) {
			if strings.HasSuffix(n, "0.jsonl") {
				return n, nil
			}
			return n, b
		},
		"another name": func(n string, b []byte) (string, []byte) { return strings.Replace(n, "feeds/0", "../../x", 1), b },
		"no signature": func(n string, b []byte) (string, []byte) {
			if n == sigName {
				return n, nil
			}
			return n, b
		},
		"a broken signature": func(n string, b []byte) (string, []byte) {
			if n == sigName {
				return n, []byte("{")
			}
			return n, b
		},
	} {
		db := openStore(t)
		if _, err := unpackInto(t, db, rewritten(t, raw, change), Trust{Keys: []ed25519.PublicKey{public}}); err == nil {
			t.Errorf("%s: imported", name)
		}
		if r, err := db.Revision(t.Context()); r != 0 || err != nil {
			t.Errorf("%s: revision %d, %v", name, r, err)
		}
	}
	same := rewritten(t, raw, func(n string, b []byte) (string, []byte) { return n, b })
	if _, err := unpackInto(t, openStore(t), same, Trust{Keys: []ed25519.PublicKey{public}}); err != nil {
		t.Errorf("nothing changed: %v", err)
	}
	for _, cut := range []int{0, 3, len(raw) / 2, len(raw) - 1} {
		if _, err := unpackInto(t, openStore(t), raw[:cut], Trust{Keys: []ed25519.PublicKey{public}}); !errors.Is(err, ErrBroken) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}

// TestBomb unpacks to more than any bundle may.
func TestBomb(t *testing.T) {
	var out bytes.Buffer
	enc, err := zstd.NewWriter(&out, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(enc)
	if err := w.WriteHeader(&tar.Header{Name: manifestName, Size: 2 << 30, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(w, zeros{}, maxManifest+1<<20); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Flush(), enc.Close()); err == nil {
		t.Fatal("the tar is whole")
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := read(t.Context(), &out, int64(out.Len()), t.TempDir(), Trust{Unsigned: true}); !errors.Is(err, ErrBomb) {
		t.Errorf("a large manifest: %v", err)
	}
	l := &limited{r: zeros{}, u: &unpacker{left: 10}}
	if _, err := io.Copy(io.Discard, l); !errors.Is(err, ErrBomb) {
		t.Errorf("more than allowed: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestRegistry pushes a bundle and pulls it again, with credentials that the registry asks for.
func TestRegistry(t *testing.T) {
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, secret, ok := r.BasicAuth(); !ok || user != "ci" || secret != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	defer server.Close()
	host := server.Listener.Addr().String()
	transport := outbound.Policy{Allow: []string{host}}.Transport()
	defer transport.CloseIdleConnections()
	r := Registry{Transport: transport, Credential: plimsoll.Credential{Username: "ci", Secret: "secret"}, PlainHTTP: true}
	dir := t.TempDir()
	raw := written(t, filled(t), nil)
	if err := os.WriteFile(filepath.Join(dir, "a"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	pushed, err := r.Push(t.Context(), filepath.Join(dir, "a"), host+"/security/advisories:latest")
	if err != nil {
		t.Fatal(err)
	}
	pulled, err := r.Pull(t.Context(), host+"/security/advisories:latest", filepath.Join(dir, "b"))
	if err != nil || pulled != pushed {
		t.Fatalf("pushed %s, pulled %s, %v", pushed, pulled, err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "b")); err != nil || !bytes.Equal(got, raw) || !Is(filepath.Join(dir, "b")) {
		t.Errorf("%d bytes of %d, %v", len(got), len(raw), err)
	}
	if _, err := r.Pull(t.Context(), host+"/security/advisories:latest", filepath.Join(dir, "b")); plimsoll.ErrorCode(err) != plimsoll.Invalid {
		t.Errorf("over another file: %v", err)
	}
	r.Credential.Secret = "wrong"
	if _, err := r.Pull(t.Context(), host+"/security/advisories:latest", filepath.Join(dir, "c")); plimsoll.ErrorCode(err) != plimsoll.Unavailable {
		t.Errorf("without the secret: %v", err)
	}
	if _, err := (Registry{Transport: outbound.Policy{}.Transport(), PlainHTTP: true}).Pull(t.Context(), host+"/a/b:c", filepath.Join(dir, "d")); plimsoll.ErrorCode(err) != plimsoll.Forbidden {
		t.Errorf("an address that is not allowed: %v", err)
	}
	if _, err := r.Pull(t.Context(), "advisories", "x"); plimsoll.ErrorCode(err) != plimsoll.Invalid {
		t.Errorf("no reference: %v", err)
	}
}

func TestKeysAreNotOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if _, err := NewKey(path); err != nil {
		t.Fatal(err)
	}
	if _, err := NewKey(path); plimsoll.ErrorCode(err) != plimsoll.Conflict {
		t.Errorf("twice: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := ReadPublicKey(path); plimsoll.ErrorCode(err) != plimsoll.Invalid {
		t.Errorf("a private key as a public one: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(written(f, filled(f), nil))
	f.Add([]byte(zstdMagic))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := read(t.Context(), bytes.NewReader(raw), int64(len(raw)), t.TempDir(), Trust{Unsigned: true})
		if err != nil {
			if plimsoll.ErrorCode(err) == plimsoll.Internal {
				t.Error(err)
			}
			return
		}
		for _, feed := range b.Manifest.Feeds {
			if !strings.HasPrefix(feed.File, b.dir) {
				t.Errorf("a feed at %s", feed.File)
			}
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
}

func FuzzLines(f *testing.F) {
	f.Add([]byte(`{"file":"a.json","sha256":"` + strings.Repeat("0a", 32) + `","record":{"id":"A-1"}}` + "\n"))
	f.Add([]byte(`{"cve":"CVE-2026-0001","epss":7}` + "\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		files, err := readRecords(bytes.NewReader(raw), bytes.NewReader(raw))
		for _, file := range files {
			r, err := file.Open()
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || int64(len(got)) != file.Size {
				t.Errorf("%d bytes of %d, %v", len(got), file.Size, err)
			}
		}
		if c := plimsoll.ErrorCode(err); err != nil && c != plimsoll.Invalid && c != plimsoll.TooLarge {
			t.Errorf("code %q: %v", c, err)
		}
		if _, err := readThreats(bytes.NewReader(raw)); err != nil && plimsoll.ErrorCode(err) != plimsoll.Invalid {
			t.Error(err)
		}
	})
}
