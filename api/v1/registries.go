package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
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

// OwnPath holds the parameters of our own operations on a project.
type OwnPath struct {
	ProjectID         string `path:"project_id" minLength:"1" maxLength:"256" doc:"Project of the caller"`
	EnterpriseProject string `query:"enterprise_project_id" maxLength:"256" doc:"Enterprise project; absent = every one that the caller may see"`
}

type listRegistriesInput struct{ OwnPath }

type listRegistriesOutput struct {
	Body plimsoll.Page[plimsoll.Registry]
}

// registryBody is a registry to add, in the words of plimsoll.RegistrySpec. Members that the server sets are ignored.
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
	ProjectID string `path:"project_id" minLength:"1" maxLength:"256" doc:"Project of the caller"`
	Body      registryBody
}

type registryOutput struct{ Body plimsoll.Registry }

type oneRegistryInput struct {
	OwnPath
	Name string `path:"name" minLength:"1" maxLength:"128" doc:"Name of the registry"`
}

type taskOutput struct{ Body plimsoll.Task }

const pathRegistries = "/api/v1/projects/{project_id}/registries"

func (a *API) registerRegistries() {
	closed(a, huma.Operation{
		OperationID: "listRegistries", Method: http.MethodGet, Path: pathRegistries,
		Tags: []string{"registries"}, Summary: "List registries",
	}, a.listRegistries)
	closed(a, huma.Operation{
		OperationID: "addRegistry", Method: http.MethodPost, Path: pathRegistries, DefaultStatus: http.StatusCreated,
		Tags: []string{"registries"}, Summary: "Add a registry", Description: "The registry is asked whether it answers before it is saved. Role: admin.",
	}, a.addRegistry)
	closed(a, huma.Operation{
		OperationID: "removeRegistry", Method: http.MethodDelete, Path: pathRegistries + "/{name}", DefaultStatus: http.StatusNoContent,
		Tags: []string{"registries"}, Summary: "Remove a registry with its images", Description: "Role: admin.",
	}, a.removeRegistry)
	closed(a, huma.Operation{
		OperationID: "syncRegistry", Method: http.MethodPost, Path: pathRegistries + "/{name}/sync", DefaultStatus: http.StatusAccepted,
		Tags: []string{"syncs"}, Summary: "Read a registry again", Description: "Answers with the task to watch. Role: editor.",
	}, a.syncRegistry)
}

func (a *API) listRegistries(ctx context.Context, in *listRegistriesInput) (*listRegistriesOutput, error) {
	eps, err := ownScope(caller(ctx), plimsoll.RoleReader, in.EnterpriseProject)
	if err != nil {
		return nil, err
	}
	list, err := a.roles.Registries.Registries(ctx, in.ProjectID, eps)
	if err != nil {
		return nil, err
	}
	return &listRegistriesOutput{Body: pageOf(list)}, nil
}

// pageOf is a page that holds the whole of a short list.
func pageOf[T any](list []T) plimsoll.Page[T] {
	if list == nil {
		list = []T{}
	}
	return plimsoll.Page[T]{Total: len(list), Items: list}
}

func (a *API) addRegistry(ctx context.Context, in *addRegistryInput) (*registryOutput, error) {
	p, b := caller(ctx), in.Body
	if _, err := scope(p, plimsoll.RoleAdmin, b.EnterpriseProject); err != nil {
		return nil, err
	}
	if b.EnterpriseProject == allEnterprise {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "a registry belongs to one enterprise project")
	}
	if b.SharedBytes {
		if err := a.operator(p); err != nil {
			return nil, err
		}
	}
	spec := plimsoll.RegistrySpec{Secret: b.Secret, Registry: plimsoll.Registry{
		Tenant: plimsoll.Tenant{ProjectID: in.ProjectID, EnterpriseProject: b.EnterpriseProject}, Name: b.Name, URL: b.URL, Kind: b.Kind,
		Username: b.Username, AuthHosts: b.AuthHosts, Repositories: b.Repositories,
		ScanOnSync: b.ScanOnSync == nil || *b.ScanOnSync, SharedBytes: b.SharedBytes,
		InstanceID: b.InstanceID, InstanceName: b.InstanceName, InstanceURL: b.InstanceURL,
		Owner: b.Owner, ShareExpires: b.ShareExpires,
	}}
	added, err := a.roles.NewRegistries.AddRegistry(ctx, p, spec)
	if err != nil {
		return nil, err
	}
	return &registryOutput{Body: added}, nil
}

func (a *API) removeRegistry(ctx context.Context, in *oneRegistryInput) (*struct{}, error) {
	r, err := a.registry(ctx, in, plimsoll.RoleAdmin)
	if err != nil {
		return nil, err
	}
	return nil, a.roles.Registries.RemoveRegistry(ctx, r.ProjectID, r.ID)
}

func (a *API) syncRegistry(ctx context.Context, in *oneRegistryInput) (*taskOutput, error) {
	r, err := a.registry(ctx, in, plimsoll.RoleEditor)
	if err != nil {
		return nil, err
	}
	task, err := a.startSync(ctx, caller(ctx), []plimsoll.Registry{r})
	if err != nil {
		return nil, err
	}
	return &taskOutput{Body: task}, nil
}

// registry finds one by name among those the caller sees, and requires the role for it.
func (a *API) registry(ctx context.Context, in *oneRegistryInput, role plimsoll.Role) (plimsoll.Registry, error) {
	p := caller(ctx)
	eps, err := ownScope(p, plimsoll.RoleReader, in.EnterpriseProject)
	if err != nil {
		return plimsoll.Registry{}, err
	}
	list, err := a.roles.Registries.Registries(ctx, in.ProjectID, eps)
	if err != nil {
		return plimsoll.Registry{}, err
	}
	for _, r := range list {
		if r.Name != in.Name {
			continue
		}
		_, err := scope(p, role, r.EnterpriseProject)
		return r, err
	}
	return plimsoll.Registry{}, plimsoll.Errorf(plimsoll.NotFound, "no registry %q", in.Name).WithHint("List them with GET on the collection.")
}
