package match_test

import (
	"fmt"

	"plimsoll"
	"plimsoll/match"
)

// Judge takes packages and the advisories about them. Alpine names advisories by source package.
func ExampleJudge() {
	packages := []plimsoll.Package{{Ecosystem: "Alpine:v3.20", Name: "libcrypto3", Version: "3.3.2-r0", Source: "openssl"}}
	evidence := plimsoll.Evidence{
		Releases: map[string]bool{"Alpine:v3.20": true},
		Advisories: []plimsoll.Advisory{{
			ID: "ALPINE-CVE-2024-9143", Upstream: []string{"CVE-2024-9143"},
			Affected: []plimsoll.Affected{{Ecosystem: "Alpine:v3.20", Name: "openssl", Ranges: []plimsoll.Range{
				{Type: "ECOSYSTEM", Events: []plimsoll.Event{{Introduced: "0"}, {Fixed: "3.3.2-r1"}}},
			}}},
		}},
	}
	for _, v := range match.Judge(packages, evidence).Vulnerabilities {
		fmt.Println(v.ID, v.Package.Name, "fixed in", v.FixedVersion)
	}
	// Output: CVE-2024-9143 libcrypto3 fixed in 3.3.2-r1
}

// A package of an ecosystem without advisories is reported, not taken as safe.
func ExampleJudge_notJudged() {
	packages := []plimsoll.Package{{Ecosystem: "npm", Name: "left-pad", Version: "1.0.0"}}
	for _, n := range match.Judge(packages, plimsoll.Evidence{}).NotJudged {
		fmt.Println(n.Package.Name, "not judged:", n.Reason)
	}
	// Output:
	// left-pad not judged: no advisories for this ecosystem
}

// Keys are the names to look up: Debian's advisories use the name of the source package.
func ExampleKeys() {
	keys := match.Keys([]plimsoll.Package{
		{Ecosystem: "Debian:12", Name: "libssl3", Version: "3.0.11-1", Source: "openssl", SourceVersion: "3.0.11-1"},
		{Ecosystem: "npm", Name: "left-pad", Version: "1.0.0"},
	})
	for _, k := range keys {
		fmt.Println(k.Ecosystem, k.Name)
	}
	// Output:
	// Debian openssl
	// npm left-pad
}

// Explain shows why a package is not affected.
func ExampleExplain() {
	packages := []plimsoll.Package{{Ecosystem: "npm", Name: "left-pad", Version: "1.3.0"}}
	evidence := plimsoll.Evidence{
		Advisories: []plimsoll.Advisory{{
			ID: "GHSA-xxxx-yyyy-zzzz", Aliases: []string{"CVE-2026-0001"},
			Affected: []plimsoll.Affected{{
				Ecosystem: "npm", Name: "left-pad",
				Ranges: []plimsoll.Range{{Type: "SEMVER", Events: []plimsoll.Event{{Introduced: "0"}, {Fixed: "1.2.0"}}}},
			}},
		}},
		Releases: map[string]bool{"npm": true},
	}
	checked, _ := match.Explain("CVE-2026-0001", packages, evidence)
	for _, c := range checked {
		for _, check := range c.Checks {
			fmt.Printf("%s %s: %s by %s, fixed in %s\n", check.Name, check.Version, check.Result, check.Advisory, check.Fixed)
		}
	}
	// Output:
	// left-pad 1.3.0: not_affected by GHSA-xxxx-yyyy-zzzz, fixed in 1.2.0
}
