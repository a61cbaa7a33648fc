package app

import (
	"context"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/store"
	"plimsoll/store/advisories"
)

// Findings is what is wrong with images: vulnerabilities, malware, secrets, settings and software.
type Findings struct {
	store      *store.Store
	advisories *advisories.Store
}

// ImageVulnerabilities lists the vulnerabilities of an image. A finding without a summary has the description of its
// advisories.
func (f *Findings) ImageVulnerabilities(ctx context.Context, img plimsoll.Image, filter plimsoll.VulnerabilityFilter) (plimsoll.Page[plimsoll.Placed], error) {
	page, err := f.store.ImageVulnerabilities(ctx, img, filter)
	if err != nil {
		return page, err
	}
	var ids []string
	for _, p := range page.Items {
		if p.Summary == "" {
			ids = append(ids, p.Advisories...)
		}
	}
	if len(ids) == 0 {
		return page, nil
	}
	slices.Sort(ids)
	records, err := f.advisories.Advisory(ctx, slices.Compact(ids))
	if err != nil {
		return page, err
	}
	descriptions := map[string]string{}
	for _, a := range records {
		if descriptions[a.ID] == "" {
			descriptions[a.ID] = descriptionOf(a)
		}
	}
	for i := range page.Items {
		p := &page.Items[i]
		for _, id := range p.Advisories {
			if p.Summary == "" {
				p.Summary = descriptions[id]
			}
		}
	}
	return page, nil
}

// VulnerabilityCVEs returns the CVEs behind a vulnerability of a project's images.
func (f *Findings) VulnerabilityCVEs(ctx context.Context, projectID string, eps []string, id string, offset, limit int) (plimsoll.Page[plimsoll.CVE], error) {
	var page plimsoll.Page[plimsoll.CVE]
	found, err := f.store.VulnerabilitiesNamed(ctx, projectID, eps, id)
	if err != nil {
		return page, err
	}
	found = slices.DeleteFunc(found, func(v plimsoll.Vulnerability) bool {
		return !plimsoll.IsCVE(v.ID) || (plimsoll.IsCVE(id) && v.ID != id)
	})
	page.Total = len(found)
	for _, v := range found[min(offset, len(found)):min(offset+limit, len(found))] {
		records, err := f.advisories.Advisory(ctx, append([]string{v.ID}, v.Advisories...))
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, cveOf(v, records))
	}
	return page, nil
}

// cveOf takes the record of the CVE itself where there is one, else those that name it.
func cveOf(v plimsoll.Vulnerability, records []plimsoll.Advisory) plimsoll.CVE {
	out := plimsoll.CVE{ID: v.ID, Score: v.Score}
	slices.SortStableFunc(records, func(a, b plimsoll.Advisory) int {
		switch {
		case a.ID == v.ID && b.ID != v.ID:
			return -1
		case b.ID == v.ID && a.ID != v.ID:
			return 1
		default:
			return 0
		}
	})
	for _, a := range records {
		if out.Description == "" {
			out.Description = descriptionOf(a)
		}
		if out.Published.IsZero() || (!a.Published.IsZero() && a.Published.Before(out.Published)) {
			out.Published = a.Published
		}
	}
	return out
}

// descriptionOf is the summary of a record, or the first paragraph of its details: many feeds have no summaries.
func descriptionOf(a plimsoll.Advisory) string {
	if a.Summary != "" {
		return a.Summary
	}
	first, _, _ := strings.Cut(strings.TrimSpace(a.Details), "\n\n")
	return first
}

// ProjectVulnerabilities returns the canonical ids found in packages of a kind ("" = any); an empty enterprise
// project is the whole project.
func (f *Findings) ProjectVulnerabilities(ctx context.Context, t plimsoll.Tenant, kind plimsoll.SetKind) ([]string, error) {
	return f.store.ProjectVulnerabilities(ctx, t, kind)
}

