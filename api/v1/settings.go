package v1

import (
	"context"

	"plimsoll"
	"plimsoll/api/base"
)

// SettingLister returns results of baseline rules.
type SettingLister interface {
	ImageSettings(ctx context.Context, img plimsoll.Image) ([]plimsoll.Setting, error)
}

type listSettingsOutput struct {
	Body base.List[plimsoll.Setting]
}

func (h *handlers) listSettings(ctx context.Context, in *listOfImageInput) (*listSettingsOutput, error) {
	img, err := h.findImage(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	settings, err := h.roles.Settings.ImageSettings(ctx, img)
	if err != nil {
		return nil, err
	}
	list, err := base.PageAfter(settings, in.After, in.Limit, func(s plimsoll.Setting) string { return s.Rule })
	return &listSettingsOutput{Body: list}, err
}
