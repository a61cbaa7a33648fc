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

	// Tasks lists those of a project, newest first, in the given enterprise projects (nil means
	// every one) and of a kind ("" means any).
	Tasks(ctx context.Context, projectID string, enterpriseProjects []string, kind plimsoll.WorkKind, limit, offset int) (plimsoll.Page[plimsoll.Task], error)
}

type listTasksInput struct {
	OwnPath
	Kind   plimsoll.WorkKind `query:"kind" enum:"sync,scan,rematch,passwords" doc:"Absent = any"`
	Offset int               `query:"offset" minimum:"0" maximum:"2000000"`
	Limit  int               `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type listTasksOutput struct {
	Body plimsoll.Page[plimsoll.Task]
}

type showTaskInput struct {
	ProjectID string `path:"project_id" minLength:"1" maxLength:"256" doc:"Project of the caller"`
	ID        int64  `path:"id" minimum:"1" doc:"Id of the task"`
}

func (a *API) registerTasks() {
	closed(a, huma.Operation{
		OperationID: "listTasks", Method: http.MethodGet, Path: "/api/v1/projects/{project_id}/tasks",
		Tags: []string{"tasks"}, Summary: "List tasks, newest first",
	}, a.listTasks)
	closed(a, huma.Operation{
		OperationID: "showTask", Method: http.MethodGet, Path: "/api/v1/projects/{project_id}/tasks/{id}",
		Tags: []string{"tasks"}, Summary: "Show how far a task has come",
	}, a.showTask)
}

func (a *API) listTasks(ctx context.Context, in *listTasksInput) (*listTasksOutput, error) {
	eps, err := ownScope(caller(ctx), plimsoll.RoleReader, in.EnterpriseProject)
	if err != nil {
		return nil, err
	}
	page, err := a.roles.Tasks.Tasks(ctx, in.ProjectID, eps, in.Kind, in.Limit, in.Offset)
	if err != nil {
		return nil, err
	}
	if page.Items == nil {
		page.Items = []plimsoll.Task{}
	}
	return &listTasksOutput{Body: page}, nil
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
