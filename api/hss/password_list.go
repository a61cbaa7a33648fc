package hss

import (
	"context"

	"plimsoll/api/base"
)

// WeakPasswordKeeper keeps projects' own lists of weak passwords.
type WeakPasswordKeeper interface {
	WeakPasswords(ctx context.Context, projectID string) ([]string, error)

	// SetWeakPasswords replaces the list and starts the comparison of stored images with it; an empty one ends that.
	SetWeakPasswords(ctx context.Context, projectID, by string, words []string) error
}

type showWeakInput struct {
	ProjectPath
	RegionHeader
}

type showWeakOutput struct {
	Body struct {
		Words []string `json:"extended_weak_password" nullable:"false" doc:"The project's own weak passwords, in clear"`
	}
}

type changeWeakInput struct {
	ProjectID string `path:"project_id" minLength:"1" maxLength:"256" doc:"Project of the caller"`
	RegionHeader
	Body struct {
		_     struct{} `additionalProperties:"true"`
		Words []string `json:"extended_weak_password,omitempty" maxItems:"300" nullable:"false" doc:"The new list, of words of 1 to 128 bytes; absent or [] = none"`
	}
}

func (h *handlers) showWeak(ctx context.Context, in *showWeakInput) (*showWeakOutput, error) {
	out := &showWeakOutput{}
	words, err := h.roles.WeakPasswords.WeakPasswords(ctx, in.ProjectID)
	out.Body.Words = append([]string{}, words...)
	return out, err
}

func (h *handlers) changeWeak(ctx context.Context, in *changeWeakInput) (*emptyOutput, error) {
	return &emptyOutput{}, h.roles.WeakPasswords.SetWeakPasswords(ctx, in.ProjectID, base.Caller(ctx).User.Name, in.Body.Words)
}
