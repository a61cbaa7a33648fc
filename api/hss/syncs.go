package hss

import (
	"context"
	"maps"
	"slices"

	"plimsoll"
	"plimsoll/api/base"
)

// RegistryLister lists registries.
type RegistryLister interface {
	// Registries lists those of a project in the given enterprise projects; nil means every one.
	Registries(ctx context.Context, projectID string, enterpriseProjects []string) ([]plimsoll.Registry, error)
}

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

func (h *handlers) synchronize(ctx context.Context, in *synchronizeInput) (*synchronizeOutput, error) {
	registries, err := h.roles.Registries.Registries(ctx, in.ProjectID, base.ScopeOf(ctx).EnterpriseProjects)
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
		if _, err := base.StartSync(ctx, h.roles.Tasks, base.Caller(ctx).User.Name, byEnterprise[id]); err != nil {
			return nil, err
		}
	}
	return &synchronizeOutput{Body: synchronizeAnswer{Description: "success"}}, nil
}
