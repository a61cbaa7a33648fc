package bundle

import (
	"bytes"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/advisory"
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

func importRecords(t testing.TB, db *advisories.Store, feed string, records map[string]string) {
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

func filledStore(t testing.TB) *advisories.Store {
	t.Helper()
	db := openStore(t)
	importRecords(t, db, "Debian", records)
	threats := []plimsoll.Threat{{CVE: "CVE-2026-0001", Exploited: true, Ransomware: true}, {CVE: "CVE-2026-0002", EPSS: 7}}
	if _, err := advisory.ImportThreats(t.Context(), db, "kev", "https://a.test", threats); err != nil {
		t.Fatal(err)
	}
	return db
}

func newKeys(t testing.TB) (ed25519.PrivateKey, ed25519.PublicKey) {
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

func writeBundle(t testing.TB, db *advisories.Store, key ed25519.PrivateKey) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := Write(t.Context(), &b, db, key, t.TempDir(), time.Now()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func importBundle(t testing.TB, db *advisories.Store, raw []byte, trust Trust) (plimsoll.ImportOutcome, error) {
	t.Helper()
	b, err := unpackBundle(t.Context(), bytes.NewReader(raw), int64(len(raw)), t.TempDir(), trust)
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
	private, public := newKeys(t)
	here, there := filledStore(t), openStore(t)
	raw := writeBundle(t, here, private)
	out, err := importBundle(t, there, raw, Trust{Keys: []ed25519.PublicKey{public}})
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
	if out, err = importBundle(t, there, raw, Trust{Keys: []ed25519.PublicKey{public}}); err != nil || out.Unchanged != 5 || out.Revision != is.Revision {
		t.Errorf("again: %+v, %v", out, err)
	}
	importRecords(t, there, "Debian", records)
	if r, err := there.Revision(t.Context()); err != nil || r != is.Revision {
		t.Errorf("the feed itself makes revision %d, %v", r, err)
	}
	if out, err = importBundle(t, there, raw, Trust{Keys: []ed25519.PublicKey{public}}); err != nil || out.Skipped[SkippedOlder] != 1 {
		t.Errorf("a bundle older than the feed: %+v, %v", out, err)
	}
}
