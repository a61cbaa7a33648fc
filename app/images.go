package app

import (
	"context"

	"plimsoll"
	"plimsoll/store"
)

// Images lists and finds images, and derives their history.
type Images struct {
	store *store.Store
}

// Images lists a page of the inventory.
func (i *Images) Images(ctx context.Context, f plimsoll.ImageFilter) (plimsoll.Page[plimsoll.Image], error) {
	return i.store.Images(ctx, f)
}

// FindImage finds the image that everything given matches: the newest of several. NotFound: there is none.
func (i *Images) FindImage(ctx context.Context, l plimsoll.ImageLookup) (plimsoll.Image, error) {
	return i.store.FindImage(ctx, l)
}

// ImageHistory lists when and why vulnerabilities of an image appeared, changed and were resolved, newest first.
func (i *Images) ImageHistory(ctx context.Context, img plimsoll.Image, f plimsoll.HistoryFilter) (plimsoll.HistoryPage, error) {
	return i.store.ImageHistory(ctx, img, f)
}

// ImageFindingsAt lists what was wrong with an image at a time.
func (i *Images) ImageFindingsAt(ctx context.Context, img plimsoll.Image, f plimsoll.HistoryFilter) (plimsoll.FindingsAt, error) {
	return i.store.ImageFindingsAt(ctx, img, f)
}

// ImageFiles returns the numbers of files in an image.
func (i *Images) ImageFiles(ctx context.Context, img plimsoll.Image) (plimsoll.FileFacts, error) {
	return i.store.ImageFiles(ctx, img)
}

// BaseImages lists stored images of the enterprise projects (nil means every one) that an image is built on.
func (i *Images) BaseImages(ctx context.Context, img plimsoll.Image, enterpriseProjects []string) ([]plimsoll.BaseImage, error) {
	return i.store.BaseImages(ctx, img, enterpriseProjects)
}
