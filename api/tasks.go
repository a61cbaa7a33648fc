package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
)

// TaskStore keeps tasks with their work.
type TaskStore interface {
	// CreateTask saves a task with its work and sets its id, state and counts.
	CreateTask(ctx context.Context, t *plimsoll.Task, work []plimsoll.Work) error

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

// seesTask lets callers see their own tasks and those of their enterprise projects.
func seesTask(p plimsoll.Principal, t plimsoll.Task) bool {
	return t.By == p.User.Name || p.Role(t.EnterpriseProject).Includes(plimsoll.RoleReader)
}
