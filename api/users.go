package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
)

// UserSpec is a user to be added.
type UserSpec struct {
	Name     string
	Password string
	Grants   []plimsoll.Grant
}

// UserKeeper keeps the users of the caller's domain. It refuses grants in projects in which the
// caller is no administrator.
type UserKeeper interface {
	Users(ctx context.Context, by plimsoll.Principal) ([]plimsoll.User, error)
	AddUser(ctx context.Context, by plimsoll.Principal, spec UserSpec) (plimsoll.User, error)
	RemoveUser(ctx context.Context, by plimsoll.Principal, name string) error
	SetPassword(ctx context.Context, by plimsoll.Principal, name, password string) error
}

type listUsersOutput struct {
	Body plimsoll.Page[plimsoll.User]
}

type addUserInput struct{ Body userBody }

type userBody struct {
	_        struct{}         `additionalProperties:"true"`
	Name     string           `json:"name" minLength:"1" maxLength:"64"`
	Password string           `json:"password" minLength:"1" maxLength:"1024" writeOnly:"true"`
	Grants   []plimsoll.Grant `json:"grants,omitempty" maxItems:"1000" doc:"What the user may do, and where"`
}

type userOutput struct{ Body plimsoll.User }

type oneUserInput struct {
	Name string `path:"name" minLength:"1" maxLength:"64" doc:"Name of the user"`
}

type setPasswordInput struct {
	Name string `path:"name" minLength:"1" maxLength:"64" doc:"Name of the user"`
	Body struct {
		Password string `json:"password" minLength:"1" maxLength:"1024" writeOnly:"true"`
	}
}

func (a *API) registerUsers() {
	closed(a, huma.Operation{
		OperationID: "listUsers", Method: http.MethodGet, Path: "/api/v1/users",
		Tags: []string{"users"}, Summary: "List the users of the caller's domain", Description: "Role: admin.",
	}, a.listUsers)
	closed(a, huma.Operation{
		OperationID: "addUser", Method: http.MethodPost, Path: "/api/v1/users", DefaultStatus: http.StatusCreated,
		Tags: []string{"users"}, Summary: "Add a user", Description: "Role: admin, also in every project of the grants.",
	}, a.addUser)
	closed(a, huma.Operation{
		OperationID: "removeUser", Method: http.MethodDelete, Path: "/api/v1/users/{name}", DefaultStatus: http.StatusNoContent,
		Tags: []string{"users"}, Summary: "Remove a user with tokens and keys", Description: "Role: admin.",
	}, a.removeUser)
	closed(a, huma.Operation{
		OperationID: "setPassword", Method: http.MethodPut, Path: "/api/v1/users/{name}/password", DefaultStatus: http.StatusNoContent,
		Tags: []string{"users"}, Summary: "Set a user's password", Description: "Role: admin.",
	}, a.setPassword)
}

func (a *API) listUsers(ctx context.Context, _ *struct{}) (*listUsersOutput, error) {
	p := caller(ctx)
	if err := admin(p); err != nil {
		return nil, err
	}
	list, err := a.roles.Users.Users(ctx, p)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i] = wholeUser(list[i])
	}
	return &listUsersOutput{Body: pageOf(list)}, nil
}

func (a *API) addUser(ctx context.Context, in *addUserInput) (*userOutput, error) {
	p := caller(ctx)
	if err := admin(p); err != nil {
		return nil, err
	}
	for _, g := range in.Body.Grants {
		if !g.Role.Includes(plimsoll.RoleReader) {
			return nil, plimsoll.Errorf(plimsoll.Invalid, "there is no role %.40q", g.Role)
		}
	}
	user, err := a.roles.Users.AddUser(ctx, p, UserSpec{Name: in.Body.Name, Password: in.Body.Password, Grants: in.Body.Grants})
	if err != nil {
		return nil, err
	}
	return &userOutput{Body: wholeUser(user)}, nil
}

// wholeUser writes no grants as [], not null.
func wholeUser(u plimsoll.User) plimsoll.User {
	if u.Grants == nil {
		u.Grants = []plimsoll.Grant{}
	}
	return u
}

func (a *API) removeUser(ctx context.Context, in *oneUserInput) (*struct{}, error) {
	p := caller(ctx)
	if err := admin(p); err != nil {
		return nil, err
	}
	return nil, a.roles.Users.RemoveUser(ctx, p, in.Name)
}

func (a *API) setPassword(ctx context.Context, in *setPasswordInput) (*struct{}, error) {
	p := caller(ctx)
	if err := admin(p); err != nil {
		return nil, err
	}
	return nil, a.roles.Users.SetPassword(ctx, p, in.Name, in.Body.Password)
}
