package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
)

// KeyKeeper keeps the access keys of the caller's domain.
type KeyKeeper interface {
	Keys(ctx context.Context, by plimsoll.Principal) ([]plimsoll.AccessKey, error)

	// AddKey makes a key for a user. The secret is told this once.
	AddKey(ctx context.Context, by plimsoll.Principal, user, description string) (key plimsoll.AccessKey, secret string, err error)

	RemoveKey(ctx context.Context, by plimsoll.Principal, access string) error
}

type listKeysOutput struct {
	Body plimsoll.Page[plimsoll.AccessKey]
}

type addKeyInput struct {
	Body struct {
		User        string `json:"user" minLength:"1" maxLength:"64" doc:"Name of the user who signs with it"`
		Description string `json:"description,omitempty" maxLength:"256"`
	}
}

type addKeyOutput struct{ Body newKey }

// newKey is an access key with its secret.
type newKey struct {
	plimsoll.AccessKey
	Secret string `json:"secret" doc:"Shown this once"`
}

type oneKeyInput struct {
	Access string `path:"access" minLength:"1" maxLength:"128" doc:"The public half of the key"`
}

func (a *API) registerKeys() {
	closed(a, huma.Operation{
		OperationID: "listKeys", Method: http.MethodGet, Path: "/api/v1/keys",
		Tags: []string{"keys"}, Summary: "List access keys", Description: "Role: admin.",
	}, a.listKeys)
	closed(a, huma.Operation{
		OperationID: "addKey", Method: http.MethodPost, Path: "/api/v1/keys", DefaultStatus: http.StatusCreated,
		Tags: []string{"keys"}, Summary: "Make an access key", Description: "The secret is in this answer and nowhere else. Role: admin.",
	}, a.addKey)
	closed(a, huma.Operation{
		OperationID: "removeKey", Method: http.MethodDelete, Path: "/api/v1/keys/{access}", DefaultStatus: http.StatusNoContent,
		Tags: []string{"keys"}, Summary: "Remove an access key", Description: "Role: admin.",
	}, a.removeKey)
}

func (a *API) listKeys(ctx context.Context, _ *struct{}) (*listKeysOutput, error) {
	p := caller(ctx)
	if err := admin(p); err != nil {
		return nil, err
	}
	list, err := a.roles.Keys.Keys(ctx, p)
	if err != nil {
		return nil, err
	}
	return &listKeysOutput{Body: pageOf(list)}, nil
}

func (a *API) addKey(ctx context.Context, in *addKeyInput) (*addKeyOutput, error) {
	p := caller(ctx)
	if err := admin(p); err != nil {
		return nil, err
	}
	key, secret, err := a.roles.Keys.AddKey(ctx, p, in.Body.User, in.Body.Description)
	if err != nil {
		return nil, err
	}
	return &addKeyOutput{Body: newKey{AccessKey: key, Secret: secret}}, nil
}

func (a *API) removeKey(ctx context.Context, in *oneKeyInput) (*struct{}, error) {
	p := caller(ctx)
	if err := admin(p); err != nil {
		return nil, err
	}
	return nil, a.roles.Keys.RemoveKey(ctx, p, in.Access)
}
