package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/store"
)

// listCases are lists over all images as clients ask for them; each returns how many rows match.
func listCases(b *testing.B, s *store.Store) []listCase {
	all := plimsoll.ImageFilter{
		ProjectID: "p1", EnterpriseProjects: []string{"0"}, Limit: 50,
		Origins: []plimsoll.Origin{plimsoll.OriginPrivate, plimsoll.OriginShared, plimsoll.OriginInstance},
	}
	failed := func(f plimsoll.SettingFilter) plimsoll.ImageFilter {
		out := all
		f.Result = plimsoll.SettingFailed
		out.Setting = &f
		return out
	}
	deep := func(total int) plimsoll.ImageFilter {
		out := all
		out.Offset = total / 2
		return out
	}
	profile := plimsoll.SecretProfile{Patterns: []string{"/usr/*"}}
	malware := func(f plimsoll.ImageFilter, name string) (int, error) {
		p, err := s.MalwareFiles(b.Context(), f, name)
		return p.Total, err
	}
	accounts := func(f plimsoll.ImageFilter, account string) (int, error) {
		p, err := s.WeakAccounts(b.Context(), f, account)
		return p.Total, err
	}
	settings := func(f plimsoll.ImageFilter) (int, error) {
		p, err := s.SettingImages(b.Context(), f)
		return p.Total, err
	}
	secrets := func(offset int) (int, error) {
		p, err := s.Secrets(b.Context(), plimsoll.SecretFilter{ProjectID: "p1", EnterpriseProjects: []string{"0"}, Profile: profile, Offset: offset, Limit: 50})
		return p.Total, err
	}
	return []listCase{
		{"malware", func(int) (int, error) { return malware(all, "") }},
		{"malware in the middle", func(n int) (int, error) { return malware(deep(n), "") }},
		{"malware by name", func(int) (int, error) { return malware(all, "bad2") }},
		{"weak passwords", func(int) (int, error) { return accounts(all, "") }},
		{"weak passwords in the middle", func(n int) (int, error) { return accounts(deep(n), "") }},
		{"weak passwords by account", func(int) (int, error) { return accounts(all, "root") }},
		{"password policies", func(int) (int, error) { return settings(failed(plimsoll.SettingFilter{Kind: plimsoll.KindComplexity})) }},
		{"images with a failed rule", func(int) (int, error) { return settings(failed(plimsoll.SettingFilter{Rule: "rule.07"})) }},
		{"rules", func(int) (int, error) { t, err := s.RuleTallies(b.Context(), all); return len(t), err }},
		{"secrets", func(int) (int, error) { return secrets(0) }},
		{"secrets in the middle", func(n int) (int, error) { return secrets(n / 2) }},
		{"images", func(int) (int, error) { p, err := s.Images(b.Context(), all); return p.Total, err }},
	}
}

type listCase struct {
	name string
	run  func(total int) (int, error)
}

// BenchmarkLists times pages of lists over 1,000 images and over 100,000, or PLIMSOLL_BENCH_IMAGES, and prints
// how the times compare: a list that costs what its page costs has a ratio near 1.
func BenchmarkLists(b *testing.B) {
	many := 100_000
	if n, err := strconv.Atoi(os.Getenv("PLIMSOLL_BENCH_IMAGES")); err == nil {
		many = n
	}
	var cases [2][]listCase
	for i, n := range [...]int{1000, many} {
		path := filepath.Join(b.TempDir(), fmt.Sprint(n, ".db"))
		fillBefore(b, path, n)
		began := time.Now()
		s, err := Inventory(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		b.Logf("%d images brought up to date in %v", n, time.Since(began).Round(time.Millisecond))
		defer s.Close() //nolint:errcheck // the benchmark is over
		cases[i] = listCases(b, s)
	}
	for i, few := range cases[0] {
		b.Run(few.name, func(b *testing.B) { compareLists(b, few, cases[1][i]) })
	}
}

// BenchmarkVulnerabilityList times pages of an image with 200 vulnerabilities and of one with 20,000.
func BenchmarkVulnerabilityList(b *testing.B) {
	decide := func(s *store.Store) {
		var made []plimsoll.Decision
		for i := range 10 {
			made = append(made, plimsoll.Decision{Tenant: plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "0"}, Kind: plimsoll.FindingVulnerability,
				Finding: fmt.Sprintf("CVE-2026-%05d", i*7919), Status: plimsoll.StatusIgnored, Author: "x"})
		}
		if _, err := s.Decide(b.Context(), made); err != nil {
			b.Fatal(err)
		}
	}
	var cases [2][]listCase
	for i, n := range [...]int{200, 20_000} {
		s, err := Inventory(b.Context(), filepath.Join(b.TempDir(), fmt.Sprint(n, ".db")))
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close() //nolint:errcheck // the benchmark is over
		img := fillVulnerable(b, s, n)
		decide(s)
		list := func(f plimsoll.VulnerabilityFilter) (int, error) {
			f.Limit = 50
			p, err := s.ImageVulnerabilities(b.Context(), img, f)
			return p.Total, err
		}
		yes, no := true, false
		cases[i] = []listCase{
			{"first page", func(int) (int, error) { return list(plimsoll.VulnerabilityFilter{}) }},
			{"middle", func(total int) (int, error) { return list(plimsoll.VulnerabilityFilter{Offset: total / 2}) }},
			{"unhandled", func(int) (int, error) { return list(plimsoll.VulnerabilityFilter{Handled: &no}) }},
			{"handled", func(int) (int, error) { return list(plimsoll.VulnerabilityFilter{Handled: &yes}) }},
			{"critical", func(int) (int, error) {
				return list(plimsoll.VulnerabilityFilter{Severities: []plimsoll.Severity{plimsoll.SeverityCritical}})
			}},
			{"package", func(int) (int, error) { return list(plimsoll.VulnerabilityFilter{Package: "package-00007"}) }},
			{"any id", func(int) (int, error) { return list(plimsoll.VulnerabilityFilter{AnyID: "CVE-2026-00000"}) }},
		}
	}
	for i, few := range cases[0] {
		b.Run(few.name, func(b *testing.B) { compareLists(b, few, cases[1][i]) })
	}
}

// compareLists runs both in turn, so that a busy machine slows both.
func compareLists(b *testing.B, few, many listCase) {
	var took [2][]time.Duration
	var rows [2]int
	for b.Loop() {
		for i, c := range [...]listCase{few, many} {
			began := time.Now()
			n, err := c.run(rows[i])
			if err != nil {
				b.Fatal(err)
			}
			rows[i] = max(rows[i], n)
			took[i] = append(took[i], time.Since(began))
		}
	}
	median := func(list []time.Duration) float64 {
		slices.Sort(list)
		return float64(list[len(list)/2].Microseconds())
	}
	b.ReportMetric(median(took[0]), "few-µs")
	b.ReportMetric(median(took[1]), "many-µs")
	b.ReportMetric(median(took[1])/max(1, median(took[0])), "ratio")
	b.ReportMetric(float64(rows[1]), "rows")
	b.ReportMetric(0, "ns/op")
}
