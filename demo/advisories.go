package demo

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// FeedName is the name of the feed of sample advisories.
const FeedName = "demo"

// sampleAdvisory is a made-up vulnerability and the versions that fix it.
type sampleAdvisory struct {
	number   int
	source   string
	severity string // a CVSS 3.1 vector
	summary  string
	fixedIn  []fixedVersion
}

type fixedVersion struct{ ecosystem, version string }

const (
	cvssCritical = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
	cvssHigh     = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
	cvssMedium   = "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:N"
	cvssLow      = "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"
)

// sampleAdvisories concern the packages of sampleImages.
var sampleAdvisories = []sampleAdvisory{
	{1001, "openssl", cvssHigh, "A crafted certificate makes the verifier loop.", []fixedVersion{{"Debian:12", "3.0.13-1~deb12u1"}, {"Ubuntu:22.04:LTS", "3.0.2-0ubuntu1.12"}, {"Alpine:v3.20", "3.3.1-r1"}}},
	{1002, "openssl", cvssLow, "A timing difference shows whether a key is short.", []fixedVersion{{"Debian:12", "3.0.15-1~deb12u1"}, {"Alpine:v3.20", "3.3.2-r0"}}},
	{1003, "glibc", cvssCritical, "A long locale name overruns a buffer.", []fixedVersion{{"Debian:12", "2.36-9+deb12u7"}, {"Ubuntu:22.04:LTS", "2.35-0ubuntu3.7"}}},
	{1004, "glibc", cvssMedium, "A resolver answer is accepted twice.", []fixedVersion{{"Debian:12", "2.36-9+deb12u8"}}},
	{1005, "busybox", cvssMedium, "An awk program reads after free.", []fixedVersion{{"Alpine:v3.20", "1.36.1-r29"}}},
	{1006, "systemd", cvssHigh, "A user can keep a session of another user alive.", []fixedVersion{{"Ubuntu:22.04:LTS", "249.11-0ubuntu3.12"}}},
	{1007, "perl", "", "A module is loaded from the current folder.", []fixedVersion{{"Ubuntu:22.04:LTS", "5.34.0-3ubuntu1.3"}}},
	{1008, "bash", cvssHigh, "Does not affect the samples: fixed long ago.", []fixedVersion{{"Debian:12", "5.1-1"}}},
}

// WriteAdvisories writes the sample advisories into dir as OSV records, one file per record. It makes
// dir if necessary.
func WriteAdvisories(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, a := range sampleAdvisories {
		id := fmt.Sprintf("CVE-2099-%d", a.number)
		body, err := json.MarshalIndent(a.record(id), "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "DEMO-"+id+".json"), append(body, '\n'), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (a sampleAdvisory) record(cve string) map[string]any {
	var affected []map[string]any
	for _, f := range a.fixedIn {
		affected = append(affected, map[string]any{
			"package": map[string]string{"ecosystem": f.ecosystem, "name": a.source},
			"ranges": []map[string]any{{
				"type":   "ECOSYSTEM",
				"events": []map[string]string{{"introduced": "0"}, {"fixed": f.version}},
			}},
		})
	}
	record := map[string]any{
		"schema_version": "1.6.0",
		"id":             "DEMO-" + cve,
		"modified":       "2026-03-01T00:00:00Z",
		"published":      "2026-03-01T00:00:00Z",
		"upstream":       []string{cve},
		"summary":        a.summary,
		"affected":       affected,
		"references":     []map[string]string{{"type": "ADVISORY", "url": "https://example.org/advisories/" + cve}},
	}
	if a.severity != "" {
		record["severity"] = []map[string]string{{"type": "CVSS_V3", "score": a.severity}}
	}
	return record
}
