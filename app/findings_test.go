package app

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"plimsoll"
)

// web is the image shop/web:1.4.0 of the samples, which has four vulnerabilities.
func (w *works) web(t *testing.T) plimsoll.Image {
	t.Helper()
	page, err := w.inventory.Images(t.Context(), plimsoll.ImageFilter{ProjectID: w.Project.ID, Namespace: "shop", Name: "web", Tag: "1.4.0"})
	if err != nil || len(page.Items) != 1 {
		t.Fatalf("%v: %+v", err, page)
	}
	return page.Items[0]
}

// TestExpiryEndsByItself: without a request, the queue recounts. Syncs that find nothing new pass the time.
func TestExpiryEndsByItself(t *testing.T) {
	w := newWorks(t)
	_, err := w.inventory.Decide(t.Context(), []plimsoll.Decision{{
		Tenant: plimsoll.Tenant{ProjectID: w.Project.ID, EnterpriseProject: "0"}, Kind: plimsoll.FindingVulnerability, Finding: "CVE-2099-1001",
		Status: plimsoll.StatusIgnored, Author: "x", ExpiresAt: time.Now().Add(300 * time.Millisecond),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.web(t).Counts.Vulnerabilities; got != 3 {
		t.Fatalf("%d vulnerabilities are shown under the decision", got)
	}
	for w.web(t).Counts.Vulnerabilities != 4 { // ends with the test's time if it never happens
		w.sync(t)
	}
}

func TestVulnerabilityCVEs(t *testing.T) {
	w := newWorks(t)
	list := func(project, id string) plimsoll.Page[plimsoll.CVE] {
		t.Helper()
		page, err := w.Findings.VulnerabilityCVEs(t.Context(), project, nil, id, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		if page.Total != len(page.Items) {
			t.Fatalf("total %d of %d items", page.Total, len(page.Items))
		}
		return page
	}
	for _, id := range []string{"CVE-2099-1001", "DEMO-CVE-2099-1001"} {
		page := list(w.Project.ID, id)
		if page.Total != 1 || page.Items[0].ID != "CVE-2099-1001" || page.Items[0].Score != 7.5 ||
			page.Items[0].Description != "A crafted certificate makes the verifier loop." || page.Items[0].Published.Year() != 2026 {
			t.Errorf("%s: %+v", id, page)
		}
	}
	if page := list(w.Project.ID, "CVE-2099-1008"); page.Total != 0 {
		t.Errorf("of what no image has: %+v", page)
	}
	if page := list("elsewhere", "CVE-2099-1001"); page.Total != 0 {
		t.Errorf("of another project's images: %+v", page)
	}
}

// TestDescriptions: a record without a summary is described by the first paragraph of its details.
func TestDescriptions(t *testing.T) {
	w := newWorks(t)
	path := filepath.Join(w.records, "DEMO-CVE-2099-1001.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var record map[string]any
	if err := json.Unmarshal(raw, &record); err != nil {
		t.Fatal(err)
	}
	delete(record, "summary")
	record["details"] = "The verifier loops.\n\nAnd more."
	if raw, err = json.Marshal(record); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	w.imports(t)
	page, err := w.Findings.ImageVulnerabilities(t.Context(), w.web(t), plimsoll.VulnerabilityFilter{AnyID: "CVE-2099-1001"})
	if err != nil || page.Total != 1 || page.Items[0].Summary != "The verifier loops." {
		t.Fatalf("%v: %+v", err, page)
	}
}
