package v1

import (
	"context"
	"time"

	"plimsoll"
	"plimsoll/api/base"
)

// RegistryStore keeps registries.
type RegistryStore interface {
	// Registries lists those of a project in the given enterprise projects; nil means every one.
	Registries(ctx context.Context, projectID string, enterpriseProjects []string) ([]plimsoll.Registry, error)

	// RemoveRegistry removes a registry with its images.
	RemoveRegistry(ctx context.Context, projectID string, id int64) error
}

// RegistryAdder adds registries.
type RegistryAdder interface {
	// AddRegistry probes a registry, seals its secret and saves it; Conflict if the name is taken.
	AddRegistry(ctx context.Context, by plimsoll.Principal, spec plimsoll.RegistrySpec) (plimsoll.Registry, error)
}

type listRegistriesInput struct {
	ProjectQuery
	PageQuery
}

type listRegistriesOutput struct {
	Body base.List[plimsoll.Registry]
}

// registryBody is a registry to add, with the members of plimsoll.RegistrySpec. Members that the server sets are ignored.
type registryBody struct {
	_                 struct{}              `additionalProperties:"true"`
	Name              string                `json:"name" minLength:"1" maxLength:"128" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$" doc:"Unique in the project"`
	URL               string                `json:"url" minLength:"1" maxLength:"2048" doc:"Scheme and host"`
	Kind              plimsoll.RegistryKind `json:"kind,omitempty" enum:"other,harbor,jfrog,swr-private,swr-shared,swr-enterprise" default:"other"`
	EnterpriseProject string                `json:"enterprise_project_id,omitempty" maxLength:"256" default:"0"`
	Username          string                `json:"username,omitempty" maxLength:"512"`
	Secret            string                `json:"secret,omitempty" maxLength:"32768" writeOnly:"true"`
	AuthHosts         []string              `json:"auth_hosts,omitempty" maxItems:"32" doc:"host:port of token realms that may be sent the credentials"`
	Repositories      []string              `json:"repositories,omitempty" maxItems:"10000" doc:"Read these instead of the catalog"`
	ScanOnSync        *bool                 `json:"scan_on_sync,omitempty" doc:"Default true"`
	SharedBytes       bool                  `json:"shared_bytes,omitempty" doc:"Every project may reuse what was found in these layers"`
	InstanceID        string                `json:"instance_id,omitempty" maxLength:"128"`
	InstanceName      string                `json:"instance_name,omitempty" maxLength:"128"`
	InstanceURL       string                `json:"instance_url,omitempty" maxLength:"2048"`
	Owner             string                `json:"owner,omitempty" maxLength:"256" doc:"Account that shares the images"`
	ShareExpires      time.Time             `json:"share_expires,omitempty"`
}

type addRegistryInput struct {
	WholeProjectQuery
	Body registryBody
}

type registryOutput struct{ Body plimsoll.Registry }

type oneRegistryInput struct {
	ProjectQuery
	Name string `path:"name" minLength:"1" maxLength:"128" doc:"Name of the registry"`
}

func (h *handlers) listRegistries(ctx context.Context, in *listRegistriesInput) (*listRegistriesOutput, error) {
	scope := base.ScopeOf(ctx)
	registries, err := h.roles.Registries.Registries(ctx, scope.ProjectID, scope.EnterpriseProjects)
	if err != nil {
		return nil, err
	}
	list, err := base.PageAfter(registries, in.After, in.Limit, func(r plimsoll.Registry) string { return r.Name })
	return &listRegistriesOutput{Body: list}, err
}

func (h *handlers) addRegistry(ctx context.Context, in *addRegistryInput) (*registryOutput, error) {
	p, b := base.Caller(ctx), in.Body
	if _, err := base.EnterpriseProjects(p, plimsoll.RoleAdmin, b.EnterpriseProject); err != nil {
		return nil, err
	}
	if b.EnterpriseProject == base.AllEnterpriseProjects {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "a registry belongs to one enterprise project")
	}
	if b.SharedBytes {
		if err := base.CheckOperator(p, h.cfg.OperatorDomain); err != nil {
			return nil, err
		}
	}
	spec := plimsoll.RegistrySpec{Secret: b.Secret, Registry: plimsoll.Registry{
		Tenant: plimsoll.Tenant{ProjectID: p.Project.ID, EnterpriseProject: b.EnterpriseProject}, Name: b.Name, URL: b.URL, Kind: b.Kind,
		Username: b.Username, AuthHosts: b.AuthHosts, Repositories: b.Repositories,
		ScanOnSync: b.ScanOnSync == nil || *b.ScanOnSync, SharedBytes: b.SharedBytes,
		InstanceID: b.InstanceID, InstanceName: b.InstanceName, InstanceURL: b.InstanceURL,
		Owner: b.Owner, ShareExpires: b.ShareExpires,
	}}
	added, err := h.roles.NewRegistries.AddRegistry(ctx, p, spec)
	if err != nil {
		return nil, err
	}
	return &registryOutput{Body: added}, nil
}

func (h *handlers) removeRegistry(ctx context.Context, in *oneRegistryInput) (*struct{}, error) {
	r, err := h.findRegistry(ctx, in, plimsoll.RoleAdmin)
	if err != nil {
		return nil, err
	}
	return nil, h.roles.Registries.RemoveRegistry(ctx, r.ProjectID, r.ID)
}

func (h *handlers) syncRegistry(ctx context.Context, in *oneRegistryInput) (*taskOutput, error) {
	r, err := h.findRegistry(ctx, in, plimsoll.RoleEditor)
	if err != nil {
		return nil, err
	}
	task, err := base.StartSync(ctx, h.roles.Tasks, base.Caller(ctx).User.Name, []plimsoll.Registry{r})
	if err != nil {
		return nil, err
	}
	return &taskOutput{Body: task}, nil
}

// findRegistry finds a registry by name among those that the caller sees, and requires the role for it.
func (h *handlers) findRegistry(ctx context.Context, in *oneRegistryInput, role plimsoll.Role) (plimsoll.Registry, error) {
	p := base.Caller(ctx)
	seen, err := base.EnterpriseProjects(p, plimsoll.RoleReader, in.EnterpriseProjectID())
	if err != nil {
		return plimsoll.Registry{}, err
	}
	registries, err := h.roles.Registries.Registries(ctx, p.Project.ID, seen)
	if err != nil {
		return plimsoll.Registry{}, err
	}
	for _, r := range registries {
		if r.Name == in.Name {
			_, err := base.EnterpriseProjects(p, role, r.EnterpriseProject)
			return r, err
		}
	}
	return plimsoll.Registry{}, plimsoll.Errorf(plimsoll.NotFound, "no registry %q", in.Name).WithHint("List them with GET on the collection.")
}
