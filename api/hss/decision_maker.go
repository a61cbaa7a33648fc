package hss

import (
	"context"
	"slices"

	"plimsoll"
	"plimsoll/api/base"
)

// VulnerabilityCensus lists what is found across a tenant's images.
type VulnerabilityCensus interface {
	// ProjectVulnerabilities returns the canonical ids found in packages of a kind ("" = any); an
	// empty enterprise project is the whole project.
	ProjectVulnerabilities(ctx context.Context, t plimsoll.Tenant, kind plimsoll.SetKind) ([]string, error)
}

// DecisionKeeper keeps decisions about findings.
type DecisionKeeper interface {
	// ChangeDecisions ends some and makes others, all or none, and returns those that were made.
	ChangeDecisions(ctx context.Context, made, ended []plimsoll.Decision) ([]plimsoll.Decision, error)

	// Decisions lists them newest first.
	Decisions(ctx context.Context, f plimsoll.DecisionFilter) ([]plimsoll.Decision, error)
}

// decisionRequest selects vulnerabilities and holds what is decided about them.
type decisionRequest struct {
	tenant plimsoll.Tenant // an empty enterprise project is the whole project
	by     string          // name of the user
	reason string
	kind   plimsoll.SetKind        // in packages of this kind
	status plimsoll.DecisionStatus // "" = take earlier decisions back

	handled    *bool                // only vulnerabilities in this state; nil = any
	all        bool                 // every vulnerability found in the tenant's images
	everywhere []string             // ids, in every image
	pairs      []imageVulnerability // in single images
}

// imageVulnerability is a vulnerability of an image; an empty one is every vulnerability that the image has.
type imageVulnerability struct{ image, vulnerability string }

// maxHandled limits the decisions of one request.
const maxHandled = 10_000

var errTooManyHandled = plimsoll.Errorf(plimsoll.Invalid, "more than %d vulnerabilities are chosen at once", maxHandled)

// decisionMaker turns one request into decisions.
type decisionMaker struct {
	images          base.ImageFinder
	vulnerabilities VulnerabilityLister
	census          VulnerabilityCensus
	decisions       DecisionKeeper
	request         decisionRequest

	targets map[plimsoll.Digest][]string // vulnerability ids by manifest digest; "" is every image
	known   map[string]plimsoll.Image    // by id, as the request has it
	found   map[plimsoll.Digest]map[string][]plimsoll.Placed
}

// decide writes the decisions that the request asks for, all or none.
func (m *decisionMaker) decide(ctx context.Context) error {
	if err := m.chooseTargets(ctx); err != nil {
		return err
	}
	if err := m.filterTargets(ctx); err != nil {
		return err
	}
	made, ended, err := m.changes(ctx)
	if err != nil || len(made)+len(ended) == 0 {
		return err
	}
	_, err = m.decisions.ChangeDecisions(ctx, made, ended)
	return err
}

// chooseTargets finds the targets that the request selects.
func (m *decisionMaker) chooseTargets(ctx context.Context) error {
	m.targets, m.known, m.found = map[plimsoll.Digest][]string{}, map[string]plimsoll.Image{}, map[plimsoll.Digest]map[string][]plimsoll.Placed{}
	m.targets[""] = m.request.everywhere
	if m.request.all {
		ids, err := m.census.ProjectVulnerabilities(ctx, m.request.tenant, m.request.kind)
		if err != nil {
			return err
		}
		m.targets[""] = ids
	}
	for i, pair := range m.request.pairs {
		if i == maxHandled {
			return errTooManyHandled
		}
		if err := m.addPair(ctx, pair); err != nil {
			return err
		}
	}
	return nil
}

func (m *decisionMaker) addPair(ctx context.Context, pair imageVulnerability) error {
	img, err := m.findImage(ctx, pair.image)
	if err != nil {
		return err
	}
	if pair.vulnerability != "" {
		m.targets[img.Digest] = append(m.targets[img.Digest], pair.vulnerability)
		return nil
	}
	for _, list := range m.found[img.Digest] {
		m.targets[img.Digest] = append(m.targets[img.Digest], list[0].ID)
	}
	return nil
}

// findImage finds an image and its vulnerabilities, once per id.
func (m *decisionMaker) findImage(ctx context.Context, id string) (plimsoll.Image, error) {
	if img, known := m.known[id]; known {
		return img, nil
	}
	if id == "" {
		return plimsoll.Image{}, base.ErrNoImage()
	}
	lookup := plimsoll.ImageLookup{ProjectID: m.request.tenant.ProjectID, ID: id, EnterpriseProjects: m.enterpriseProjects()}
	img, err := base.FindImage(ctx, m.images, lookup)
	if err != nil {
		return img, err
	}
	m.known[id] = img
	m.found[img.Digest], err = m.vulnerabilitiesOf(ctx, img)
	return img, err
}

func (m *decisionMaker) enterpriseProjects() []string {
	if m.request.tenant.EnterpriseProject == "" {
		return nil
	}
	return []string{m.request.tenant.EnterpriseProject}
}

