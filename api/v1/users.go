package v1

import (
	"context"
	"slices"

	"plimsoll"
	"plimsoll/api/base"
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

type listUsersInput struct {
	WholeProjectQuery
	PageQuery
}

type listUsersOutput struct {
	Body base.List[plimsoll.User]
}

type addUserInput struct {
	WholeProjectQuery
	Body userBody
}

type userBody struct {
	_        struct{}         `additionalProperties:"true"`
	Name     string           `json:"name" minLength:"1" maxLength:"64"`
	Password string           `json:"password" minLength:"1" maxLength:"1024" writeOnly:"true"`
	Grants   []plimsoll.Grant `json:"grants,omitempty" maxItems:"1000" doc:"What the user may do, and where"`
}

type userOutput struct{ Body plimsoll.User }

type oneUserInput struct {
	WholeProjectQuery
	Name string `path:"name" minLength:"1" maxLength:"64" doc:"Name of the user"`
}

type setPasswordInput struct {
	WholeProjectQuery
	Name string `path:"name" minLength:"1" maxLength:"64" doc:"Name of the user"`
	Body struct {
		Password string `json:"password" minLength:"1" maxLength:"1024" writeOnly:"true"`
	}
}

// administeredProjects returns the projects that a caller administers as a whole.
func administeredProjects(p plimsoll.Principal) []string {
	var ids []string
	for _, g := range slices.Concat(p.User.Grants, p.Grants) {
		if g.EnterpriseProject == "" && g.Role.Includes(plimsoll.RoleAdmin) {
			ids = append(ids, g.ProjectID)
		}
	}
	return ids
}

// visibleUser reduces a user to the grants that the caller may see; false if the caller may not see the user.
// A user without any grant is visible to every administrator of the domain.
func visibleUser(p plimsoll.Principal, u plimsoll.User) (plimsoll.User, bool) {
	projects := administeredProjects(p)
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

// checkAdministersAll requires the caller to administer every project of the grants: whoever could change a
// user with more rights could take over those rights.
func checkAdministersAll(p plimsoll.Principal, grants []plimsoll.Grant) error {
	projects := administeredProjects(p)
	for _, g := range grants {
		if !slices.Contains(projects, g.ProjectID) {
			return plimsoll.Errorf(plimsoll.Forbidden, "this needs the role %s in every project of the user", plimsoll.RoleAdmin)
		}
	}
	return nil
}

// findUser finds a user that the caller may change.
func (h *handlers) findUser(ctx context.Context, name string) (plimsoll.User, error) {
	p := base.Caller(ctx)
	unknown := plimsoll.Errorf(plimsoll.NotFound, "no user %q", name)
	u, err := h.roles.Users.User(ctx, p.Domain.ID, name)
	if plimsoll.ErrorCode(err) == plimsoll.NotFound {
		return plimsoll.User{}, unknown
	}
	if err != nil {
		return plimsoll.User{}, err
	}
	if _, known := visibleUser(p, u); !known {
		return plimsoll.User{}, unknown
	}
	return u, checkAdministersAll(p, u.Grants)
}

func (h *handlers) listUsers(ctx context.Context, in *listUsersInput) (*listUsersOutput, error) {
	p := base.Caller(ctx)
	all, err := h.roles.Users.Users(ctx, p.Domain.ID)
	if err != nil {
		return nil, err
	}
	var users []plimsoll.User
	for _, u := range all {
		if u, known := visibleUser(p, u); known {
			users = append(users, u)
		}
	}
	list, err := base.PageAfter(users, in.After, in.Limit, func(u plimsoll.User) string { return u.Name })
	return &listUsersOutput{Body: list}, err
}

func (h *handlers) addUser(ctx context.Context, in *addUserInput) (*userOutput, error) {
	p := base.Caller(ctx)
	if err := checkAdministersAll(p, in.Body.Grants); err != nil {
		return nil, err
	}
	user, err := h.roles.Users.AddUser(ctx, UserSpec{Domain: p.Domain.ID, Name: in.Body.Name, Password: in.Body.Password, Grants: in.Body.Grants})
	if err != nil {
		return nil, err
	}
	user, _ = visibleUser(p, user)
	return &userOutput{Body: user}, nil
}

func (h *handlers) removeUser(ctx context.Context, in *oneUserInput) (*struct{}, error) {
	u, err := h.findUser(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return nil, h.roles.Users.RemoveUser(ctx, u.ID)
}

func (h *handlers) setPassword(ctx context.Context, in *setPasswordInput) (*struct{}, error) {
	u, err := h.findUser(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return nil, h.roles.Users.SetPassword(ctx, u.ID, in.Body.Password)
}
