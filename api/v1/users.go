package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
)

// UserSpec is a user to be added.
type UserSpec struct {
	Domain   string // id
	Name     string
	Password string
	Grants   []plimsoll.Grant
}

// UserKeeper keeps users. It checks no permission: the handlers do.
type UserKeeper interface {
	// Users lists those of a domain.
	Users(ctx context.Context, domainID string) ([]plimsoll.User, error)

	// User finds one by name; NotFound.
	User(ctx context.Context, domainID, name string) (plimsoll.User, error)

	AddUser(ctx context.Context, spec UserSpec) (plimsoll.User, error)
	RemoveUser(ctx context.Context, userID string) error
	SetPassword(ctx context.Context, userID, password string) error
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
	const whole = " Role: admin, in every project where the user may do something."
	closed(a, huma.Operation{
		OperationID: "listUsers", Method: http.MethodGet, Path: "/api/v1/users",
		Tags: []string{"users"}, Summary: "List users", Description: "Those of the caller's projects, with their grants there. Role: admin.",
	}, a.listUsers)
	closed(a, huma.Operation{
		OperationID: "addUser", Method: http.MethodPost, Path: "/api/v1/users", DefaultStatus: http.StatusCreated,
		Tags: []string{"users"}, Summary: "Add a user", Description: "Role: admin, in every project of the grants.",
	}, a.addUser)
	closed(a, huma.Operation{
		OperationID: "removeUser", Method: http.MethodDelete, Path: "/api/v1/users/{name}", DefaultStatus: http.StatusNoContent,
		Tags: []string{"users"}, Summary: "Remove a user with tokens and keys", Description: whole[1:],
	}, a.removeUser)
	closed(a, huma.Operation{
		OperationID: "setPassword", Method: http.MethodPut, Path: "/api/v1/users/{name}/password", DefaultStatus: http.StatusNoContent,
		Tags: []string{"users"}, Summary: "Set a user's password", Description: "Ends the user's sessions." + whole,
	}, a.setPassword)
}

// ruled are the projects that the caller administers as a whole.
func ruled(p plimsoll.Principal) []string {
	var ids []string
	for _, g := range slices.Concat(p.User.Grants, p.Grants) {
		if g.EnterpriseProject == "" && g.Role.Includes(plimsoll.RoleAdmin) {
			ids = append(ids, g.ProjectID)
		}
	}
	return ids
}

// visible cuts a user down to the grants that the caller may know of; false if the caller may not
// know of the user. Somebody without any grant is known to every administrator of the domain.
func visible(p plimsoll.Principal, u plimsoll.User) (plimsoll.User, bool) {
	projects := ruled(p)
	grants := []plimsoll.Grant{}
	for _, g := range u.Grants {
		if slices.Contains(projects, g.ProjectID) {
			grants = append(grants, g)
		}
	}
	known := len(grants) > 0 || len(u.Grants) == 0
	u.Grants = grants
	return u, known
}

// covers requires the caller to administer every project of the grants: who could change a
// user with more rights could take those rights.
func covers(p plimsoll.Principal, grants []plimsoll.Grant) error {
	projects := ruled(p)
	for _, g := range grants {
		if !slices.Contains(projects, g.ProjectID) {
			return plimsoll.Errorf(plimsoll.Forbidden, "this needs the role %s in every project of the user", plimsoll.RoleAdmin)
		}
	}
	return nil
}

// subject finds the user that an administrator wants to change.
func (a *API) subject(ctx context.Context, name string) (plimsoll.User, error) {
	p := caller(ctx)
	if err := admin(p); err != nil {
		return plimsoll.User{}, err
	}
	unknown := plimsoll.Errorf(plimsoll.NotFound, "no user %q", name)
	u, err := a.roles.Users.User(ctx, p.Domain.ID, name)
	if plimsoll.ErrorCode(err) == plimsoll.NotFound {
		return plimsoll.User{}, unknown
	}
	if err != nil {
		return plimsoll.User{}, err
	}
	if _, known := visible(p, u); !known {
		return plimsoll.User{}, unknown
	}
	return u, covers(p, u.Grants)
}

func (a *API) listUsers(ctx context.Context, _ *struct{}) (*listUsersOutput, error) {
	p := caller(ctx)
	if err := admin(p); err != nil {
		return nil, err
	}
	all, err := a.roles.Users.Users(ctx, p.Domain.ID)
	if err != nil {
		return nil, err
	}
	var list []plimsoll.User
	for _, u := range all {
		if u, known := visible(p, u); known {
			list = append(list, u)
		}
	}
	return &listUsersOutput{Body: pageOf(list)}, nil
}

func (a *API) addUser(ctx context.Context, in *addUserInput) (*userOutput, error) {
	p := caller(ctx)
	if err := admin(p); err != nil {
		return nil, err
	}
	if err := covers(p, in.Body.Grants); err != nil {
		return nil, err
	}
	user, err := a.roles.Users.AddUser(ctx, UserSpec{Domain: p.Domain.ID, Name: in.Body.Name, Password: in.Body.Password, Grants: in.Body.Grants})
	if err != nil {
		return nil, err
	}
	user, _ = visible(p, user)
	return &userOutput{Body: user}, nil
}

func (a *API) removeUser(ctx context.Context, in *oneUserInput) (*struct{}, error) {
	u, err := a.subject(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return nil, a.roles.Users.RemoveUser(ctx, u.ID)
}

func (a *API) setPassword(ctx context.Context, in *setPasswordInput) (*struct{}, error) {
	u, err := a.subject(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return nil, a.roles.Users.SetPassword(ctx, u.ID, in.Body.Password)
}
