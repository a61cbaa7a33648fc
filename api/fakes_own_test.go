package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"plimsoll"
	v1 "plimsoll/api/v1"
)

func (w *fakes) ImageHistory(_ context.Context, img plimsoll.Image, f plimsoll.HistoryFilter) (plimsoll.HistoryPage, error) {
	w.histories = append(w.histories, f)
	event := plimsoll.HistoryEvent{At: testNow(), Kind: plimsoll.EventAppeared, Reason: plimsoll.ReasonNewAdvisory, Vulnerability: "CVE-2026-1", Digest: img.Digest,
		Now: []plimsoll.HistoryState{}, Was: []plimsoll.HistoryState{}}
	return plimsoll.HistoryPage{Items: []plimsoll.HistoryEvent{event}, Next: "more"}, w.err
}

func (w *fakes) ImageFindingsAt(_ context.Context, _ plimsoll.Image, f plimsoll.HistoryFilter) (plimsoll.FindingsAt, error) {
	w.histories = append(w.histories, f)
	return plimsoll.FindingsAt{At: f.At, Items: []plimsoll.HistoryState{}}, w.err
}

func (w *fakes) ScanImages(_ context.Context, by string, _ plimsoll.Priority, f plimsoll.ImageFilter, refs []plimsoll.ImageRef) (plimsoll.Task, error) {
	w.filters, w.refs = append(w.filters, f), refs
	return plimsoll.Task{ID: 9, By: by, CreatedAt: testNow()}, w.err
}

func (w *fakes) Registries(_ context.Context, projectID string, eps []string) ([]plimsoll.Registry, error) {
	var out []plimsoll.Registry
	for _, r := range w.registries {
		if r.ProjectID == projectID && (eps == nil || strings.Contains(strings.Join(eps, " "), r.EnterpriseProject)) {
			out = append(out, r)
		}
	}
	return out, w.err
}

func (w *fakes) CreateTask(_ context.Context, t *plimsoll.Task, work []plimsoll.Work) error {
	t.ID, t.State, t.CreatedAt = 11, plimsoll.TaskRunning, testNow()
	w.created, w.work = append(w.created, *t), append(w.work, work...)
	return w.err
}

func (w *fakes) AddRegistry(_ context.Context, _ plimsoll.Principal, spec plimsoll.RegistrySpec) (plimsoll.Registry, error) {
	w.spec = spec
	return spec.Registry, w.err
}

func (w *fakes) RemoveRegistry(_ context.Context, projectID string, id int64) error {
	w.removed = append(w.removed, fmt.Sprint(projectID, "/", id))
	return w.err
}

func (w *fakes) Task(_ context.Context, projectID string, id int64) (plimsoll.Task, error) {
	t, ok := w.tasks[id]
	if !ok || t.ProjectID != projectID {
		return plimsoll.Task{}, plimsoll.Errorf(plimsoll.NotFound, "no task")
	}
	return t, nil
}

// Tasks has cursors that are positions.
func (w *fakes) Tasks(_ context.Context, projectID string, eps []string, kind plimsoll.WorkKind, limit int, after string) (plimsoll.Page[plimsoll.Task], error) {
	var page plimsoll.Page[plimsoll.Task]
	offset, _ := strconv.Atoi(after)
	for _, id := range slices.Sorted(maps.Keys(w.tasks)) {
		t := w.tasks[id]
		if t.ProjectID == projectID && (eps == nil || slices.Contains(eps, t.EnterpriseProject)) && (kind == "" || kind == t.Kind) {
			page.Total++
			if page.Total > offset && len(page.Items) < limit {
				page.Items = append(page.Items, t)
			}
		}
	}
	if end := offset + len(page.Items); end < page.Total {
		page.Next = strconv.Itoa(end)
	}
	return page, w.err
}

func (w *fakes) AdvisoryStatus(context.Context) (plimsoll.AdvisoryStatus, error) {
	return plimsoll.AdvisoryStatus{Revision: 3}, w.err
}

