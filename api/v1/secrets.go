package v1

import (
	"context"

	"plimsoll"
	"plimsoll/api/base"
)

// SecretLister lists secrets, and the paths for which a project wants none listed.
type SecretLister interface {
	// ImageSecrets returns those of an image, worst first.
	ImageSecrets(ctx context.Context, img plimsoll.Image) ([]plimsoll.FoundSecret, error)

	SecretPaths(ctx context.Context, projectID string) ([]string, error)
}

type listSecretsInput struct {
	ImagePath
	PageQuery
	Profile string `query:"profile" enum:"default,hss,all" default:"default" doc:"What is left out: all = nothing"`
}

// SecretPage is a page of the secrets of an image, and how many a profile left out of the list.
type SecretPage struct {
	base.List[plimsoll.FoundSecret]
	LeftOut int `json:"left_out" minimum:"0" doc:"Findings that the profile, or the project, leaves out"`
}

type listSecretsOutput struct{ Body SecretPage }

// profileAll leaves nothing out.
const profileAll = "all"

func (h *handlers) listSecrets(ctx context.Context, in *listSecretsInput) (*listSecretsOutput, error) {
	img, err := h.findImage(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	found, err := h.roles.Secrets.ImageSecrets(ctx, img)
	if err != nil {
		return nil, err
	}
	shown := found
	if in.Profile != profileAll {
		if shown, err = h.withoutExcluded(ctx, found, in.Profile); err != nil {
			return nil, err
		}
	}
	list, err := base.PageAfter(shown, in.After, in.Limit, func(s plimsoll.FoundSecret) string { return s.ID + s.Platform.String() })
	return &listSecretsOutput{Body: SecretPage{List: list, LeftOut: len(found) - len(shown)}}, err
}

// withoutExcluded drops what a profile, or the project's own paths, leave out.
func (h *handlers) withoutExcluded(ctx context.Context, found []plimsoll.FoundSecret, name string) ([]plimsoll.FoundSecret, error) {
	profile, ok := h.roles.SecretProfiles[name]
	if !ok {
		profile = plimsoll.DefaultSecretProfile()
	}
	own, err := h.roles.Secrets.SecretPaths(ctx, base.ScopeOf(ctx).ProjectID)
	if err != nil {
		return nil, err
	}
	profile.Patterns = append(profile.Patterns[:len(profile.Patterns):len(profile.Patterns)], own...)
	var shown []plimsoll.FoundSecret
	for _, s := range found {
		if !profile.Excludes(s.Secret) {
			shown = append(shown, s)
		}
	}
	return shown, nil
}
