package match

import (
	"os"
	"strings"
	"testing"

	"plimsoll"
)

// TestEveryEcosystem: the OSV schema's ecosystems all have a row, and the page says so.
func TestEveryEcosystem(t *testing.T) {
	osv := []string{
		"AlmaLinux", "Alpaquita", "Alpine", "Android", "Azure Linux", "BellSoft Hardened Containers", "Bioconductor", "Bitnami", "Chainguard",
		"CleanStart", "ConanCenter", "CRAN", "crates.io", "Debian", "Docker Hardened Images", "Echo", "FreeBSD", "GHC", "GitHub Actions", "Go",
		"Hackage", "Hex", "Julia", "Kubernetes", "Linux", "Mageia", "Maven", "MinimOS", "npm", "NuGet", "opam", "openEuler", "openSUSE", "OSS-Fuzz",
		"Packagist", "Photon OS", "Pub", "PyPI", "Red Hat", "Rocky Linux", "Root", "RubyGems", "SUSE", "SwiftURL", "TuxCare", "Ubuntu", "VSCode", "Wolfi",
	}
	for _, name := range osv {
		if _, ok := schemeByEcosystem[name]; !ok {
			t.Errorf("%s has no row", name)
		}
	}
	page, err := os.ReadFile("../docs/decisions/0006-version-order.md")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for line := range strings.SplitSeq(string(page), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if !strings.HasPrefix(line, "|") || len(cells) < 2 {
			continue
		}
		for name := range strings.SplitSeq(cells[0], ",") {
			said[strings.TrimSpace(name)] = strings.TrimSpace(cells[len(cells)-1])
		}
	}
	for name, s := range schemeByEcosystem {
		switch words, ok := said[name]; {
		case !ok:
			t.Errorf("%s is not on the page", name)
		case (s.version == nil) != (s.notJudgedReason != ""):
			t.Errorf("%s is both judged and not", name)
		case s.notJudgedReason != "" && words != s.notJudgedReason:
			t.Errorf("%s: the page says %q, the table %q", name, words, s.notJudgedReason)
		}
	}
}

