package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
	"plimsoll/api/base"
	"plimsoll/api/hss"
	"plimsoll/api/iam"
	v1 "plimsoll/api/v1"
)

// Config is what a deployment can choose.
type Config = base.Config

// DefaultConfig allows bodies of 12 MB, as the vendor's gateway does, and feeds of 2 GiB.
func DefaultConfig() Config { return base.DefaultConfig() }

// Roles are what the families ask; all of them are required.
type Roles struct {
	Callers base.Callers
	HSS     hss.Roles
	IAM     iam.Roles
	V1      v1.Roles // without SecretProfiles, which New fills in
	Checks  []Check  // of GET /readyz
}

// API is the HTTP handler of the whole service.
type API struct{ server *base.Server }

// New builds the handler.
func New(cfg Config, roles Roles) *API {
	a := &API{server: base.NewServer(cfg, roles.Callers, roles.IAM.Projects, families(cfg, roles)...)}
	a.addDocsPages()
	return a
}

// families returns the families in the order of the documentation. Paths of none of them get errors of the first.
func families(cfg Config, roles Roles) []*base.Family {
	vendor := hss.SecretProfile()
	roles.V1.SecretProfiles = map[string]plimsoll.SecretProfile{vendor.Name: vendor}
	contract := hss.Family(cfg, roles.HSS)
	return []*base.Family{contract, iam.Family(roles.IAM), v1.Family(cfg, roles.V1), serviceFamily(roles.Checks, contract)}
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.server.ServeHTTP(w, r) }

// OpenAPI returns the description of every operation, as served at /openapi.json.
func (a *API) OpenAPI() *huma.OpenAPI { return a.server.OpenAPI() }
