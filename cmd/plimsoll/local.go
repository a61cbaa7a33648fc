package main

import (
	"context"
	"fmt"

	"plimsoll"
	"plimsoll/app"
)

// localBackend is the data directory of this machine, in the project of --project and the enterprise project of
// --enterprise-project.
type localBackend struct {
	site              *app.Site
	projectID         string
	enterpriseProject string // "" = not given
}

func (a *application) openLocal(ctx context.Context) (*localBackend, error) {
	site, err := a.openSite(ctx, a.config())
	if err != nil {
		return nil, err
	}
	return &localBackend{site: site, projectID: site.Project.ID, enterpriseProject: a.enterpriseProject}, nil
}

// openSite opens the data directory. It shows the password of the first user, if it makes one: it is the
// only time that it is shown.
func (a *application) openSite(ctx context.Context, c app.Config) (*app.Site, error) {
	site, err := app.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	if c := site.FirstUser; c != nil {
		fmt.Fprintf(a.errs, "made project %s (%s) and user %s with password %s\nthis password is shown once; change it with `plimsoll user password %s`\n",
			c.Project.Name, c.Project.ID, c.User.Name, c.Password, c.User.Name)
	}
	return site, nil
}

// localAuthor is the author of decisions that are made on the data directory itself.
const localAuthor = "operator"

// wholeProject is the value of --enterprise-project that means every one.
const wholeProject = "all_granted_eps"

// tenant is what --enterprise-project means for what is added.
func (l *localBackend) tenant() plimsoll.Tenant {
	t := plimsoll.Tenant{ProjectID: l.projectID, EnterpriseProject: l.enterpriseProject}
	switch t.EnterpriseProject {
	case "":
		t.EnterpriseProject = plimsoll.DefaultEnterpriseProject
	case wholeProject:
		t.EnterpriseProject = ""
	}
	return t
}

// enterpriseProjects is what --enterprise-project means for lists; nil = all.
func (l *localBackend) enterpriseProjects() []string {
	if l.enterpriseProject == "" || l.enterpriseProject == wholeProject {
		return nil
	}
	return []string{l.enterpriseProject}
}

func (l *localBackend) findImage(ctx context.Context, id string, enterpriseProjects []string) (plimsoll.Image, error) {
	return l.site.Images.FindImage(ctx, plimsoll.ImageLookup{ProjectID: l.projectID, EnterpriseProjects: enterpriseProjects, ID: id})
}

func (l *localBackend) Images(ctx context.Context, f plimsoll.ImageFilter) (plimsoll.Page[plimsoll.Image], error) {
	f.ProjectID = l.projectID
	return l.site.Images.Images(ctx, f)
}

func (l *localBackend) ImageHistory(ctx context.Context, image string, f plimsoll.HistoryFilter) (plimsoll.HistoryPage, error) {
	img, err := l.findImage(ctx, image, nil)
	if err != nil {
		return plimsoll.HistoryPage{}, err
	}
	return l.site.Images.ImageHistory(ctx, img, f)
}

func (l *localBackend) ImageFindingsAt(ctx context.Context, image string, f plimsoll.HistoryFilter) (plimsoll.FindingsAt, error) {
	img, err := l.findImage(ctx, image, nil)
	if err != nil {
		return plimsoll.FindingsAt{}, err
	}
	return l.site.Images.ImageFindingsAt(ctx, img, f)
}

func (l *localBackend) Explain(ctx context.Context, img plimsoll.Image, id string) (plimsoll.Explanation, error) {
	return l.site.Explanations.Explain(ctx, img, id)
}

func (l *localBackend) Decisions(ctx context.Context, f plimsoll.DecisionFilter) ([]plimsoll.Decision, error) {
	f.ProjectID, f.EnterpriseProjects = l.projectID, l.enterpriseProjects()
	return l.site.Decisions.Decisions(ctx, f)
}

func (l *localBackend) AddDecision(ctx context.Context, d plimsoll.Decision) (plimsoll.Decision, error) {
	t := l.tenant()
	d.ProjectID, d.EnterpriseProject, d.Author = t.ProjectID, t.EnterpriseProject, localAuthor
	made, err := l.site.Decisions.ChangeDecisions(ctx, []plimsoll.Decision{d}, nil)
	if len(made) == 0 {
		return d, err
	}
	return made[0], err
}

