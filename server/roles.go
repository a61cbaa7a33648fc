package server

import (
	"context"

	"plimsoll"
	"plimsoll/api"
	"plimsoll/app"
)

// Handler is the API over the use cases of a site. trust is which uploaded bundles are imported. The site works on its
// backlog: call Tasks.Prepare before.
func Handler(site *app.Site, c Config, trust app.Trust) *api.API {
	config := api.DefaultConfig()
	config.Version, config.Log, config.OperatorDomain, config.PublicURL = c.Version, c.Logger, site.Domain.ID, c.PublicURL
	config.TempDir = site.TempDir() // a killed server leaves no upload behind
	return api.New(config, api.Roles{
		Callers: site.SignIns, SignIns: signIns{site.SignIns}, Projects: site.Users, Users: users{site.Users}, Keys: site.Users,
		Registries: site.Registries, NewRegistries: newRegistries{site.Registries}, Scans: site.Scans, Tasks: site.Tasks,
		Images: site.Images, Lookup: site.Images, Histories: site.Images, Files: site.Images,
		Settings: site.Findings, Software: site.Findings, Secrets: site.Findings, Malware: site.Findings,
		Vulnerabilities: site.Findings, Census: site.Findings, CVEs: site.Findings,
		Explainer: site.Explanations, Decisions: site.Decisions, VEX: site.VEX, WeakPasswords: site.PasswordLists,
		Advisories:  advisories{site.Advisories, trust},
		SecretRules: site.Analysis.SecretTitles(),
		Checks:      []api.Check{{Name: "store", Run: site.CheckStore}, {Name: "advisories", Run: site.CheckAdvisories}},
	})
}

// signIns translates the API's type of a sign-in to the use case's.
type signIns struct{ app *app.SignIns }

func (s signIns) SignIn(ctx context.Context, in api.SignIn) (string, plimsoll.Token, plimsoll.Principal, error) {
	return s.app.SignIn(ctx, app.SignIn(in))
}

// users translates the API's type of a new user to the use case's.
type users struct{ app *app.Users }

func (u users) Users(ctx context.Context, domainID string) ([]plimsoll.User, error) {
	return u.app.Users(ctx, domainID)
}

func (u users) User(ctx context.Context, domainID, name string) (plimsoll.User, error) {
	return u.app.User(ctx, domainID, name)
}

func (u users) AddUser(ctx context.Context, spec api.UserSpec) (plimsoll.User, error) {
	return u.app.Add(ctx, app.NewUser(spec))
}

func (u users) RemoveUser(ctx context.Context, userID string) error {
	return u.app.RemoveUser(ctx, userID)
}

func (u users) SetPassword(ctx context.Context, userID, password string) error {
	return u.app.SetPassword(ctx, userID, password)
}

// newRegistries adds registries for callers.
type newRegistries struct{ app *app.Registries }

func (r newRegistries) AddRegistry(ctx context.Context, _ plimsoll.Principal, spec plimsoll.RegistrySpec) (plimsoll.Registry, error) {
	return r.app.Add(ctx, spec)
}

// advisories imports what callers upload, if it is trusted.
type advisories struct {
	app   *app.Advisories
	trust app.Trust
}

func (a advisories) AdvisoryStatus(ctx context.Context) (plimsoll.AdvisoryStatus, error) {
	return a.app.AdvisoryStatus(ctx)
}

func (a advisories) ImportAdvisories(ctx context.Context, feed, file string) (plimsoll.ImportOutcome, error) {
	return a.app.Import(ctx, app.Import{Path: file, Feed: feed, Trust: a.trust, By: "import"})
}
