package v1

import (
	"context"
	"slices"

	"plimsoll"
	"plimsoll/api/base"
)

// KeyKeeper keeps access keys. It checks no permission: the handlers do.
type KeyKeeper interface {
	// Keys lists those of a user.
	Keys(ctx context.Context, userID string) ([]plimsoll.AccessKey, error)

	// CreateKey makes a key for a user. The secret is returned by this call only.
	CreateKey(ctx context.Context, userID, description string) (access, secret string, err error)

	RevokeKey(ctx context.Context, access string) error
}

type listKeysInput struct {
	WholeProjectQuery
	PageQuery
	User string `query:"user" maxLength:"64" doc:"Name of the user; absent = the caller"`
}

type listKeysOutput struct {
	Body base.List[plimsoll.AccessKey]
}

type addKeyInput struct {
	WholeProjectQuery
	Body struct {
		User        string `json:"user,omitempty" maxLength:"64" doc:"Name of the user who signs with it; absent = the caller"`
		Description string `json:"description,omitempty" maxLength:"255"`
	}
}

type addKeyOutput struct{ Body newKey }

type newKey struct {
	Access string `json:"access" doc:"The public half"`
	Secret string `json:"secret" doc:"The secret half, shown this once"`
	User   string `json:"user" doc:"Name of the user"`
}

type oneKeyInput struct {
	WholeProjectQuery
	Access string `path:"access" minLength:"1" maxLength:"128" doc:"The public half of the key"`
	User   string `query:"user" maxLength:"64" doc:"Name of the user whose key it is; absent = the caller"`
}

// findKeyHolder finds the user of the keys that an administrator wants to see or change; "" is the caller.
func (h *handlers) findKeyHolder(ctx context.Context, name string) (plimsoll.User, error) {
	if name == "" {
		name = base.Caller(ctx).User.Name
	}
	return h.findUser(ctx, name)
}

func (h *handlers) listKeys(ctx context.Context, in *listKeysInput) (*listKeysOutput, error) {
	u, err := h.findKeyHolder(ctx, in.User)
	if err != nil {
		return nil, err
	}
	list, err := h.roles.Keys.Keys(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	page, err := base.PageAfter(list, in.After, in.Limit, func(k plimsoll.AccessKey) string { return k.Access })
	return &listKeysOutput{Body: page}, err
}

func (h *handlers) addKey(ctx context.Context, in *addKeyInput) (*addKeyOutput, error) {
	u, err := h.findKeyHolder(ctx, in.Body.User)
	if err != nil {
		return nil, err
	}
	access, secret, err := h.roles.Keys.CreateKey(ctx, u.ID, in.Body.Description)
	if err != nil {
		return nil, err
	}
	return &addKeyOutput{Body: newKey{Access: access, Secret: secret, User: u.Name}}, nil
}

func (h *handlers) removeKey(ctx context.Context, in *oneKeyInput) (*struct{}, error) {
	u, err := h.findKeyHolder(ctx, in.User)
	if err != nil {
		return nil, err
	}
	list, err := h.roles.Keys.Keys(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(list, func(k plimsoll.AccessKey) bool { return k.Access == in.Access }) {
		return nil, plimsoll.Errorf(plimsoll.NotFound, "the user has no such key")
	}
	return nil, h.roles.Keys.RevokeKey(ctx, in.Access)
}
