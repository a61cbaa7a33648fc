package v1

import (
	"context"

	"plimsoll"
	"plimsoll/api/base"
)

// TaskStore keeps tasks with their work.
type TaskStore interface {
	base.TaskCreator

	// Task answers NotFound if the project has none of this id.
	Task(ctx context.Context, projectID string, id int64) (plimsoll.Task, error)

	// Tasks lists those of a project, newest first, in the given enterprise projects (nil means every one) and of
	// a kind ("" means any). after is the cursor of the page before, "" for the first page; Invalid for any other text.
	Tasks(ctx context.Context, projectID string, enterpriseProjects []string, kind plimsoll.WorkKind, limit int, after string) (plimsoll.Page[plimsoll.Task], error)
}

type taskOutput struct{ Body plimsoll.Task }

type listTasksInput struct {
	ProjectQuery
	PageQuery
	Kind plimsoll.WorkKind `query:"kind" enum:"sync,scan,rematch,passwords" doc:"Absent = any"`
}

type listTasksOutput struct {
	Body base.List[plimsoll.Task]
}

type showTaskInput struct {
	WholeProjectQuery
	ID int64 `path:"id" minimum:"1" doc:"Id of the task"`
}

func (h *handlers) listTasks(ctx context.Context, in *listTasksInput) (*listTasksOutput, error) {
	scope := base.ScopeOf(ctx)
	page, err := h.roles.Tasks.Tasks(ctx, scope.ProjectID, scope.EnterpriseProjects, in.Kind, in.Limit, in.After)
	return &listTasksOutput{Body: base.ListOf(page)}, err
}

func (h *handlers) showTask(ctx context.Context, in *showTaskInput) (*taskOutput, error) {
	unknown := plimsoll.Errorf(plimsoll.NotFound, "no task %d", in.ID)
	p := base.Caller(ctx)
	task, err := h.roles.Tasks.Task(ctx, p.Project.ID, in.ID)
	switch {
	case plimsoll.ErrorCode(err) == plimsoll.NotFound:
		return nil, unknown
	case err != nil:
		return nil, err
	case !seesTask(p, task):
		return nil, unknown
	}
	return &taskOutput{Body: task}, nil
}

// seesTask lets callers see their own tasks and those of their enterprise projects.
func seesTask(p plimsoll.Principal, t plimsoll.Task) bool {
	return t.By == p.User.Name || p.Role(t.EnterpriseProject).Includes(plimsoll.RoleReader)
}
