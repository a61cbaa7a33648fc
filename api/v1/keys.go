package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
)

// KeyKeeper keeps access keys. It checks no permission: the handlers do.
type KeyKeeper interface {
	// Keys lists those of a user.
	Keys(ctx context.Context, userID string) ([]plimsoll.AccessKey, error)

	// CreateKey makes a key for a user. The secret is told this once.
	CreateKey(ctx context.Context, userID, description string) (access, secret string, err error)

	RevokeKey(ctx context.Context, access string) error
}

type listKeysInput struct {
	User string `query:"user" maxLength:"64" doc:"Name of the user; absent = the caller"`
}

type listKeysOutput struct {
	Body plimsoll.Page[plimsoll.AccessKey]
}

type addKeyInput struct {
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
	Access string `path:"access" minLength:"1" maxLength:"128" doc:"The public half of the key"`
	User   string `query:"user" maxLength:"64" doc:"Name of the user whose key it is; absent = the caller"`
}

func (a *API) registerKeys() {
	const role = "Role: admin, in every project where the user may do something."
	closed(a, huma.Operation{
		OperationID: "listKeys", Method: http.MethodGet, Path: "/api/v1/keys",
		Tags: []string{"keys"}, Summary: "List a user's access keys", Description: role,
	}, a.listKeys)
	closed(a, huma.Operation{
		OperationID: "addKey", Method: http.MethodPost, Path: "/api/v1/keys", DefaultStatus: http.StatusCreated,
		Tags: []string{"keys"}, Summary: "Make an access key", Description: "The secret is in this answer and nowhere else. " + role,
	}, a.addKey)
	closed(a, huma.Operation{
		OperationID: "removeKey", Method: http.MethodDelete, Path: "/api/v1/keys/{access}", DefaultStatus: http.StatusNoContent,
		Tags: []string{"keys"}, Summary: "Remove an access key", Description: role,
	}, a.removeKey)
}

// holder finds the user whose keys an administrator wants to see or change.
func (a *API) holder(ctx context.Context, name string) (plimsoll.User, error) {
	if name == "" {
		name = caller(ctx).User.Name
	}
	return a.subject(ctx, name)
}

func (a *API) listKeys(ctx context.Context, in *listKeysInput) (*listKeysOutput, error) {
	u, err := a.holder(ctx, in.User)
	if err != nil {
		return nil, err
	}
	list, err := a.roles.Keys.Keys(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	return &listKeysOutput{Body: pageOf(list)}, nil
}

func (a *API) addKey(ctx context.Context, in *addKeyInput) (*addKeyOutput, error) {
	u, err := a.holder(ctx, in.Body.User)
	if err != nil {
		return nil, err
	}
	access, secret, err := a.roles.Keys.CreateKey(ctx, u.ID, in.Body.Description)
	if err != nil {
		return nil, err
	}
	return &addKeyOutput{Body: newKey{Access: access, Secret: secret, User: u.Name}}, nil
}

func (a *API) removeKey(ctx context.Context, in *oneKeyInput) (*struct{}, error) {
	u, err := a.holder(ctx, in.User)
	if err != nil {
		return nil, err
	}
	list, err := a.roles.Keys.Keys(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(list, func(k plimsoll.AccessKey) bool { return k.Access == in.Access }) {
		return nil, plimsoll.Errorf(plimsoll.NotFound, "the user has no such key")
	}
	return nil, a.roles.Keys.RevokeKey(ctx, in.Access)
}
