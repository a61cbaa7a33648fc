package base

import (
	"context"
	"strconv"

	"plimsoll"
)

// TaskCreator starts tasks.
type TaskCreator interface {
	// CreateTask saves a task with its work and sets its id, state and counts.
	CreateTask(ctx context.Context, t *plimsoll.Task, work []plimsoll.Work) error
}

// StartSync makes one task that reads registries again. They belong to one enterprise project.
func StartSync(ctx context.Context, tasks TaskCreator, by string, registries []plimsoll.Registry) (plimsoll.Task, error) {
	task := plimsoll.Task{Tenant: registries[0].Tenant, Kind: plimsoll.WorkSync, By: by}
	work := make([]plimsoll.Work, 0, len(registries))
	for _, r := range registries {
		work = append(work, plimsoll.Work{
			Tenant: r.Tenant, Kind: plimsoll.WorkSync,
			Key: strconv.FormatInt(r.ID, 10), RegistryID: r.ID, Priority: plimsoll.PriorityInteractive,
		})
	}
	err := tasks.CreateTask(ctx, &task, work)
	return task, err
}
