package sqlite

import (
	"fmt"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/store"
)

// fillVulnerable stores an image with n vulnerabilities, ten a package.
func fillVulnerable(t testing.TB, s *store.Store, n int) plimsoll.Image {
	t.Helper()
	tenant := plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "0"}
	d := plimsoll.DigestOf([]byte("vulnerable"))
	for _, query := range []string{
		`INSERT INTO registry (id, project_id, enterprise_project_id, name, url, kind, origin, created_at) VALUES (1, 'p1', '0', 'r', '', 'other', 'private', 0)`,
		`INSERT INTO artifact (id, project_id, enterprise_project_id, digest, kind, media_type, size) VALUES (1, 'p1', '0', '` + string(d) + `', 'image', '', 1)`,
		`INSERT INTO image (id, project_id, enterprise_project_id, registry_id, artifact_id, origin, repository, namespace, name, tag, digest, size, updated_at, first_seen_at)
			VALUES (1, 'p1', '0', 1, 1, 'private', 'a/b', 'a', 'b', 'v1', '` + string(d) + `', 1, 0, 0)`,
	} {
		if _, err := s.DB().Writer.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	const each = 10
	var list []plimsoll.Package
	for i := range n / each {
		name := fmt.Sprintf("package-%05d", i)
		list = append(list, plimsoll.Package{Ecosystem: "Debian:12", Name: name, Version: "1.2.3", Source: name, SourceVersion: "1.2.3", Arch: "amd64", PURL: "pkg:deb/debian/" + name + "@1.2.3?arch=amd64"})
	}
	set := plimsoll.PlacedSet{PackageSet: plimsoll.NewPackageSet(plimsoll.SetOS, list)}
	j := plimsoll.Judgement{Revision: 1}
	for i, p := range set.Packages {
		set.Places = append(set.Places, plimsoll.Place{Package: i, Path: "var/lib/dpkg/status"})
		for k := range each {
			id := fmt.Sprintf("CVE-2026-%05d", (i*each+k)*7919%100003)
			j.Vulnerabilities = append(j.Vulnerabilities, plimsoll.Vulnerability{
				ID: id, Advisories: []string{"DEBIAN-" + id}, Aliases: []string{id}, Package: p, FixedVersion: "1.2.4",
				Severity: plimsoll.Severities()[(i+k)%5], Urgency: plimsoll.UrgencySoon, Score: 7.5, Summary: "words", URL: "https://example.test/" + id,
			})
		}
	}
	_, err := s.SaveScan(t.Context(), plimsoll.ScanRecord{
		Tenant: tenant, Digest: d, Matcher: "m", ScannedAt: time.UnixMilli(9), Sets: []plimsoll.PlacedSet{set}, Judgements: []plimsoll.Judgement{j},
	})
	if err != nil {
		t.Fatal(err)
	}
	return plimsoll.Image{ID: 1, Tenant: tenant, Digest: d}
}
