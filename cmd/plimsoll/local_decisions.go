package main

import (
	"context"

	"plimsoll"
)

// localAuthor is whose decisions are that are made on the data directory itself.
const localAuthor = "operator"

// wholeProject is the enterprise project that means every one.
const wholeProject = "all_granted_eps"

// decidesFor is the tenant that --enterprise-project means for what is added.
func (l *localBackend) decidesFor() plimsoll.Tenant {
	t := plimsoll.Tenant{ProjectID: l.site.project.ID, EnterpriseProject: l.enterpriseProject}
	switch t.EnterpriseProject {
	case "":
		t.EnterpriseProject = plimsoll.DefaultEnterpriseProject
	case wholeProject:
		t.EnterpriseProject = ""
	}
	return t
}

// seen are the enterprise projects that --enterprise-project means for lists.
func (l *localBackend) seen() []string {
	if l.enterpriseProject == "" || l.enterpriseProject == wholeProject {
		return nil
	}
	return []string{l.enterpriseProject}
}

// Decisions lists the project's decisions.
func (l *localBackend) Decisions(ctx context.Context, f plimsoll.DecisionFilter) ([]plimsoll.Decision, error) {
	f.ProjectID, f.EnterpriseProjects = l.site.project.ID, l.seen()
	return l.inventory.Decisions(ctx, f)
}

// AddDecision makes a decision; counts follow before it returns.
func (l *localBackend) AddDecision(ctx context.Context, d plimsoll.Decision) (plimsoll.Decision, error) {
	t := l.decidesFor()
	d.ProjectID, d.EnterpriseProject, d.Author = t.ProjectID, t.EnterpriseProject, localAuthor
	made, err := l.inventory.Decide(ctx, []plimsoll.Decision{d})
	if err != nil {
		return d, err
	}
	return made[0], l.followDecisions(ctx, plimsoll.Work{})
}

// RemoveDecision ends a decision; counts follow before it returns.
func (l *localBackend) RemoveDecision(ctx context.Context, id int64) error {
	if err := l.inventory.EndDecision(ctx, l.site.project.ID, nil, id, localAuthor); err != nil {
		return err
	}
	return l.followDecisions(ctx, plimsoll.Work{})
}

// ImportVEX imports a document; counts follow before it returns.
func (l *localBackend) ImportVEX(ctx context.Context, document []byte) (plimsoll.DocumentImport, error) {
	out, err := l.site.ImportVEX(ctx, l.decidesFor(), localAuthor, document)
	if err != nil {
		return out, err
	}
	return out, l.followDecisions(ctx, plimsoll.Work{})
}

// ExportVEX writes decisions as OpenVEX.
func (l *localBackend) ExportVEX(ctx context.Context, image string) ([]byte, error) {
	if image == "" {
		return l.site.ExportVEX(ctx, l.site.project.ID, l.seen(), nil)
	}
	img, err := l.inventory.FindImage(ctx, plimsoll.ImageLookup{ProjectID: l.site.project.ID, EnterpriseProjects: l.seen(), ID: image})
	if err != nil {
		return nil, err
	}
	return l.site.ExportVEX(ctx, l.site.project.ID, nil, &img)
}