// RuleTallies counts the results of each rule over the images of a filter.
func (f *Findings) RuleTallies(ctx context.Context, filter plimsoll.ImageFilter) ([]plimsoll.RuleTally, error) {
	return f.store.RuleTallies(ctx, filter)
}

// ImageSettings lists the results of baseline checks of an image.
func (f *Findings) ImageSettings(ctx context.Context, img plimsoll.Image) ([]plimsoll.Setting, error) {
	return f.store.ImageSettings(ctx, img)
}

// SettingImages lists the images of a filter by a result of settings, with their settings of the kind and rule that it names.
func (f *Findings) SettingImages(ctx context.Context, filter plimsoll.ImageFilter) (plimsoll.Page[plimsoll.ImageSettings], error) {
	return f.store.SettingImages(ctx, filter)
}

// WeakAccounts lists the accounts with guessed passwords in images of a filter; account is exact, "" = any.
func (f *Findings) WeakAccounts(ctx context.Context, filter plimsoll.ImageFilter, account string) (plimsoll.Page[plimsoll.WeakAccount], error) {
	return f.store.WeakAccounts(ctx, filter, account)
}

// MalwareFiles lists the visible files with malware in images of a filter whose names contain a part, in any case.
func (f *Findings) MalwareFiles(ctx context.Context, filter plimsoll.ImageFilter, name string) (plimsoll.Page[plimsoll.MalwareFile], error) {
	return f.store.MalwareFiles(ctx, filter, name)
}

// ImagePackages lists the packages of an image: the declared ones, or all others.
func (f *Findings) ImagePackages(ctx context.Context, img plimsoll.Image, declared bool) ([]plimsoll.ListedPackage, error) {
	return f.store.ImagePackages(ctx, img, declared)
}

// ImageSecrets lists the secrets of an image, worst first.
func (f *Findings) ImageSecrets(ctx context.Context, img plimsoll.Image) ([]plimsoll.FoundSecret, error) {
	return f.store.ImageSecrets(ctx, img)
}

// Secrets lists the secrets of all images of a project, each once.
func (f *Findings) Secrets(ctx context.Context, filter plimsoll.SecretFilter) (plimsoll.Page[plimsoll.FoundSecret], error) {
	return f.store.Secrets(ctx, filter)
}

// IgnoreSecret marks a secret as ignored, or takes that back. NotFound: it is not in the enterprise projects (nil = all).
func (f *Findings) IgnoreSecret(ctx context.Context, projectID string, enterpriseProjects []string, id, by string, ignore bool) error {
	return f.store.IgnoreSecret(ctx, projectID, enterpriseProjects, id, by, ignore)
}

// SecretPaths lists the patterns of paths whose secrets a project does not want to see.
func (f *Findings) SecretPaths(ctx context.Context, projectID string) ([]string, error) {
	return f.store.SecretPaths(ctx, projectID)
}

// SetSecretPaths replaces them.
func (f *Findings) SetSecretPaths(ctx context.Context, projectID, by string, patterns []string) error {
	return f.store.SetSecretPaths(ctx, projectID, by, patterns)
}

// SoftwarePolicy is what a project forbids to install.
func (f *Findings) SoftwarePolicy(ctx context.Context, projectID string) ([]plimsoll.SoftwareRule, error) {
	return f.store.SoftwarePolicy(ctx, projectID)
}

// SetSoftwarePolicy replaces the policy; nil brings the default back.
func (f *Findings) SetSoftwarePolicy(ctx context.Context, projectID, by string, rules []plimsoll.SoftwareRule) error {
	return f.store.SetSoftwarePolicy(ctx, projectID, by, rules)
}

// ForbiddenSoftware lists packages of an image that the policy of its project forbids.
func (f *Findings) ForbiddenSoftware(ctx context.Context, img plimsoll.Image) ([]plimsoll.ForbiddenSoftware, error) {
	return f.store.ForbiddenSoftware(ctx, img)
}
