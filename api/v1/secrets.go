package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
)

type ownSecretsInput struct {
	OwnImagePath
	Profile string `query:"profile" enum:"default,hss,all" default:"default" doc:"What is left out: all = nothing"`
}

// SecretPage is the secrets of an image, and how many a profile left out.
type SecretPage struct {
	plimsoll.Page[plimsoll.FoundSecret]
	LeftOut int `json:"left_out" minimum:"0" doc:"Findings that the profile, or the project, leaves out"`
}

type ownSecretsOutput struct{ Body SecretPage }

func (a *API) registerOwnSecrets() {
	closed(a, huma.Operation{
		OperationID: "listSecrets", Method: http.MethodGet, Path: "/api/v1/projects/{project_id}/images/{id}/secrets",
		Tags: []string{"secrets"}, Summary: "List the secrets of an image",
		Description: "Worst first, masked, ignored ones and those that an upper layer hides included; of a multi-architecture image those of all its platforms.",
	}, a.listOwnSecrets)
}

func (a *API) listOwnSecrets(ctx context.Context, in *ownSecretsInput) (*ownSecretsOutput, error) {
	img, _, err := a.ownImage(ctx, &in.OwnImagePath)
	if err != nil {
		return nil, err
	}
	list, err := a.roles.Secrets.ImageSecrets(ctx, img)
	if err != nil {
		return nil, err
	}
	out := &ownSecretsOutput{Body: SecretPage{Page: pageOf(list)}}
	if in.Profile == "all" {
		return out, nil
	}
	profile := plimsoll.DefaultSecretProfile()
	if in.Profile == "hss" {
		profile = hssProfile()
	}
	if profile, err = a.withPaths(ctx, in.ProjectID, profile); err != nil {
		return nil, err
	}
	shown := []plimsoll.FoundSecret{}
	for _, s := range list {
		if !profile.Excludes(s.Secret) {
			shown = append(shown, s)
		}
	}
	out.Body.Page, out.Body.LeftOut = pageOf(shown), len(list)-len(shown)
	return out, nil
}
