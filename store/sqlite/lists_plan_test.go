package sqlite_test

import (
	"regexp"
	"strings"
	"testing"

	"plimsoll"
	"plimsoll/store"
)

// walks matches steps of a query plan that read the result of another step, and no table.
var walks = regexp.MustCompile(`^SCAN (page|placed|counted|found|t|\(subquery-[0-9]+\)|CONSTANT ROW|[0-9]+ CONSTANT ROWS|[0-9]+-ROW VALUES CLAUSE)$`)

// listCase is a list whose statements are looked at.
type listCase struct {
	name  string
	index string // that has the order of the page; "" = another test checks it
	sorts bool   // few matches, sorted in memory
	run   func() error
}

// TestListsUseIndexes: no list over images and no list of an image's vulnerabilities reads a whole table, and each page
// comes out of an index in its order.
func TestListsUseIndexes(t *testing.T) {
	s := openInventory(t)
	img := storeImage(t, s, "a")
	ctx := t.Context()
	scan := largeScan("a", 20, 10, 1)
	weak := plimsoll.Rule{ID: "w", Kind: plimsoll.KindWeakPassword}.Setting(plimsoll.SettingFailed)
	weak.Passwords = []plimsoll.WeakPassword{{User: "root"}}
	scan.Settings = append(scan.Settings, weak, plimsoll.Rule{ID: "p", Kind: plimsoll.KindComplexity}.Setting(plimsoll.SettingFailed))
	scan.Secrets = []plimsoll.Secret{{Path: "x", Rule: "token"}}
	if _, err := s.SaveScan(ctx, scan); err != nil {
		t.Fatal(err)
	}
	all := plimsoll.ImageFilter{ProjectID: "p", EnterpriseProjects: []string{"0"}, Origins: []plimsoll.Origin{plimsoll.OriginPrivate, plimsoll.OriginShared}}
	some := all
	some.Namespace = "team"
	failed := func(f plimsoll.ImageFilter, s plimsoll.SettingFilter) plimsoll.ImageFilter {
		s.Result = plimsoll.SettingFailed
		f.Setting = &s
		return f
	}
	decision := plimsoll.Decision{Tenant: costTenant, Kind: plimsoll.FindingVulnerability, Finding: "CVE-2026-00001", Status: plimsoll.StatusIgnored, Author: "x"}
	vulnerabilities := func(f plimsoll.VulnerabilityFilter) func() error {
		return func() error { _, err := s.ImageVulnerabilities(ctx, img, f); return err }
	}
	no := false
	for _, c := range []listCase{
		{"malware", "image_infected", false, func() error { _, err := s.MalwareFiles(ctx, all, ""); return err }},
		{"malware by name", "image_infected", false, func() error { _, err := s.MalwareFiles(ctx, all, "x"); return err }},
		{"malware of a namespace", "", false, func() error { _, err := s.MalwareFiles(ctx, some, ""); return err }},
		{"weak passwords", "image_weak", false, func() error { _, err := s.WeakAccounts(ctx, all, ""); return err }},
		{"weak passwords by account", "image_weak", false, func() error { _, err := s.WeakAccounts(ctx, all, "root"); return err }},
		{"password policies", "image_weak_policy", false, func() error {
			_, err := s.SettingImages(ctx, failed(all, plimsoll.SettingFilter{Kind: plimsoll.KindComplexity}))
			return err
		}},
		{"images with a failed rule", "image_by_profile", true, func() error {
			_, err := s.SettingImages(ctx, failed(all, plimsoll.SettingFilter{Rule: "r"}))
			return err
		}},
		{"rules", "image_profile_scans", true, func() error { _, err := s.RuleTallies(ctx, all); return err }},
		{"rules of a namespace", "", false, func() error { _, err := s.RuleTallies(ctx, some); return err }},
		{"secrets", "secret_list", false, func() error {
			_, err := s.Secrets(ctx, plimsoll.SecretFilter{ProjectID: "p", EnterpriseProjects: []string{"0"}})
			return err
		}},
		{"vulnerabilities", "set_vulnerability_list", false, vulnerabilities(plimsoll.VulnerabilityFilter{})},
		{"vulnerabilities with a decision", "set_vulnerability_list", false, func() error {
			if _, err := s.Decide(ctx, []plimsoll.Decision{decision}); err != nil {
				return err
			}
			return vulnerabilities(plimsoll.VulnerabilityFilter{Handled: &no})()
		}},
		{"vulnerabilities by package", "set_vulnerability_list", false, vulnerabilities(plimsoll.VulnerabilityFilter{Package: "package-0001"})},
		{"vulnerabilities by id", "", false, vulnerabilities(plimsoll.VulnerabilityFilter{AnyID: "CVE-2026-00001"})},
		{"base images", "artifact_layer_top", true, func() error { _, err := s.BaseImages(ctx, img, nil); return err }},
	} {
		checkListPlans(t, s, c)
	}
}

// checkListPlans runs a list, and checks the plan of every statement that reads.
func checkListPlans(t *testing.T, s *store.Store, c listCase) {
	t.Helper()
	r := &recorder{Dialect: s.DB().Dialect, statements: map[string]bool{}}
	s.DB().Dialect = r
	err := c.run()
	s.DB().Dialect = r.Dialect
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	ordered := c.index == ""
	for query := range r.statements {
		if !strings.HasPrefix(query, "SELECT") && !strings.HasPrefix(query, "WITH") || strings.Contains(query, "UPDATE") {
			continue
		}
		plan := planOf(t, s.DB().Reader, query)
		for _, step := range plan {
			if strings.HasPrefix(step, "SCAN ") && !walks.MatchString(step) {
				t.Errorf("%s: %s in\n%s", c.name, step, query)
			}
		}
		// What comes after is about the rows of the page only.
		text, _, _ := strings.Cut(strings.Join(plan, "\n"), "\nSCAN page")
		ordered = ordered || strings.Contains(text, c.index) && (c.sorts || !strings.Contains(text, "TEMP B-TREE FOR ORDER BY"))
	}
	if !ordered {
		t.Errorf("%s: no statement reads %s in its order", c.name, c.index)
		for query := range r.statements {
			t.Logf("%s\n%s", query, strings.Join(planOf(t, s.DB().Reader, query), "\n"))
		}
	}
}
