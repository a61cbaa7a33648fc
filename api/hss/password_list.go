package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
)

// WeakPasswordKeeper keeps projects' own lists of weak passwords.
type WeakPasswordKeeper interface {
	WeakPasswords(ctx context.Context, projectID string) ([]string, error)

	// SetWeakPasswords replaces the list and has stored images held against it; an empty one ends that.
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
	PolicyPath
	RegionHeader
	Body struct {
		_     struct{} `additionalProperties:"true"`
		Words []string `json:"extended_weak_password,omitempty" maxItems:"300" nullable:"false" doc:"The new list, of words of 1 to 128 bytes; absent or [] = none"`
	}
}

func (a *API) registerPasswordList() {
	const path = "/v5/{project_id}/image/baseline/extended-weak-password"
	closed(a, huma.Operation{
		OperationID: "ShowExtendedWeakPassword", Method: http.MethodGet, Path: path, Tags: []string{"settings"},
		Summary:     "Show the project's own weak passwords",
		Description: "One list a project, whatever the enterprise project. Role: reader in the whole project.",
	}, a.showWeak)
	closed(a, huma.Operation{
		OperationID: "ChangeExtendedWeakPassword", Method: http.MethodPost, Path: path, Tags: []string{"settings"},
		Summary: "Replace the project's own weak passwords",
		Description: "Stored images are held against the new list in the background (a task of the kind passwords); no registry is asked. " +
			"Role: editor in the whole project.",
	}, a.changeWeak)
}

// wholeProject refuses callers that have the role in some enterprise projects only.
func wholeProject(p plimsoll.Principal, role plimsoll.Role) error {
	if _, all := p.EnterpriseProjects(role); !all {
		return plimsoll.Errorf(plimsoll.Forbidden, "this needs the role %s in the whole project", role)
	}
	return nil
}

func (a *API) showWeak(ctx context.Context, in *showWeakInput) (*showWeakOutput, error) {
	if err := wholeProject(caller(ctx), plimsoll.RoleReader); err != nil {
		return nil, err
	}
	out := &showWeakOutput{}
	words, err := a.roles.WeakPasswords.WeakPasswords(ctx, in.ProjectID)
	out.Body.Words = append([]string{}, words...)
	return out, err
}

func (a *API) changeWeak(ctx context.Context, in *changeWeakInput) (*emptyOutput, error) {
	p := caller(ctx)
	if err := wholeProject(p, plimsoll.RoleEditor); err != nil {
		return nil, err
	}
	return &emptyOutput{}, a.roles.WeakPasswords.SetWeakPasswords(ctx, in.ProjectID, p.User.Name, in.Body.Words)
}
