package storetest

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// wantVulnerabilities compares the list of an image, in pages of several sizes and under several filters, with a
// list that is computed here from all findings of its sets. No rematch may be running.
func (f *findings) wantVulnerabilities(img plimsoll.Image) {
	f.Helper()
	all := f.everyVulnerability(img)
	yes, no := true, false
	for _, filter := range []plimsoll.VulnerabilityFilter{
		{}, {Limit: 3}, {OS: &yes}, {OS: &no, Limit: 2}, {Handled: &yes, Limit: 1}, {Handled: &no, Limit: 2}, {Package: "curl"}, {AnyID: "CVE-1", Limit: 1},
		{Severities: []plimsoll.Severity{"high", "low"}}, {IDContains: "e-2", Handled: &no}, {Urgency: plimsoll.UrgencyNow, OS: &no},
	} {
		var want, got []string
		for _, p := range all {
			if matchesFilter(p, filter) {
				want = append(want, vulnerabilityText(p))
			}
		}
		for _, p := range f.list(img, filter) {
			got = append(got, vulnerabilityText(p))
		}
		if !slices.Equal(want, got) {
			f.Fatalf("filter %+v: got\n%s\nwant\n%s", filter, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func matchesFilter(p plimsoll.Placed, f plimsoll.VulnerabilityFilter) bool {
	return (f.OS == nil || *f.OS == p.OS) && (f.Handled == nil || *f.Handled == p.Handled()) && (f.Package == "" || f.Package == p.Package.Name) &&
		(f.AnyID == "" || f.AnyID == p.ID) && (len(f.Severities) == 0 || slices.Contains(f.Severities, p.Severity)) &&
		strings.Contains(strings.ToLower(p.ID), f.IDContains) && (f.Urgency == "" || f.Urgency == p.UrgencyOrDefault())
}

func vulnerabilityText(p plimsoll.Placed) string {
	decision := int64(0)
	if p.Decision != nil {
		decision = p.Decision.ID
	}
	return fmt.Sprint(p.Severity, p.ID, p.Package, p.Path, p.Platform, p.OS, p.Layer, decision)
}

// everyVulnerability makes the whole list of an image.
func (f *findings) everyVulnerability(img plimsoll.Image) []plimsoll.Placed {
	f.Helper()
	active, err := f.s.Decisions(f.ctx, plimsoll.DecisionFilter{ProjectID: img.ProjectID})
	f.must(err)
	var out []plimsoll.Placed
	for _, m := range f.membersOf(img) {
		sets, err := f.s.ArtifactSets(f.ctx, img.Tenant, m.Digest)
		f.must(err)
		seen := map[string]bool{}
		for _, set := range sets {
			for _, v := range f.openFindings(set.PackageSet) {
				p := plimsoll.Placed{Vulnerability: v, Platform: m.Platform, OS: set.Kind == plimsoll.SetOS}
				var holding []*plimsoll.Decision
				for _, d := range active {
					if d.Finding == v.ID {
						holding = append(holding, &d)
					}
				}
				p.Decision = plimsoll.Deciding(holding, plimsoll.FindingPlace{
					EnterpriseProject: img.EnterpriseProject, RegistryID: img.RegistryID, Repository: img.Repository, Tag: img.Tag,
					Digests: []plimsoll.Digest{img.Digest, m.Digest}, Package: v.Package, Set: set.Kind,
				})
				for _, place := range placesOf(set, v.Package) {
					p.Path, p.Layer = place.Path, ""
					if place.Layer >= 0 {
						p.Layer = layerName(m.name, place.Layer)
					}
					if key := fmt.Sprint(p.ID, p.Path, p.Package, p.OS, p.Handled()); !seen[key] {
						seen[key] = true
						out = append(out, p)
					}
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b plimsoll.Placed) int {
		return cmp.Or(a.Severity.Rank()-b.Severity.Rank(), strings.Compare(a.ID, b.ID), strings.Compare(a.Package.Name, b.Package.Name),
			strings.Compare(a.Path, b.Path), a.Package.Compare(b.Package), strings.Compare(a.Platform.String(), b.Platform.String()))
	})
	return out
}

func placesOf(set plimsoll.PlacedSet, pkg plimsoll.Package) []plimsoll.Place {
	var out []plimsoll.Place
	for _, p := range set.Places {
		if set.Packages[p.Package] == pkg {
			out = append(out, p)
		}
	}
	if out == nil {
		out = []plimsoll.Place{{Layer: -1}}
	}
	return out
}

// openFindings returns what is still true about a set, with the package, id and severity of each.
func (f *findings) openFindings(set plimsoll.PackageSet) []plimsoll.Vulnerability {
	f.Helper()
	db := f.s.DB()
	rows, err := db.Reader.QueryContext(f.ctx, db.Dialect.Rebind(`SELECT sp.position, v.vulnerability, v.severity, v.urgency FROM package_set k
		JOIN set_vulnerability s ON s.set_id = k.id JOIN verdict v ON v.id = s.verdict_id JOIN set_package sp ON sp.set_id = k.id AND sp.package_id = s.package_id
		WHERE k.hash = ? AND s.to_revision IS NULL`), set.Hash())
	out, err := sqldb.Collect(rows, err, func(rows *sql.Rows) (v plimsoll.Vulnerability, err error) {
		var position int
		if err = rows.Scan(&position, &v.ID, &v.Severity, &v.Urgency); err == nil {
			v.Package = set.Packages[position]
		}
		return v, err
	})
	f.must(err)
	return out
}

// referenceMember is an artifact whose findings an image shows.
type referenceMember struct {
	name     string
	Digest   plimsoll.Digest
	Platform plimsoll.Platform
}

// membersOf returns the image itself, or the artifacts "a" and "b" of the index of the property test.
func (f *findings) membersOf(img plimsoll.Image) []referenceMember {
	f.Helper()
	var out []referenceMember
	for _, name := range []string{"a", "b", "c"} {
		switch {
		case img.Digest == named(name):
			return []referenceMember{{name: name, Digest: img.Digest}}
		case name != "c":
			out = append(out, referenceMember{name, named(name), plimsoll.Platform{OS: "linux", Architecture: name}})
		}
	}
	return out
}

// decideSome makes decisions about findings: about everything, about an image, and about a kind of package.
func (f *findings) decideSome(t *rapid.T, tenant plimsoll.Tenant) {
	f.Helper()
	for i, scope := range []plimsoll.DecisionScope{{}, {Digest: named("a")}, {Packages: plimsoll.SetOS}, {Package: "curl"}} {
		if !rapid.Bool().Draw(t, "decided") {
			continue
		}
		_, err := f.s.Decide(f.ctx, []plimsoll.Decision{{
			Tenant: tenant, Kind: plimsoll.FindingVulnerability, Finding: fmt.Sprint("CVE-", i%3), Scope: scope, Author: "ann",
			Status: rapid.SampledFrom([]plimsoll.DecisionStatus{plimsoll.StatusIgnored, plimsoll.StatusAffected}).Draw(t, "status"),
		}})
		f.must(err)
	}
}

// drawFileFindings adds malware, secrets and settings with passwords to a record.
func drawFileFindings(t *rapid.T, r *plimsoll.ScanRecord) {
	for _, path := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"bin/A%", "bin/b", "usr/c"}), rapid.ID[string]).Draw(t, "files") {
		for _, rule := range []string{"R1", "R2"}[:rapid.IntRange(1, 2).Draw(t, "matches")] {
			r.Malware = append(r.Malware, plimsoll.Malware{Path: path, Kind: plimsoll.MalwareMatch, Rule: rule, Size: 3, Shadowed: rapid.Bool().Draw(t, "shadowed")})
		}
		r.Secrets = append(r.Secrets, plimsoll.Secret{Path: path, Rule: "token", Line: 1, Severity: plimsoll.SeverityLow})
	}
	rule := func(id string, kind plimsoll.SettingKind) plimsoll.Setting {
		result := rapid.SampledFrom([]plimsoll.SettingResult{plimsoll.SettingPass, plimsoll.SettingNotLooked, plimsoll.SettingFailed}).Draw(t, id)
		return plimsoll.Rule{ID: id, Kind: kind, Advice: "Advice of " + id}.Setting(result)
	}
	weak, listed := rule("w1", plimsoll.KindWeakPassword), rule("w2", plimsoll.KindWeakPassword)
	for _, s := range []*plimsoll.Setting{&weak, &listed} {
		if s.Result == plimsoll.SettingFailed {
			for _, user := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"ann", "bob", "eve"}), 1, 3, rapid.ID[string]).Draw(t, "users") {
				s.Passwords = append(s.Passwords, plimsoll.WeakPassword{User: user, Masked: "***", Reason: s.Rule})
			}
		}
	}
	r.Settings = append(r.Settings, weak, listed, rule("p1", plimsoll.KindComplexity))
}

// number returns the one number of a query, 0 for NULL.
func (f *findings) number(query string, args ...any) int64 {
	f.Helper()
	db := f.s.DB()
	var n sql.NullInt64
	f.must(db.Reader.QueryRowContext(f.ctx, db.Dialect.Rebind(query), args...).Scan(&n))
	return n.Int64
}
