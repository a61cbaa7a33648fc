package server

import (
	"context"

	"plimsoll"
	"plimsoll/api"
	"plimsoll/api/hss"
	"plimsoll/api/iam"
	v1 "plimsoll/api/v1"
	"plimsoll/app"
)

// Handler is the API over the use cases of a site. trust is which uploaded bundles are imported. The site works on its
// backlog: call Tasks.Prepare before.
func Handler(site *app.Site, c Config, trust app.Trust) *api.API {
	config := api.DefaultConfig()
	config.Version, config.Log, config.OperatorDomain, config.PublicURL = c.Version, c.Logger, site.Domain.ID, c.PublicURL
	config.TempDir = site.TempDir() // a killed server leaves no upload behind
	return api.New(config, api.Roles{
		Callers: site.SignIns,
		HSS:     contractRoles(site),
		IAM:     iam.Roles{Tokens: site.SignIns, SignIns: signIns{site.SignIns}, Projects: site.Users},
		V1:      ownRoles(site, trust),
		Checks:  []api.Check{{Name: "store", Run: site.CheckStore}, {Name: "advisories", Run: site.CheckAdvisories}},
	})
}

// contractRoles implement the operations of the vendor's contract.
func contractRoles(site *app.Site) hss.Roles {
	return hss.Roles{
		Images: site.Images, Lookup: site.Images, Files: site.Images, Scans: site.Scans, Registries: site.Registries, Tasks: site.Tasks,
		Settings: site.Findings, Software: site.Findings, Secrets: site.Findings, Malware: site.Findings,
		Vulnerabilities: site.Findings, Census: site.Findings, CVEs: site.Findings,
		Decisions: site.Decisions, WeakPasswords: site.PasswordLists, SecretRules: site.Analysis.SecretTitles(),
	}
}

// ownRoles implement the operations under /api/v1.
func ownRoles(site *app.Site, trust app.Trust) v1.Roles {
	return v1.Roles{
		Images: site.Images, Lookup: site.Images, Histories: site.Images, Files: site.Images,
		Settings: site.Findings, Packages: site.Findings, Software: site.Findings, Secrets: site.Findings, Scans: site.Scans, Tasks: site.Tasks,
		Registries: site.Registries, NewRegistries: newRegistries{site.Registries}, Advisories: advisories{site.Advisories, trust},
		Users: users{site.Users}, Keys: site.Users, Decisions: site.Decisions, VEX: site.VEX, Explainer: site.Explanations,
	}
}

// signIns translates the API's type of a sign-in to the use case's.
type signIns struct{ app *app.SignIns }

func (s signIns) SignIn(ctx context.Context, in iam.SignIn) (string, plimsoll.Token, plimsoll.Principal, error) {
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

func (u users) AddUser(ctx context.Context, spec v1.UserSpec) (plimsoll.User, error) {
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
