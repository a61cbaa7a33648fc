// Package storetest defines what a store must do, whatever engine is below it. An
// engine's own tests call Run; a new method of the store starts with a case here.
//
// The suites that need nothing of the others are folders: accounttest, and advisorytest for
// the advisory database.
package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/store"
	"plimsoll/store/storetest/accounttest"
)

// Run runs every suite against an engine. open returns a new, empty inventory, and closes
// it when the test ends.
func Run(t *testing.T, open func(t *testing.T) *store.Store) {
	t.Run("images", func(t *testing.T) { Images(t, open) })
	t.Run("accounts", func(t *testing.T) { accounttest.Run(t, open) })
	t.Run("findings", func(t *testing.T) { Findings(t, open) })
	t.Run("backlog", func(t *testing.T) { Backlog(t, open) })
	t.Run("decisions", func(t *testing.T) { Decisions(t, open) })
}

// Clock is the time that a store under test sees.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Start is when the clock of every test begins.
func Start() time.Time { return time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC) }

// UseClock gives s a clock that moves only by Advance.
func UseClock(s *store.Store) *Clock {
	c := &Clock{now: Start()}
	s.DB().Now = c.Now
	return c
}

// Now returns the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Exec runs a statement beside the store, to bring about what its methods cannot.
func Exec(t testing.TB, s *store.Store, query string, args ...any) {
	t.Helper()
	if _, err := s.DB().Writer.Exec(s.DB().Dialect.Rebind(query), args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// Dump returns every row of the tables as text, in the order of their columns.
func Dump(t testing.TB, s *store.Store, tables ...string) string {
	t.Helper()
	var out strings.Builder
	for _, table := range tables {
		rows, err := s.DB().Reader.Query(`SELECT * FROM ` + table + ` ORDER BY 1, 2`) //nolint:gosec // names of tables, by tests
		if err != nil {
			t.Fatalf("dump %s: %v", table, err)
		}
		fmt.Fprintln(&out, table)
		dumpRows(t, &out, rows)
	}
	return out.String()
}

func dumpRows(t testing.TB, out *strings.Builder, rows *sql.Rows) {
	t.Helper()
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			fmt.Fprintf(out, "%s=%v ", columns[i], v)
		}
		fmt.Fprintln(out)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// Digest returns the digest of a text.
func Digest(word string) plimsoll.Digest { return plimsoll.DigestOf([]byte(word)) }

// Artifact makes a small image manifest whose digest is that of the text.
func Artifact(word string) plimsoll.Artifact {
	platform := plimsoll.Platform{OS: "linux", Architecture: "amd64"}
	created := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	layers := []plimsoll.Layer{
		{Descriptor: descriptor(word+" base", 700), DiffID: Digest(word + " base diff"), CreatedBy: "ADD rootfs.tar /"},
		{Descriptor: descriptor(word+" top", 200), DiffID: Digest(word + " top diff"), CreatedBy: "COPY app /app"},
	}
	return plimsoll.Artifact{
		Digest: Digest(word), MediaType: "application/vnd.oci.image.manifest.v1+json", Kind: plimsoll.KindImage,
		Platform: platform, Size: 1000, Created: created, Config: descriptor(word+" config", 100), Layers: layers,
		Settings: &plimsoll.ImageConfig{
			Platform: platform, Created: created, User: "app", Env: []string{"PATH"},
			DiffIDs: []plimsoll.Digest{layers[0].DiffID, layers[1].DiffID},
			History: []plimsoll.HistoryLine{{CreatedBy: "ADD rootfs.tar /"}, {CreatedBy: "COPY app /app"}},
		},
	}
}

// Index makes an index over members that were made with Artifact.
func Index(word string, members ...plimsoll.Artifact) plimsoll.Artifact {
	a := plimsoll.Artifact{
		Digest: Digest(word), MediaType: "application/vnd.oci.image.index.v1+json", Kind: plimsoll.KindIndex,
	}
	for _, m := range members {
		a.Size += m.Size
		a.Children = append(a.Children, plimsoll.Child{
			Descriptor: plimsoll.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: 400}, Platform: m.Platform,
		})
	}
	return a
}

func descriptor(word string, size int64) plimsoll.Descriptor {
	return plimsoll.Descriptor{MediaType: "application/octet-stream", Digest: Digest(word), Size: size}
}

// AddRegistry stores a registry with the defaults of tests.
func AddRegistry(t testing.TB, s *store.Store, r plimsoll.Registry) plimsoll.Registry {
	t.Helper()
	if r.ProjectID == "" {
		r.ProjectID = "p1"
	}
	if r.Kind == "" {
		r.Kind = plimsoll.RegistryOther
	}
	if r.URL == "" {
		r.URL = "https://" + r.Name + ".example"
	}
	if err := s.AddRegistry(context.Background(), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// Push stores tags of one repository as a sync would: "tag" points to the artifact.
func Push(t testing.TB, s *store.Store, r plimsoll.Registry, repository string, tags map[string]plimsoll.Artifact, members ...plimsoll.Artifact) {
	t.Helper()
	c := plimsoll.RepositoryChange{Repository: repository, Artifacts: members}
	for tag, a := range tags {
		c.Artifacts = append(c.Artifacts, a)
		c.Tags = append(c.Tags, plimsoll.TagSeen{Tag: tag, Digest: a.Digest})
	}
	if err := s.ApplySync(context.Background(), r, c, nil); err != nil {
		t.Fatal(err)
	}
}
