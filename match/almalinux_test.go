package match_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/match"
	"plimsoll/store/advisories"
)

// judgeRoot judges the rpm database of a root.
func judgeRoot(t *testing.T, db *advisories.Store, root, ecosystem string) plimsoll.Judgement {
	t.Helper()
	packages := rpm(t, shared(t, "roots", root), ecosystem)
	if len(packages) == 0 {
		t.Fatal("no packages were read")
	}
	e, err := db.Evidence(t.Context(), match.Keys(packages))
	if err != nil {
		t.Fatal(err)
	}
	return match.Judge(packages, e)
}

// claim is a vulnerability of a package, with the values that differ in the corpus.
type claim struct {
	fixed      string
	advisories []string
}

// TestAlmaLinuxRoots: a CVE that two errata fix, one after the other, is one
// vulnerability; both are its evidence, and the later version leaves both.
func TestAlmaLinuxRoots(t *testing.T) {
	db := importAdvisories(t, "AlmaLinux.zip")
	for root, ecosystem := range map[string]string{
		"almalinux-8.8-s390x": "AlmaLinux:8", "almalinux-9.0-arm64": "AlmaLinux:9", "almalinux-9.2-arm64": "AlmaLinux:9.2",
	} {
		t.Run(root, func(t *testing.T) {
			want := map[string]claim{}
			for _, line := range lines(t, shared(t, "expected", root+".tsv"))[1:] {
				f := strings.Split(line, "\t") // advisory, package, installed, fixed, cves
				for cve := range strings.SplitSeq(f[4], ",") {
					key := strings.Join([]string{cve, f[1], f[2]}, " ")
					c := want[key]
					c.fixed = max(c.fixed, f[3]) // the versions of these few order like text
					c.advisories = append(c.advisories, f[0])
					slices.Sort(c.advisories)
					want[key] = c
				}
			}
			j := judgeRoot(t, db, root, ecosystem)
			got := map[string]claim{}
			for _, v := range j.Vulnerabilities {
				got[strings.Join([]string{v.ID, v.Package.Name, v.Package.Version}, " ")] = claim{v.FixedVersion, v.Advisories}
				if v.Severity == plimsoll.SeverityUnknown {
					t.Errorf("%s of %s has no severity", v.ID, v.Package.Name)
				}
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(claim{})); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if len(j.NotJudged) > 0 {
				t.Errorf("not judged: %v", j.NotJudged)
			}
		})
	}
	t.Run("modules", func(t *testing.T) { checkModulesOfCorpus(t, db) })
}

// TestEpochs: no epoch is epoch 0, in packages and in advisories.
func TestEpochs(t *testing.T) {
	for _, c := range []struct {
		installed, fixed string
		affected         bool
	}{
		{"0:2.34-60.el9", "2.34-60.el9_2.7", true}, {"2.34-60.el9", "0:2.34-60.el9_2.7", true},
		{"0:2.34-60.el9_2.7", "2.34-60.el9_2.7", false}, {"2.34-60.el9_2.7", "0:2.34-60.el9_2.7", false},
		{"1:1.0-1.el9", "2.0-1.el9", false}, {"9.0-1.el9", "1:1.0-1.el9", true}, {"1:3.0.1-41.el9", "1:3.0.7-27.el9", true},
	} {
		p := plimsoll.Package{Ecosystem: "AlmaLinux:9", Name: "x", Version: c.installed}
		j := judge(p, map[string]bool{"AlmaLinux:9": true}, plimsoll.Advisory{ID: "ALSA-2026:1", Related: []string{"CVE-2026-0001"}, Affected: []plimsoll.Affected{affects("AlmaLinux:9", "x", c.fixed)}})
		if (len(j.Vulnerabilities) == 1) != c.affected || len(j.NotJudged) > 0 {
			t.Errorf("%s, fixed in %s: %+v", c.installed, c.fixed, j)
		}
	}
}

// TestModules: a package of a module stream and one outside share a name and nothing else.
func TestModules(t *testing.T) {
	for _, c := range []struct {
		ecosystem, installed, fixed string
		affected                    bool
	}{
		{"AlmaLinux:8", "4:5.26.3-419.el8", "4:5.30.1-452.module_el8.6.0+2766+8bf0b7ce", false},
		{"AlmaLinux:8", "4:5.24.4-403.module_el8.3.0+2027+c8990d1d", "4:5.26.3-419.el8_4.1", false},
		{"AlmaLinux:8", "4:5.30.1-451.module_el8.6.0+2743+2e2e2e2e", "4:5.30.1-452.module_el8.6.0+2766+8bf0b7ce", true},
		{"AlmaLinux:8", "4:5.26.3-419.el8", "4:5.26.3-419.el8_4.1", true},
		{"Rocky Linux:8", "10.3-1.el8", "12.9-1.module+el8.4.0+587+cb07d09e", false},
		{"Rocky Linux:8", "10.3-1.module+el8.4.0+1+cb07d09e", "12.9-1.module+el8.4.0+587+cb07d09e", true},
	} {
		a := plimsoll.Advisory{ID: "CVE-2026-0001", Affected: []plimsoll.Affected{affects(c.ecosystem, "perl-libs", c.fixed)}}
		p := plimsoll.Package{Ecosystem: c.ecosystem, Name: "perl-libs", Version: c.installed}
		if j := judge(p, map[string]bool{c.ecosystem: true}, a); (len(j.Vulnerabilities) == 1) != c.affected || len(j.NotJudged) > 0 {
			t.Errorf("%s, fixed in %s: %+v", c.installed, c.fixed, j)
		}
	}
	unfixed := plimsoll.Advisory{ID: "CVE-2026-0001", Affected: []plimsoll.Affected{{Ecosystem: "AlmaLinux:8", Name: "perl-libs",
		Ranges: []plimsoll.Range{{Type: "ECOSYSTEM", Events: []plimsoll.Event{{Introduced: "0"}}}}}}}
	p := plimsoll.Package{Ecosystem: "AlmaLinux:8", Name: "perl-libs", Version: "4:5.24.4-403.module_el8.3.0+2027+c8990d1d"}
	if j := judge(p, map[string]bool{"AlmaLinux:8": true}, unfixed); len(j.Vulnerabilities) != 1 {
		t.Error("a range without a version does not apply to a package of a stream")
	}
}

// checkModulesOfCorpus: in the real feed an erratum is about packages of streams or about
// others, never about both; 162 names of one release have errata of both kinds.
func checkModulesOfCorpus(t *testing.T, db *advisories.Store) {
	key := plimsoll.NewAdvisoryKey("AlmaLinux:8", "perl-libs")
	e, err := db.Evidence(t.Context(), []plimsoll.AdvisoryKey{key})
	if err != nil {
		t.Fatal(err)
	}
	for version, stream := range map[string]bool{"4:5.1.0-1.el8": false, "4:5.1.0-1.module_el8.1.0+1+a": true} {
		j := match.Judge([]plimsoll.Package{{Ecosystem: "AlmaLinux:8", Name: "perl-libs", Version: version}}, e)
		if len(j.Vulnerabilities) == 0 {
			t.Errorf("%s: nothing was found", version)
		}
		for _, v := range j.Vulnerabilities {
			if strings.Contains(v.FixedVersion, ".module_el") != stream {
				t.Errorf("%s: %s is fixed in %s", version, v.ID, v.FixedVersion)
			}
		}
	}
}