func (w *fakes) ImportAdvisories(_ context.Context, feed, file string) (plimsoll.ImportOutcome, error) {
	b, err := os.ReadFile(file)
	w.imported = feed + ":" + string(b)
	return plimsoll.ImportOutcome{Feed: feed, Records: len(b)}, errors.Join(err, w.err)
}

func (w *fakes) Users(context.Context, string) ([]plimsoll.User, error) { return w.users, w.err }

func (w *fakes) User(_ context.Context, _, name string) (plimsoll.User, error) {
	for _, u := range w.users {
		if u.Name == name {
			return u, w.err
		}
	}
	return plimsoll.User{}, plimsoll.Errorf(plimsoll.NotFound, "no user in domain d1")
}

func (w *fakes) AddUser(_ context.Context, spec v1.UserSpec) (plimsoll.User, error) {
	return plimsoll.User{Name: spec.Name, DomainID: spec.Domain, Grants: spec.Grants, PasswordHash: "phc", CreatedAt: testNow()}, w.err
}

func (w *fakes) RemoveUser(_ context.Context, id string) error {
	w.removed = append(w.removed, id)
	return w.err
}

func (w *fakes) SetPassword(context.Context, string, string) error { return w.err }

func (w *fakes) Keys(context.Context, string) ([]plimsoll.AccessKey, error) { return w.keys, w.err }

func (w *fakes) CreateKey(context.Context, string, string) (string, string, error) {
	return "AK3", "new-secret", w.err
}

func (w *fakes) RevokeKey(_ context.Context, access string) error {
	w.removed = append(w.removed, access)
	return w.err
}

func (w *fakes) ChangeDecisions(_ context.Context, made, ended []plimsoll.Decision) ([]plimsoll.Decision, error) {
	w.made, w.ended = append(w.made, made...), append(w.ended, ended...)
	return made, w.err
}

func (w *fakes) EndDecision(_ context.Context, _ string, eps []string, id int64, _ string) error {
	w.endedIDs, w.endedIn = append(w.endedIDs, id), append(w.endedIn, eps)
	return w.err
}

func (w *fakes) Decisions(_ context.Context, f plimsoll.DecisionFilter) ([]plimsoll.Decision, error) {
	w.decisionFilters = append(w.decisionFilters, f)
	var out []plimsoll.Decision
	for _, d := range w.standing {
		if (f.Finding == "" || f.Finding == d.Finding) && (f.Before == 0 || d.ID < f.Before) && len(out) < f.Limit {
			out = append(out, d)
		}
	}
	return out, w.err
}

func (w *fakes) ProjectVulnerabilities(_ context.Context, t plimsoll.Tenant, _ plimsoll.SetKind) ([]string, error) {
	w.tenants = append(w.tenants, t)
	return w.census, w.err
}

func (w *fakes) VulnerabilityCVEs(_ context.Context, _ string, _ []string, _ string, offset, limit int) (plimsoll.Page[plimsoll.CVE], error) {
	page := w.cves
	page.Items = page.Items[min(offset, len(page.Items)):min(offset+limit, len(page.Items))]
	return page, w.err
}

func (w *fakes) ImportVEX(_ context.Context, t plimsoll.Tenant, _ string, document []byte) (plimsoll.DocumentImport, error) {
	w.tenants = append(w.tenants, t)
	return plimsoll.DocumentImport{Document: "urn:x", Statements: len(document), Unknown: []plimsoll.UnknownProduct{}}, w.err
}

func (w *fakes) ExportVEX(_ context.Context, _ string, _ []string, img *plimsoll.Image) ([]byte, error) {
	w.exported = img
	return []byte(`{"@context":"https://openvex.dev/ns/v0.2.0"}`), w.err
}

func (w *fakes) Explain(_ context.Context, img plimsoll.Image, id string) (plimsoll.Explanation, error) {
	return plimsoll.Explanation{Asked: id, Image: img, Findings: []plimsoll.ExplainedFinding{}, Checked: []plimsoll.CheckedPackage{}}, w.err
}
