package v1

import (
	"context"

	"plimsoll"
	"plimsoll/api/base"
)

// FileLister lists the files of an image and the images that it is based on.
type FileLister interface {
	ImageFiles(ctx context.Context, img plimsoll.Image) (plimsoll.FileFacts, error)
	BaseImages(ctx context.Context, img plimsoll.Image, enterpriseProjects []string) ([]plimsoll.BaseImage, error)
}

type showFilesOutput struct{ Body plimsoll.FileFacts }

type listOfImageInput struct {
	ImagePath
	PageQuery
}

type listBaseImagesOutput struct {
	Body base.List[plimsoll.BaseImage]
}

func (h *handlers) showFiles(ctx context.Context, in *ImagePath) (*showFilesOutput, error) {
	img, err := h.findImage(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	facts, err := h.roles.Files.ImageFiles(ctx, img)
	return &showFilesOutput{Body: facts}, err
}

func (h *handlers) listBaseImages(ctx context.Context, in *listOfImageInput) (*listBaseImagesOutput, error) {
	img, err := h.findImage(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	bases, err := h.roles.Files.BaseImages(ctx, img, base.ScopeOf(ctx).EnterpriseProjects)
	if err != nil {
		return nil, err
	}
	list, err := base.PageAfter(bases, in.After, in.Limit, func(b plimsoll.BaseImage) string {
		return b.Repository + ":" + b.Tag + "@" + string(b.Digest)
	})
	return &listBaseImagesOutput{Body: list}, err
}