func (l *localBackend) RemoveDecision(ctx context.Context, id int64) error {
	return l.site.Decisions.EndDecision(ctx, l.projectID, nil, id, localAuthor)
}

func (l *localBackend) ImportVEX(ctx context.Context, document []byte) (plimsoll.DocumentImport, error) {
	return l.site.VEX.ImportVEX(ctx, l.tenant(), localAuthor, document)
}

func (l *localBackend) ExportVEX(ctx context.Context, image string) ([]byte, error) {
	if image == "" {
		return l.site.VEX.ExportVEX(ctx, l.projectID, l.enterpriseProjects(), nil)
	}
	img, err := l.findImage(ctx, image, l.enterpriseProjects())
	if err != nil {
		return nil, err
	}
	return l.site.VEX.ExportVEX(ctx, l.projectID, nil, &img)
}

func (l *localBackend) Registries(ctx context.Context) ([]plimsoll.Registry, error) {
	return l.site.Registries.Registries(ctx, l.projectID, nil)
}

func (l *localBackend) AddRegistry(ctx context.Context, spec plimsoll.RegistrySpec) (plimsoll.Registry, error) {
	spec.ProjectID = l.projectID
	return l.site.Registries.Add(ctx, spec)
}

func (l *localBackend) RemoveRegistry(ctx context.Context, name string) error {
	return l.site.Registries.RemoveNamed(ctx, l.projectID, name)
}

func (l *localBackend) Sync(ctx context.Context, name string, watch func(plimsoll.Task)) (plimsoll.Task, error) {
	return l.site.Registries.Sync(ctx, l.projectID, name, watch)
}

func (l *localBackend) AdvisoryStatus(ctx context.Context) (plimsoll.AdvisoryStatus, error) {
	return l.site.Advisories.AdvisoryStatus(ctx)
}

func (l *localBackend) ImportAdvisories(ctx context.Context, path, feed string, trust app.Trust, watch func(int)) (plimsoll.ImportOutcome, error) {
	return l.site.Advisories.Import(ctx, app.Import{Path: path, Feed: feed, Trust: trust, By: localAuthor, Watch: watch})
}

func (l *localBackend) Users(ctx context.Context) ([]plimsoll.User, error) {
	return l.site.Users.Users(ctx, l.site.Domain.ID)
}

func (l *localBackend) AddUser(ctx context.Context, name, password string, grants []plimsoll.Grant) (plimsoll.User, error) {
	for i := range grants {
		grants[i].ProjectID = l.projectID
	}
	return l.site.Users.Add(ctx, app.NewUser{Domain: l.site.Domain.ID, Name: name, Password: password, Grants: grants})
}

func (l *localBackend) SetPassword(ctx context.Context, name, password string) error {
	u, err := l.site.Users.User(ctx, l.site.Domain.ID, name)
	if err != nil {
		return err
	}
	return l.site.Users.SetPassword(ctx, u.ID, password)
}

func (l *localBackend) RemoveUser(ctx context.Context, name string) error {
	u, err := l.site.Users.User(ctx, l.site.Domain.ID, name)
	if err != nil {
		return err
	}
	return l.site.Users.RemoveUser(ctx, u.ID)
}

// keyOwner finds the user whose keys are meant; "" is the first administrator.
func (l *localBackend) keyOwner(ctx context.Context, user string) (plimsoll.User, error) {
	if user == "" {
		user = "admin"
	}
	return l.site.Users.User(ctx, l.site.Domain.ID, user)
}

func (l *localBackend) Keys(ctx context.Context, user string) ([]plimsoll.AccessKey, error) {
	u, err := l.keyOwner(ctx, user)
	if err != nil {
		return nil, err
	}
	return l.site.Users.Keys(ctx, u.ID)
}

func (l *localBackend) CreateKey(ctx context.Context, user, description string) (access, secret string, err error) {
	u, err := l.keyOwner(ctx, user)
	if err != nil {
		return "", "", err
	}
	return l.site.Users.CreateKey(ctx, u.ID, description)
}

// RevokeKey revokes a key of a user, or of any user if none is named.
func (l *localBackend) RevokeKey(ctx context.Context, user, access string) error {
	if user == "" {
		return l.site.Users.RevokeKey(ctx, access)
	}
	u, err := l.keyOwner(ctx, user)
	if err != nil {
		return err
	}
	return l.site.Users.RevokeKeyOf(ctx, u, access)
}

func (l *localBackend) Close() error { return l.site.Close() }