// vulnerabilitiesOf returns those in the chosen kind of package, by each of their ids and aliases.
func (m *decisionMaker) vulnerabilitiesOf(ctx context.Context, img plimsoll.Image) (map[string][]plimsoll.Placed, error) {
	out := map[string][]plimsoll.Placed{}
	filter := plimsoll.VulnerabilityFilter{OS: new(m.request.kind == plimsoll.SetOS)}
	for {
		page, err := m.vulnerabilities.ImageVulnerabilities(ctx, img, filter)
		if err != nil {
			return nil, err
		}
		for _, p := range page.Items {
			ids := slices.Concat([]string{p.ID}, p.Advisories, p.Aliases)
			slices.Sort(ids)
			for _, id := range slices.Compact(ids) {
				out[id] = append(out[id], p)
			}
		}
		if filter.Offset += len(page.Items); len(page.Items) == 0 || filter.Offset >= page.Total {
			return out, nil
		}
	}
}

// filterTargets sorts the targets and keeps those in the state that was asked for: in an image by its findings, in
// every image by whether a decision of the tenant about all of them handles the id.
func (m *decisionMaker) filterTargets(ctx context.Context) error {
	n := 0
	for digest, ids := range m.targets {
		slices.Sort(ids)
		ids = slices.Compact(ids)
		if want := m.request.handled; want != nil {
			kept := ids[:0:0]
			for _, id := range ids {
				handled, err := m.isHandled(ctx, digest, id)
				if err != nil {
					return err
				}
				if handled == *want {
					kept = append(kept, id)
				}
			}
			ids = kept
		}
		m.targets[digest] = ids
		n += len(ids)
	}
	if n > maxHandled {
		return errTooManyHandled
	}
	return nil
}

// isHandled reports whether every finding of an id is handled.
func (m *decisionMaker) isHandled(ctx context.Context, digest plimsoll.Digest, id string) (bool, error) {
	if digest == "" {
		list, err := m.activeDecisions(ctx, id)
		return slices.ContainsFunc(list, func(d plimsoll.Decision) bool {
			return d.Status.Handled() && m.coversTenant(d)
		}), err
	}
	found := m.found[digest][id]
	return len(found) > 0 && !slices.ContainsFunc(found, func(p plimsoll.Placed) bool { return !p.Handled() }), nil
}

// coversTenant reports whether a decision is about every image of the tenant, in packages of the chosen kind.
func (m *decisionMaker) coversTenant(d plimsoll.Decision) bool {
	s := d.Scope
	s.Packages = ""
	return s == plimsoll.DecisionScope{} && (d.Scope.Packages == "" || d.Scope.Packages == m.request.kind) &&
		(d.EnterpriseProject == "" || d.EnterpriseProject == m.request.tenant.EnterpriseProject)
}

// activeDecisions lists the active decisions of the tenant about an id.
func (m *decisionMaker) activeDecisions(ctx context.Context, id string) ([]plimsoll.Decision, error) {
	var out []plimsoll.Decision
	f := plimsoll.DecisionFilter{
		ProjectID: m.request.tenant.ProjectID, EnterpriseProjects: m.enterpriseProjects(), Finding: id, Limit: plimsoll.MaxLimit,
	}
	for {
		page, err := m.decisions.Decisions(ctx, f)
		if err != nil {
			return nil, err
		}
		out = append(out, page...)
		if len(page) < f.Limit {
			return out, nil
		}
		f.Before = page[len(page)-1].ID
	}
}

// changes returns the decisions to make and to end.
func (m *decisionMaker) changes(ctx context.Context) (made, ended []plimsoll.Decision, err error) {
	for digest, ids := range m.targets {
		for _, id := range ids {
			d := plimsoll.Decision{
				Tenant: m.request.tenant, Kind: plimsoll.FindingVulnerability, Finding: id,
				Scope:  plimsoll.DecisionScope{Digest: digest, Packages: m.request.kind},
				Status: m.request.status, Reason: m.request.reason, Author: m.request.by,
			}
			if d.Status != "" {
				made = append(made, d)
				continue
			}
			more, over, err := m.undo(ctx, d)
			if err != nil {
				return nil, nil, err
			}
			made, ended = append(made, more...), append(ended, over...)
		}
	}
	return made, ended, nil
}

// undo ends what the tenant's people decided about a target. If a wider decision, or one of a document,
// still handles it, the target gets a decision "affected".
func (m *decisionMaker) undo(ctx context.Context, d plimsoll.Decision) (made, ended []plimsoll.Decision, err error) {
	active, err := m.activeDecisions(ctx, d.Finding)
	if err != nil {
		return nil, nil, err
	}
	stillHandled := false
	for _, a := range active {
		own := a.Document == "" && a.EnterpriseProject == d.EnterpriseProject && (a.Scope.Packages == "" || a.Scope.Packages == m.request.kind)
		switch {
		case own && (d.Scope.Digest == "" || a.Scope.Digest == d.Scope.Digest && a.Scope.Package == ""):
			a.EndedBy = m.request.by
			ended = append(ended, a)
		case a.Status.Handled() && (a.Scope.Digest == "" || d.Scope.Digest == "" || a.Scope.Digest == d.Scope.Digest):
			stillHandled = true
		}
	}
	for _, p := range m.found[d.Scope.Digest][d.Finding] { // decisions that name it by another id
		stillHandled = stillHandled || p.Handled() && !slices.ContainsFunc(ended, func(e plimsoll.Decision) bool { return e.ID == p.Decision.ID })
	}
	if stillHandled {
		d.Status = plimsoll.StatusAffected
		made = append(made, d)
	}
	return made, ended, nil
}
