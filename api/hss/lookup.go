package api

import (
	"context"

	"plimsoll"
)

// ImageFinder finds the one image that an operation is about.
type ImageFinder interface {
	// FindImage finds the image that everything given matches: of several the newest, NotFound for none.
	FindImage(ctx context.Context, l plimsoll.ImageLookup) (plimsoll.Image, error)
}

// find finds an image. One that the caller may not see is as unknown as none: the answer is in
// the same words.
func (a *API) find(ctx context.Context, l plimsoll.ImageLookup) (plimsoll.Image, error) {
	img, err := a.roles.Lookup.FindImage(ctx, l)
	if plimsoll.ErrorCode(err) == plimsoll.NotFound {
		return plimsoll.Image{}, noSuchImage()
	}
	return img, err
}

func noSuchImage() error { return plimsoll.Errorf(plimsoll.NotFound, "no such image") }

// image finds the image of a contract's operation for a caller who may read it. Whatever keeps
// it from being found, the answer is in the same words.
func (a *API) image(ctx context.Context, imageType, enterpriseProject string, l plimsoll.ImageLookup) (plimsoll.Image, error) {
	eps, err := scope(caller(ctx), plimsoll.RoleReader, enterpriseProject)
	if err != nil {
		return plimsoll.Image{}, err
	}
	origin, ok := originOf(imageType)
	if !ok {
		return plimsoll.Image{}, noSuchImage()
	}
	l.EnterpriseProjects, l.Origins = eps, []plimsoll.Origin{origin}
	img, err := a.find(ctx, l)
	switch {
	case err != nil:
		return plimsoll.Image{}, err
	case imageType == typeHarbor && img.Source.Kind != plimsoll.RegistryHarbor,
		imageType == typeJfrog && img.Source.Kind != plimsoll.RegistryJfrog:
		return plimsoll.Image{}, noSuchImage()
	}
	return img, nil
}