// TestComposed compares a package with a composed record of every ecosystem that is
// judged: one version before the fix, the fix, one after it.
func TestComposed(t *testing.T) {
	type versions struct{ before, fix, after string }
	semver := versions{"1.9.9", "1.10.0", "1.10.1"}
	rpm := versions{"0:1.9-9.x", "1.10-1.x", "1:0.1-1.x"}
	apk := versions{"1.9_rc1-r0", "1.10-r0", "1.10-r1"}
	deb := versions{"1.10-1~bpo1", "1.10-1", "1:0.1"}
	for base, c := range map[string]struct {
		pack, record string // after the base
		versions
	}{
		"Debian": {":12", ":12", deb}, "Ubuntu": {":22.04", ":22.04:LTS", deb}, "openKylin": {":2.0", ":2.0", deb},
		"Alpine": {":v3.20", ":v3.20", apk}, "Alpaquita": {":stream", ":stream", apk}, "BellSoft Hardened Containers": {":25", ":25", apk},
		"Chainguard": {"", "", apk}, "MinimOS": {"", "", apk}, "Wolfi": {"", "", apk},
		"AlmaLinux": {":9.2", ":9", rpm}, "Red Hat": {":9.2", ":enterprise_linux:9::appstream", rpm}, "Rocky Linux": {":9", ":9", rpm},
		"Oracle Linux": {":9", ":9", rpm}, "Amazon Linux": {":2023", ":2023", rpm}, "Azure Linux": {":3.0", ":3", rpm},
		"Huawei Cloud EulerOS": {":2.0", ":2.0", rpm}, "Mageia": {":9", ":9", rpm}, "openEuler": {":24.03-LTS", ":24.03-LTS", rpm},
		"openSUSE": {":Leap 15.5", ":Leap 15.5", rpm}, "Photon OS": {":5.0", ":5.0", rpm}, "SUSE": {":15.5", ":Linux Enterprise Module for Basesystem 15 SP5", rpm},
		"Bioconductor": {":3.17", ":3.17", semver}, "ConanCenter": {"", "", semver}, "crates.io": {"", "", versions{"2.0.0-rc.1", "2.0.0", "2.0.1-rc.1"}},
		"Bitnami": {"", "", versions{"17.1.9-12", "17.2.0", "17.2.0-0"}}, "GHC": {"", "", semver}, "Hex": {"", "", semver}, "Julia": {"", "", semver},
		"Go": {"", "", versions{"0.0.0-20220101000000-abcdefabcdef", "0.0.0-20220202000000-abcdefabcdef", "1.0.0+incompatible"}}, "Kubernetes": {"", "", semver},
		"Maven": {"", ":https://maven.google.com", versions{"1.0-SNAPSHOT", "1.0", "1.0.1.Final"}}, "npm": {"", "", versions{"4.17.20", "4.17.21", "5.0.0-alpha.1"}},
		"NuGet": {"", "", versions{"1.0.0.9", "1.0.0.10", "1.0.1-Beta"}}, "Packagist": {"", "", versions{"v2.0.0-RC1", "2.0.0", "v2.0.0.1"}},
		"Pub": {"", "", versions{"1.0.0", "1.0.0+1", "1.0.1"}}, "PyPI": {"", "", versions{"1.0.dev1", "1.0rc1", "1!0.1"}}, "RubyGems": {"", "", versions{"1.0.0.pre1", "1.0.0", "1.0.0.1"}},
		"CRAN": {"", "", versions{"1.9-1", "1.10", "1.10-1"}}, "Hackage": {"", "", versions{"1.9.1", "1.10", "1.10.0"}}, "SwiftURL": {"", "", semver}, "VSCode": {"", "", semver},
	} {
		if s, ok := schemeByEcosystem[base]; !ok || s.version == nil {
			t.Errorf("%s is not judged", base)
		}
		e := plimsoll.Evidence{
			Releases: map[string]bool{base + c.record: true},
			Advisories: []plimsoll.Advisory{{ID: "CVE-2026-0001", Affected: []plimsoll.Affected{{Ecosystem: base + c.record, Name: "the/package",
				Ranges: []plimsoll.Range{events("i", "0", "f", c.fix)}}}}},
		}
		for installed, want := range map[string]bool{c.before: true, c.fix: false, c.after: false} {
			j := Judge([]plimsoll.Package{{Ecosystem: base + c.pack, Name: "the/package", Version: installed}}, e)
			if got := len(j.Vulnerabilities) == 1; got != want || len(j.NotJudged) > 0 {
				t.Errorf("%s %s, fixed in %s: affected is %v, %+v", base, installed, c.fix, got, j.NotJudged)
			}
		}
	}
	for base, s := range schemeByEcosystem {
		if s.version != nil {
			continue
		}
		j := Judge([]plimsoll.Package{{Ecosystem: base, Name: "x", Version: "1"}}, plimsoll.Evidence{Releases: map[string]bool{base: true}})
		if len(j.NotJudged) != 1 || j.NotJudged[0].Reason != plimsoll.NotJudgedOrder {
			t.Errorf("%s: %+v", base, j)
		}
	}
}

