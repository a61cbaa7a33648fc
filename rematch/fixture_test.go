package rematch_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"

	"plimsoll"
	"plimsoll/match"
	"plimsoll/rematch"
	"plimsoll/store"
	"plimsoll/store/advisories"
	"plimsoll/store/sqlite"
	"plimsoll/store/storetest"
)

var tenant = plimsoll.Tenant{ProjectID: "p", EnterpriseProject: "0"}

// feed is the records of a feed by file name.
type feed map[string]plimsoll.Advisory

// advisoryOf makes a record about one package.
func advisoryOf(id, ecosystem, name, fixed string, ratings ...plimsoll.Rating) plimsoll.Advisory {
	return plimsoll.Advisory{ID: id + "-" + name + "-" + fixed, Upstream: []string{id}, Ratings: ratings, Affected: []plimsoll.Affected{{Ecosystem: ecosystem, Name: name,
		Ranges: []plimsoll.Range{{Type: "ECOSYSTEM", Events: []plimsoll.Event{{Introduced: "0"}, {Fixed: fixed}}}}}}}
}

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Helper()
	Context() context.Context
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// publishFeed imports a feed as a whole.
func publishFeed(t tester, a *advisories.Store, name string, f feed) plimsoll.Revision {
	t.Helper()
	known, err := a.BeginImport(t.Context(), name, "/dumps/"+name)
	if err != nil {
		t.Fatal(err)
	}
	defer a.EndImport()
	var records []plimsoll.FeedRecord
	for file, record := range f {
		hash := sha256.Sum256(fmt.Appendf(nil, "%+v", record))
		old, replaces := known[file]
		delete(known, file)
		if !replaces || old != hash {
			records = append(records, plimsoll.FeedRecord{File: file, Hash: hash, Replaces: replaces, Advisory: record})
		}
	}
	var gone []string
	for file := range known {
		gone = append(gone, file)
	}
	if err := a.SaveRecords(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	if err := a.WithdrawRecords(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	r, err := a.PublishImport(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// site is an inventory and an advisory database in one folder.
type site struct {
	dir        string
	inventory  *store.Store
	advisories *advisories.Store
	registry   plimsoll.Registry
}

func openSite(t tester, dir string) *site {
	t.Helper()
	s := &site{dir: dir}
	var err error
	if s.inventory, err = sqlite.Inventory(t.Context(), filepath.Join(dir, "plimsoll.db")); err != nil {
		t.Fatal(err)
	}
	if s.advisories, err = sqlite.Advisories(t.Context(), filepath.Join(dir, "advisories.db")); err != nil {
		t.Fatal(err)
	}
	s.registry = plimsoll.Registry{Tenant: tenant, Name: "hub", URL: "https://hub.example", Kind: plimsoll.RegistryOther}
	err = s.inventory.AddRegistry(t.Context(), &s.registry)
	if plimsoll.ErrorCode(err) == plimsoll.Conflict {
		s.registry, err = s.inventory.RegistryByName(t.Context(), "p", "hub")
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := openSite(t, t.TempDir())
	t.Cleanup(s.close)
	return s
}

func (s *site) close() {
	s.inventory.Close()
	s.advisories.Close()
}

// push stores an image with this tag, and returns its artifact.
func (s *site) push(t tester, tag string) plimsoll.Artifact {
	t.Helper()
	a := storetest.Artifact(tag)
	c := plimsoll.RepositoryChange{Repository: "team/app", Artifacts: []plimsoll.Artifact{a}, Tags: []plimsoll.TagSeen{{Tag: tag, Digest: a.Digest}}}
	if err := s.inventory.ApplySync(t.Context(), s.registry, c, nil); err != nil {
		t.Fatal(err)
	}
	return a
}

func (s *site) image(t tester, tag string) plimsoll.Image {
	t.Helper()
	img, err := s.inventory.FindImage(t.Context(), plimsoll.ImageLookup{ProjectID: "p", Ref: plimsoll.ImageRef{Tag: tag}})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// scan stores an image with these sets, judged by the current advisories as a scan does.
func (s *site) scan(t tester, tag string, sets ...plimsoll.PackageSet) {
	t.Helper()
	a := s.push(t, tag)
	r := plimsoll.ScanRecord{Tenant: tenant, Digest: a.Digest, Matcher: match.Version, Sets: []plimsoll.PlacedSet{}}
	for _, set := range sets {
		e, err := s.advisories.Evidence(t.Context(), match.Keys(set.Packages))
		if err != nil {
			t.Fatal(err)
		}
		r.Sets, r.Judgements = append(r.Sets, plimsoll.PlacedSet{PackageSet: set}), append(r.Judgements, match.Judge(set.Packages, e))
	}
	if _, err := s.inventory.SaveScan(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func (s *site) rematcher(over rematch.Store) *rematch.Rematcher {
	return &rematch.Rematcher{Store: over, Advisories: s.advisories, Logger: slog.New(slog.DiscardHandler)}
}

func (s *site) rematch(t tester) {
	t.Helper()
	if err := s.rematcher(s.inventory).Work(t.Context(), plimsoll.Work{}); err != nil {
		t.Fatal(err)
	}
}

// state returns the current findings by set and the counts of images, without ids of rematches.
func (s *site) state(t tester) []string {
	t.Helper()
	var out []string
	for _, query := range []string{
		`SELECT 'finding', ps.hash, p.ecosystem || ' ' || p.name || ' ' || p.version, v.hash FROM set_vulnerability s
			JOIN package_set ps ON ps.id = s.set_id JOIN package p ON p.id = s.package_id JOIN verdict v ON v.id = s.verdict_id
			WHERE s.to_revision IS NULL`,
		`SELECT 'image', tag, digest, COALESCE(vulnerabilities, -1) FROM image`,
		`SELECT 'not judged', ps.hash, p.name, n.reason FROM set_not_judged n JOIN package_set ps ON ps.id = n.set_id JOIN package p ON p.id = n.package_id`,
		`SELECT 'left to do', '', '', COUNT(*) FROM (SELECT set_id FROM set_behind UNION ALL SELECT set_id FROM set_recount UNION ALL SELECT artifact_id FROM artifact_recount)`,
	} {
		rows, err := s.inventory.DB().Reader.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var cells [4]string
			if err := rows.Scan(&cells[0], &cells[1], &cells[2], &cells[3]); err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprint(cells))
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(out)
	return out
}

// wantConsistent checks that the count of each image is the length of its list, also while others write.
func (s *site) wantConsistent(ctx context.Context, when string) error {
	page, err := s.inventory.Images(ctx, plimsoll.ImageFilter{ProjectID: "p"})
	if err != nil {
		return err
	}
	for _, img := range page.Items {
		list, err := s.inventory.ImageVulnerabilities(ctx, img, plimsoll.VulnerabilityFilter{})
		if err != nil {
			return err
		}
		after, err := s.inventory.Image(ctx, "p", nil, img.ID)
		if err != nil {
			return err
		}
		if img.Counts == nil || after.Counts == nil || *img.Counts != *after.Counts {
			continue // the new judgement became visible in between
		}
		ids := map[string]bool{}
		for _, v := range list.Items {
			ids[v.ID] = true
		}
		if len(ids) != img.Counts.Vulnerabilities {
			return fmt.Errorf("%s: image %s counts %d and lists %d", when, img.Tag, img.Counts.Vulnerabilities, len(ids))
		}
	}
	return nil
}

func debian(name, source string) plimsoll.Package {
	return plimsoll.Package{Ecosystem: "Debian:12", Name: name, Version: "1.0-1", Source: source}
}
