package vex_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/vex"
)

const app = plimsoll.Digest("sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")

func known() plimsoll.KnownProducts {
	return plimsoll.KnownProducts{
		Digests: map[plimsoll.Digest]bool{app: true},
		Repositories: []plimsoll.KnownRepository{
			{RegistryID: 3, URL: "https://dock.example", Path: "team/app"},
			{RegistryID: 3, URL: "https://dock.example", Path: "dockside/crane"},
			{RegistryID: 4, URL: "https://registry-1.docker.io", Path: "library/nginx"},
		},
	}
}

func read(t *testing.T, name string) *vex.Document {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := vex.Parse(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// summary is a decision in short: finding, scope, status and reason.
func summary(d plimsoll.Decision) string {
	s := d.Scope
	where := strings.Join([]string{s.Repository, s.Tag, s.Digest.Hex()[:min(4, len(s.Digest.Hex()))], s.Package}, "|")
	return strings.Join([]string{d.Finding, where, string(d.Status), string(d.Justification), d.Reason}, " / ")
}

func unknown(list []plimsoll.UnknownProduct) (out []string) {
	for _, u := range list {
		out = append(out, u.Vulnerability+" / "+u.Product+" / "+u.Reason)
	}
	return out
}

func TestDocuments(t *testing.T) {
	for _, test := range []struct {
		file          string
		head          plimsoll.VEXDocument
		want, unknown []string
	}{
		{
			"openvex.json",
			plimsoll.VEXDocument{ID: "https://harbour.example/vex/2026-7", Author: "Harbour Product Security", Version: "3", Time: time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)},
			[]string{
				"CVE-2026-1000 / ||aaaa|pkg:deb/debian/zlib1g@1.2 / not_affected / vulnerable_code_not_in_execute_path / Only the checksum routine is linked.",
				"CVE-2026-1001 / team/app|2.0|| / fixed /  / ",
				"CVE-2026-1002 / |||pkg:npm/left-pad@1.0.0 / affected /  / Upgrade to 1.0.1.",
			},
			[]string{
				"CVE-2026-1003 / pkg:npm/left-pad / not affected, but neither a justification nor an impact statement says why",
				"CVE-2026-1001 / pkg:oci/unknown?repository_url=dock.example/team/unknown / the repository is not known",
				"CVE-2026-1004 / https://harbour.example/product / the product has neither a package URL nor a digest",
			},
		},
		{
			"openvex-0.0.1.json",
			plimsoll.VEXDocument{ID: "https://harbour.example/vex/old", Author: "Harbour", Version: "1", Time: time.Date(2023, 1, 17, 1, 7, 16, 853479631, time.UTC)},
			[]string{"CVE-2023-1255 / ||aaaa|pkg:apk/alpine/libssl3@3.1.0-r4 / fixed /  / "}, nil,
		},
		{
			"csaf.json",
			plimsoll.VEXDocument{ID: "https://dockside.example#DS-2026-1", Author: "Dockside", Version: "2", Time: time.Date(2026, 5, 3, 0, 0, 0, 0, time.UTC)},
			[]string{
				"CVE-2026-2000 / dockside/crane||| / affected /  / ",
				"CVE-2026-2000 / |||pkg:rpm/dockside/zlib@1.3-1?arch=x86_64 / fixed /  / ",
				"CVE-2026-2000 / ||aaaa| / not_affected / vulnerable_code_not_present / The code was removed.",
				"CVE-2026-2000 / dockside/crane|||pkg:rpm/dockside/zlib?arch=src / not_affected / vulnerable_code_not_present / ",
				"DSB-77 / dockside/crane||| / under_investigation /  / ",
			},
			[]string{"CVE-2026-2000 / zlib as a component of Quay OS 9 / the platform of the component is not known"},
		},
		{
			"cyclonedx.json",
			plimsoll.VEXDocument{ID: "urn:uuid:6f4ac0ab-74d1-4a2e-8a0e-0d1d8f1c7a10", Author: "Rita", Version: "2", Time: time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)},
			[]string{
				"CVE-2026-3000 / ||aaaa|pkg:npm/left-pad@1.0.0 / not_affected / vulnerable_code_not_in_execute_path / Never called.; code_not_reachable",
				"CVE-2026-3001 / ||aaaa| / affected /  / update",
				"CVE-2026-3002 / ||aaaa|pkg:npm/left-pad@1.0.1 / fixed /  / ",
			},
			[]string{
				"CVE-2026-3002 / team/app; " + string(app) + "; pkg:npm/left-pad@1.0.0 / version ranges are not supported: vers:npm/<1.0.1",
				"CVE-2026-3003 /  / the vulnerability has no analysis",
				"CVE-2026-3004 / elsewhere / the product has neither a package URL nor a digest",
			},
		},
	} {
		t.Run(test.file, func(t *testing.T) {
			doc := read(t, test.file)
			if diff := cmp.Diff(test.head, doc.VEXDocument); diff != "" {
				t.Error(diff)
			}
			decisions, left := doc.Decisions(known())
			var got []string
			for _, d := range decisions {
				got = append(got, summary(d))
				if d.Author != test.head.Author || d.Document != test.head.ID {
					t.Errorf("%+v is not said by the document's author", d)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("decisions -want +got\n%s", diff)
			}
			if diff := cmp.Diff(test.unknown, unknown(left)); diff != "" {
				t.Errorf("unknown -want +got\n%s", diff)
			}
		})
	}
}

func TestProducts(t *testing.T) {
	doc := func(product string) string {
		return `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"urn:x","author":"a","timestamp":"2026-05-01T10:00:00Z","version":1,"statements":[
			{"vulnerability":{"name":"CVE-2026-1"},"status":"fixed","products":[` + product + `]}]}`
	}
	for product, want := range map[string]string{
		`{"@id":"pkg:docker/nginx@1.25"}`:                                              "library/nginx|1.25||",
		`{"@id":"pkg:docker/library/nginx?repository_url=https://index.docker.io/v1"}`: "library/nginx|||",
		`{"@id":"pkg:docker/nginx@` + string(app) + `"}`:                               "||aaaa|",
		`{"@id":"pkg:oci/crane"}`:                                                      "dockside/crane|||",
		`{"@id":"pkg:oci/app?repository_url=DOCK.example/team/app"}`:                   "team/app|||",
		`{"@id":"pkg:oci/app?repository_url=dock.example/other/app"}`:                  "",
		`{"@id":"pkg:oci/app@sha256:` + strings.Repeat("b", 64) + `"}`:                 "",
		`{"@id":"dock.example/team/app@` + string(app) + `"}`:                          "||aaaa|",
		`{"@id":"x","hashes":{"sha-256":"` + app.Hex() + `"}}`:                         "||aaaa|",
		`{"@id":"x","hashes":{"sha-256":"` + strings.Repeat("b", 64) + `"}}`:           "",
		`{"@id":"pkg:npm/a","hashes":{"sha-256":"` + strings.Repeat("b", 64) + `"}}`:   "|||pkg:npm/a",
		`{"@id":"pkg:npm/a","subcomponents":[{"@id":"pkg:npm/b"}]}`:                    "",
		`{"@id":"pkg:npm"}`: "",
		`{"@id":"pkg:oci/crane","subcomponents":[{"@id":"https://x.example"}]}`: "",
	} {
		parsed, err := vex.Parse(strings.NewReader(doc(product)))
		if err != nil {
			t.Fatalf("%s: %v", product, err)
		}
		for _, d := range parsed.Digests() {
			if _, err := plimsoll.ParseDigest(string(d)); err != nil {
				t.Error(err)
			}
		}
		decisions, left := parsed.Decisions(known())
		switch {
		case want == "" && (len(decisions) != 0 || len(left) != 1):
			t.Errorf("%s: decisions %v, unknown %v", product, decisions, left)
		case want != "" && (len(decisions) != 1 || len(left) != 0 || !strings.Contains(summary(decisions[0]), " "+want+" ")):
			t.Errorf("%s: decisions %v, unknown %v, want %s", product, decisions, left, want)
		}
	}
}

func TestHostileDocuments(t *testing.T) {
	many := `{"name":"CVE-2026-1"},"status":"fixed","products":[` + strings.TrimSuffix(strings.Repeat(`"a",`, 100_001), ",") + `]`
	open := `{"@context":"https://openvex.dev/ns","@id":"urn:x","timestamp":"2026-05-01T10:00:00Z","statements":[`
	for name, test := range map[string]struct {
		text string
		code plimsoll.Code
		says string
	}{
		"empty":             {"", plimsoll.Invalid, "well-formed"},
		"not JSON":          {"<xml/>", plimsoll.Invalid, "well-formed"},
		"no VEX":            {`{"a":1}`, plimsoll.Invalid, "neither"},
		"another context":   {`{"@context":"https://schema.example"}`, plimsoll.Invalid, "neither"},
		"deep":              {strings.Repeat(`{"branches":[`, 5000), plimsoll.TooLarge, "nested"},
		"large":             {strings.Repeat(" ", vex.MaxBytes+1), plimsoll.TooLarge, "larger"},
		"many products":     {open + `{"vulnerability":` + many + `}]}`, plimsoll.TooLarge, "more than"},
		"no id":             {`{"@context":"https://openvex.dev/ns","timestamp":"2026-05-01T10:00:00Z"}`, plimsoll.Invalid, "no id"},
		"no time":           {`{"@context":"https://openvex.dev/ns","@id":"urn:x","timestamp":"yesterday"}`, plimsoll.Invalid, "has no time"},
		"wrong type":        {open + `{"vulnerability":7}]}`, plimsoll.Invalid, "well-formed OpenVEX"},
		"CSAF advisory":     {`{"document":{"csaf_version":"2.0","category":"csaf_security_advisory"}}`, plimsoll.Invalid, "not a csaf_vex"},
		"CSAF 1":            {`{"document":{"csaf_version":"1.2","category":"csaf_vex"}}`, plimsoll.Invalid, "2.0 is"},
		"CSAF without id":   {`{"document":{"csaf_version":"2.0","category":"csaf_vex"}}`, plimsoll.Invalid, "no id"},
		"CycloneDX 1.3":     {`{"bomFormat":"CycloneDX","specVersion":"1.3"}`, plimsoll.Invalid, "1.4 to 1.6"},
		"CycloneDX no time": {`{"bomFormat":"CycloneDX","specVersion":"1.6"}`, plimsoll.Invalid, "has no time"},
	} {
		_, err := vex.Parse(strings.NewReader(test.text))
		if plimsoll.ErrorCode(err) != test.code || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A string full of brackets nests nothing, and long texts are cut, not refused.
	doc, err := vex.Parse(strings.NewReader(open + `{"vulnerability":"CVE-2026-1","status":"fixed","status_notes":"` + strings.Repeat(`[\"{`, 5000) + `","products":["pkg:npm/a"]}]}`))
	if err != nil || len(doc.Claims) != 1 || len(doc.Claims[0].Reason) != 4096 {
		t.Fatalf("%v: %+v", err, doc)
	}
}

// TestOwnDocuments: what we export is what we import.
func TestOwnDocuments(t *testing.T) {
	at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	image := vex.ImagePURL("https://dock.example", "team/app", app, "")
	list := []vex.Export{
		{Decision: plimsoll.Decision{Finding: "CVE-2026-1", Status: plimsoll.StatusNotAffected, Justification: plimsoll.JustifiedMitigated, Reason: "A <filter> stands before it.", CreatedAt: at},
			Products: []vex.ExportProduct{{PURL: image, Components: []string{"pkg:npm/b@2", "pkg:npm/a@1", "pkg:npm/b@2"}}}},
		{Decision: plimsoll.Decision{Finding: "CVE-2026-2", Status: plimsoll.StatusFixed, CreatedAt: at}, Products: []vex.ExportProduct{{PURL: vex.ImagePURL("https://dock.example", "team/app", "", "2.0")}}},
		{Decision: plimsoll.Decision{Finding: "CVE-2026-3", Status: plimsoll.StatusIgnored, Reason: "too old", CreatedAt: at}, Products: []vex.ExportProduct{{PURL: "pkg:npm/c"}}},
		{Decision: plimsoll.Decision{Finding: "CVE-2026-4", Status: plimsoll.StatusAffected, CreatedAt: at}},
	}
	write := func(now time.Time) *vex.Document {
		var out bytes.Buffer
		if err := vex.WriteOpenVEX(&out, "Harbour", now, list); err != nil {
			t.Fatal(err)
		}
		doc, err := vex.Parse(&out)
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	doc := write(at)
	if again := write(at.Add(time.Hour)); again.ID != doc.ID || !again.Time.After(doc.Time) {
		t.Errorf("ids are %s and %s", doc.ID, again.ID)
	}
	decisions, left := doc.Decisions(known())
	var got []string
	for _, d := range decisions {
		got = append(got, summary(d))
	}
	want := []string{
		"CVE-2026-1 / ||aaaa|pkg:npm/a@1 / not_affected / inline_mitigations_already_exist / A <filter> stands before it.",
		"CVE-2026-1 / ||aaaa|pkg:npm/b@2 / not_affected / inline_mitigations_already_exist / A <filter> stands before it.",
		"CVE-2026-2 / team/app|2.0|| / fixed /  / ",
		"CVE-2026-3 / |||pkg:npm/c / affected /  / No action: ignored; too old",
	}
	if diff := cmp.Diff(want, got); diff != "" || len(left) != 0 {
		t.Errorf("unknown %v, -want +got\n%s", left, diff)
	}
}

func seeds(f *testing.F, part string) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	slices.Sort(files)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if strings.Contains(file, part) {
			f.Add(raw)
		}
	}
}

func FuzzOpenVEX(f *testing.F)   { fuzz(f, "openvex") }
func FuzzCSAF(f *testing.F)      { fuzz(f, "csaf") }
func FuzzCycloneDX(f *testing.F) { fuzz(f, "cyclonedx") }

// fuzz checks that any bytes give an error with a code, or valid decisions without duplicates.
func fuzz(f *testing.F, part string) {
	seeds(f, part)
	f.Fuzz(func(t *testing.T, raw []byte) {
		doc, err := vex.Parse(bytes.NewReader(raw))
		if err != nil {
			if c := plimsoll.ErrorCode(err); c != plimsoll.Invalid && c != plimsoll.TooLarge {
				t.Fatalf("code %s: %v", c, err)
			}
			return
		}
		doc.Digests()
		decisions, left := doc.Decisions(known())
		seen := map[string]bool{}
		for _, d := range decisions {
			d.ProjectID = "p"
			if err := d.Validate(); err != nil {
				t.Fatalf("%+v: %v", d, err)
			}
			if seen[d.Fingerprint()] {
				t.Fatalf("%+v comes twice", d)
			}
			seen[d.Fingerprint()] = true
		}
		if len(decisions) == 0 && len(left) == 0 && doc.Statements > 0 {
			t.Fatalf("%d statements were lost in silence", doc.Statements)
		}
	})
}