// TestNames: which names of a package find a record.
func TestNames(t *testing.T) {
	p := func(ecosystem, name, source string) plimsoll.Package {
		return plimsoll.Package{Ecosystem: ecosystem, Name: name, Version: "1", Source: source}
	}
	for _, c := range []struct {
		pack   plimsoll.Package
		record string
		want   bool
	}{
		{p("Debian:12", "libssl3", "openssl"), "openssl", true}, {p("Debian:12", "libssl3", "openssl"), "libssl3", false},
		{p("Alpaquita:23", "libssl3", "openssl"), "openssl", true}, {p("Wolfi", "libssl3", "openssl"), "libssl3", false},
		{p("AlmaLinux:9", "openssl-libs", "openssl"), "openssl-libs", true}, {p("AlmaLinux:9", "openssl-libs", "openssl"), "openssl", false},
		{p("openEuler:24.03-LTS", "openssl-libs", "openssl"), "openssl", true}, {p("openEuler:24.03-LTS", "openssl-libs", "openssl"), "openssl-libs", true},
		{p("SUSE:15.5", "libopenssl3", "openssl-3"), "openssl-3", true}, {p("SUSE:15.5", "openssl-3", ""), "openssl-3", true},
		{p("PyPI", "ruamel.yaml", ""), "Ruamel_Yaml", true}, {p("PyPI", "a--b", ""), "a.-_b", true}, {p("PyPI", "ab", ""), "a-b", false},
		{p("NuGet", "Newtonsoft.Json", ""), "newtonsoft.json", true}, {p("Packagist", "Symfony/Yaml", ""), "symfony/yaml", true},
		{p("npm", "@Scope/x", ""), "@scope/x", false}, {p("crates.io", "a-b", ""), "a_b", false},
		{p("Go", "github.com/A/b", ""), "github.com/a/b", false}, {p("Go", "stdlib", ""), "stdlib", true}, {p("Go", "toolchain", ""), "toolchain", true},
		{p("Maven", "org.a:b", ""), "org.a:b", true}, {p("Bitnami", "postgresql", ""), "postgresql", true},
	} {
		a := plimsoll.Advisory{ID: "CVE-2026-0001", Affected: []plimsoll.Affected{{Ecosystem: plimsoll.BaseEcosystem(c.pack.Ecosystem), Name: c.record,
			Ranges: []plimsoll.Range{events("i", "0")}}}}
		j := Judge([]plimsoll.Package{c.pack}, plimsoll.Evidence{Advisories: []plimsoll.Advisory{a}})
		if got := len(j.Vulnerabilities) == 1; got != c.want {
			t.Errorf("%s %s (%s) and a record of %s: %v", c.pack.Ecosystem, c.pack.Name, c.pack.Source, c.record, got)
		}
		key := plimsoll.NewAdvisoryKey(c.pack.Ecosystem, c.record)
		found := false
		for _, k := range Keys([]plimsoll.Package{c.pack}) {
			found = found || k == key
		}
		if found != c.want {
			t.Errorf("keys of %s %s do not agree with its judgement", c.pack.Ecosystem, c.pack.Name)
		}
	}
}

// TestListedVersions: without ranges a listed version counts in any spelling.
func TestListedVersions(t *testing.T) {
	s, _ := schemeOf("PyPI")
	h := &rangeEvaluator{scheme: s, parsed: map[string]parsedBound{}}
	for installed, want := range map[string]bool{"1.0": true, "1.0.0": true, "1.0rc1": true, "1.0.1": false} {
		if v := h.evaluate(installed, plimsoll.Affected{Versions: []string{"1.0", "1.0-RC.1", "2 x"}}); v.affected != want {
			t.Errorf("%s: %+v", installed, v)
		}
	}
	listed := plimsoll.Affected{Versions: []string{"1.0"}, Ranges: []plimsoll.Range{events("i", "0", "f", "0.5")}}
	if v := h.evaluate("1.0.0", listed); v.affected {
		t.Errorf("ranges decide where there are any: %+v", v)
	}
}

// FuzzOrder orders hostile versions in every ecosystem: there is no panic, and the order is consistent.
func FuzzOrder(f *testing.F) {
	for _, pair := range [][2]string{
		{"1.0", "1.0.0"}, {"1:2.0-1", "2.0~rc1-1"}, {"1.0-SNAPSHOT", "1.0.Final"}, {"1!2.0.post1.dev3+local.1", "2013-01-21T20:33:09+0100"},
		{"v1.2.3-beta.1+build", "1.2.3.4"}, {"1.2_p1-r2", "1.2a"}, {"1.1.α", "+"}, {"1--1", "1-+."}, {"0-0-", "1.#.p3"},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for base, s := range schemeByEcosystem {
			if s.version == nil {
				continue
			}
			x, err := s.version(a)
			y, also := s.version(b)
			if err != nil || also != nil {
				continue
			}
			d, err := x.compare(y)
			back, also := y.compare(x)
			if (err == nil) != (also == nil) || err == nil && d != -back {
				t.Errorf("%s: %q to %q is %d, %v, back %d, %v", base, a, b, d, err, back, also)
			}
		}
	})
}
