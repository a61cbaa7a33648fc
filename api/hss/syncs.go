package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
)

type synchronizeInput struct {
	ProjectPath
	RegionHeader
	Body synchronizeBody
}

type synchronizeBody struct {
	_         struct{} `additionalProperties:"true"`
	ImageType string   `json:"image_type" enum:"private_image,shared_image,instance_image" doc:"Which registries to read"`
}

type synchronizeOutput struct {
	Body synchronizeAnswer
}

type synchronizeAnswer struct {
	Code        int32  `json:"error_code" doc:"0 = success"`
	Description string `json:"error_description" maxLength:"512"`
}

func (a *API) registerSyncs() {
	closed(a, huma.Operation{
		OperationID: "RunImageSynchronize", Method: http.MethodPost, Path: "/v5/{project_id}/image/synchronize",
		Tags: []string{"syncs"}, Summary: "Read the registries again",
		Description: "Puts a sync of every registry of the type into the backlog.",
	}, a.synchronize)
}

func (a *API) synchronize(ctx context.Context, in *synchronizeInput) (*synchronizeOutput, error) {
	p := caller(ctx)
	eps, err := scope(p, plimsoll.RoleEditor, in.EnterpriseProject)
	if err != nil {
		return nil, err
	}
	registries, err := a.roles.Registries.Registries(ctx, in.ProjectID, eps)
	if err != nil {
		return nil, err
	}
	origin, _ := originOf(in.Body.ImageType)
	byEnterprise := map[string][]plimsoll.Registry{}
	for _, r := range registries {
		if r.Kind.Origin() == origin {
			byEnterprise[r.EnterpriseProject] = append(byEnterprise[r.EnterpriseProject], r)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byEnterprise)) {
		if _, err := a.startSync(ctx, p, byEnterprise[id]); err != nil {
			return nil, err
		}
	}
	return &synchronizeOutput{Body: synchronizeAnswer{Description: "success"}}, nil
}

// startSync makes one task for registries of one enterprise project.
func (a *API) startSync(ctx context.Context, p plimsoll.Principal, registries []plimsoll.Registry) (plimsoll.Task, error) {
	task := plimsoll.Task{
		Tenant: registries[0].Tenant,
		Kind:   plimsoll.WorkSync, By: p.User.Name,
	}
	work := make([]plimsoll.Work, 0, len(registries))
	for _, r := range registries {
		work = append(work, plimsoll.Work{
			Tenant: r.Tenant, Kind: plimsoll.WorkSync,
			Key: strconv.FormatInt(r.ID, 10), RegistryID: r.ID, Priority: plimsoll.PriorityInteractive,
		})
	}
	err := a.roles.Tasks.CreateTask(ctx, &task, work)
	return task, err
}
