package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
)

// TaskReader shows how far a task has come.
type TaskReader interface {
	// Task answers NotFound if the project has none of this id.
	Task(ctx context.Context, projectID string, id int64) (plimsoll.Task, error)
}

type showTaskInput struct {
	ProjectID string `path:"project_id" minLength:"1" maxLength:"256" doc:"Project of the caller"`
	ID        int64  `path:"id" minimum:"1" doc:"Id of the task"`
}

func (a *API) registerTasks() {
	closed(a, huma.Operation{
		OperationID: "showTask", Method: http.MethodGet, Path: "/api/v1/projects/{project_id}/tasks/{id}",
		Tags: []string{"tasks"}, Summary: "Show how far a task has come",
	}, a.showTask)
}

func (a *API) showTask(ctx context.Context, in *showTaskInput) (*taskOutput, error) {
	unknown := plimsoll.Errorf(plimsoll.NotFound, "no task %d", in.ID)
	task, err := a.roles.Tasks.Task(ctx, in.ProjectID, in.ID)
	switch {
	case plimsoll.ErrorCode(err) == plimsoll.NotFound:
		return nil, unknown
	case err != nil:
		return nil, err
	case !seesTask(caller(ctx), task):
		return nil, unknown
	}
	return &taskOutput{Body: task}, nil
}

// seesTask lets callers see tasks of their enterprise projects; a task of several needs a role in all.
func seesTask(p plimsoll.Principal, t plimsoll.Task) bool {
	if t.EnterpriseProject == "" {
		_, all := p.EnterpriseProjects(plimsoll.RoleReader)
		return all || p.User.Name == t.By
	}
	return p.Role(t.EnterpriseProject).Includes(plimsoll.RoleReader)
}
