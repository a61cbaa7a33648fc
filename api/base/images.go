package base

import (
	"context"

	"plimsoll"
)

// ImageFinder finds the one image that an operation is about.
type ImageFinder interface {
	// FindImage finds the image that everything given matches: of several the newest, NotFound for none.
	FindImage(ctx context.Context, l plimsoll.ImageLookup) (plimsoll.Image, error)
}

// FindImage finds an image. The answer for one that the caller may not see is that for one that does not exist.
func FindImage(ctx context.Context, finder ImageFinder, l plimsoll.ImageLookup) (plimsoll.Image, error) {
	img, err := finder.FindImage(ctx, l)
	if plimsoll.ErrorCode(err) == plimsoll.NotFound {
		return plimsoll.Image{}, ErrNoImage()
	}
	return img, err
}

// ErrNoImage is the answer for an image that does not exist or that the caller may not see.
func ErrNoImage() error { return plimsoll.Errorf(plimsoll.NotFound, "no such image") }
