package rematch

import (
	"context"

	"plimsoll"
	"plimsoll/match"
)

// Tasks adds work to the backlog.
type Tasks interface {
	CreateTask(ctx context.Context, t *plimsoll.Task, work []plimsoll.Work) error
}

// Due reports whether a rematch has something to do: the last finished one had another revision
// of the advisories or another version of the matcher, or scans left sets behind. The newest revision may
// also be lower than the last one, if the advisory database was replaced.
func (r *Rematcher) Due(ctx context.Context) (bool, error) {
	newest, err := r.Advisories.Revision(ctx)
	if err != nil {
		return false, err
	}
	state, err := r.Store.RematchState(ctx, match.Version)
	return newest != state.Through || len(state.Behind) > 0, err
}

// Request adds a rematch to the backlog if one is due. Every import of advisories ends with it,
// and servers call it when they start and on a schedule. by names the cause in the task.
func (r *Rematcher) Request(ctx context.Context, tasks Tasks, by string) error {
	due, err := r.Due(ctx)
	if err != nil || !due {
		return err
	}
	task := plimsoll.Task{Kind: plimsoll.WorkRematch, By: by}
	return tasks.CreateTask(ctx, &task, []plimsoll.Work{{Kind: plimsoll.WorkRematch, Priority: plimsoll.PriorityInteractive}})
}
