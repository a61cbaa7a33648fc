package v1

import (
	"context"
	"runtime"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
	"plimsoll/api/base"
)

// Roles are what the handlers ask; all of them are required.
type Roles struct {
	Images        ImageLister
	Lookup        base.ImageFinder
	Packages      PackageLister
	Files         FileLister
	Settings      SettingLister
	Software      SoftwareKeeper
	Secrets       SecretLister
	Histories     HistoryReader
	Scans         Scanner
	Registries    RegistryStore
	NewRegistries RegistryAdder
	Tasks         TaskStore
	Advisories    AdvisoryKeeper
	Users         UserKeeper
	Keys          KeyKeeper
	Decisions     DecisionKeeper
	VEX           VEXKeeper
	Explainer     Explainer

	// SecretProfiles are profiles of the parameter profile of listSecrets, beside the default one.
	SecretProfiles map[string]plimsoll.SecretProfile
}

// handlers holds what the handlers of the family share.
type handlers struct {
	cfg   base.Config
	roles Roles
}

// Family returns our own operations.
func Family(cfg base.Config, roles Roles) *base.Family {
	return &base.Family{
		Name: "v1", Title: "Our own operations", Prefixes: []string{"/api"},
		Operations: operations, Handlers: &handlers{cfg: cfg, roles: roles},
		ErrorBody: errorBody, ProjectQuery: true,
	}
}

// ownError is the error body of our own operations.
type ownError struct {
	status    int
	Code      plimsoll.Code `json:"code" doc:"invalid, unauthenticated, forbidden, not_found, conflict, too_large, throttled, unavailable or internal"`
	Message   string        `json:"message"`
	Hint      string        `json:"hint,omitempty" doc:"What can be done about it"`
	RequestID string        `json:"request_id"`
}

func (e *ownError) Error() string  { return e.Message }
func (e *ownError) GetStatus() int { return e.status }

func errorBody(f base.Failure) huma.StatusError {
	return &ownError{status: f.Status, Code: f.Code, Message: f.Message, Hint: f.Hint, RequestID: f.RequestID}
}

// ProjectQuery names the tenant that an operation is about.
type ProjectQuery struct {
	Project           string `query:"project" maxLength:"256" doc:"Id or name of the project, for callers with several; absent = the token's, or the only one"`
	EnterpriseProject string `query:"enterprise_project_id" maxLength:"256" doc:"Enterprise project; absent = every one that the caller may see"`
}

// EnterpriseProjectID returns the enterprise project that the request names.
func (q ProjectQuery) EnterpriseProjectID() string {
	if q.EnterpriseProject == "" {
		return base.AllEnterpriseProjects
	}
	return q.EnterpriseProject
}

// WholeProjectQuery names the project of an operation that is not about one enterprise project.
type WholeProjectQuery struct {
	Project string `query:"project" maxLength:"256" doc:"Id or name of the project, for callers with several; absent = the token's, or the only one"`
}

// PageQuery holds the paging parameters of lists.
type PageQuery struct {
	After string `query:"after" maxLength:"8192" doc:"Member next of the page before; absent = the first page"`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Rows per page"`
}

// ImagePath names one image.
type ImagePath struct {
	ProjectQuery
	ID string `path:"id" minLength:"1" maxLength:"128" doc:"Record id, or the hex digits of the manifest digest"`
}

// findImage finds the image that a request names, or one that it names otherwise, among those the caller may see.
func (h *handlers) findImage(ctx context.Context, id string) (plimsoll.Image, error) {
	scope := base.ScopeOf(ctx)
	return base.FindImage(ctx, h.roles.Lookup, plimsoll.ImageLookup{ProjectID: scope.ProjectID, EnterpriseProjects: scope.EnterpriseProjects, ID: id})
}

type versionOutput struct {
	Body struct {
		Version string `json:"version"`
		Go      string `json:"go"`
	}
}

func (h *handlers) showVersion(context.Context, *struct{}) (*versionOutput, error) {
	out := &versionOutput{}
	out.Body.Version, out.Body.Go = h.cfg.Version, runtime.Version()
	return out, nil
}
