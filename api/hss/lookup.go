package hss

import (
	"context"

	"plimsoll"
	"plimsoll/api/base"
)

// findImage finds the image that a request names. The answer is the same for an image that does not exist, that is of
// another type and that the caller may not see.
func (h *handlers) findImage(ctx context.Context, imageType string, l plimsoll.ImageLookup) (plimsoll.Image, error) {
	origin, ok := originOf(imageType)
	if !ok {
		return plimsoll.Image{}, base.ErrNoImage()
	}
	l.EnterpriseProjects, l.Origins = base.ScopeOf(ctx).EnterpriseProjects, []plimsoll.Origin{origin}
	img, err := base.FindImage(ctx, h.roles.Lookup, l)
	switch {
	case err != nil:
		return plimsoll.Image{}, err
	case imageType == typeHarbor && img.Source.Kind != plimsoll.RegistryHarbor,
		imageType == typeJfrog && img.Source.Kind != plimsoll.RegistryJfrog:
		return plimsoll.Image{}, base.ErrNoImage()
	}
	return img, nil
}
