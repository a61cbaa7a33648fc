package app

import (
	"context"
	"strconv"
	"time"

	"plimsoll"
	"plimsoll/intake"
	"plimsoll/store"
)

// Registries adds, lists, syncs and removes the registries of a project.
type Registries struct {
	store  *store.Store
	intake *intake.Registries
	tasks  *Tasks
}

// Registries lists those of a project in the given enterprise projects; nil means every one.
func (r *Registries) Registries(ctx context.Context, projectID string, enterpriseProjects []string) ([]plimsoll.Registry, error) {
	return r.store.Registries(ctx, projectID, enterpriseProjects)
}

// Add checks that a registry answers and that its credentials work, seals its secret and stores it. Conflict: the
// name is taken.
func (r *Registries) Add(ctx context.Context, spec plimsoll.RegistrySpec) (plimsoll.Registry, error) {
	return r.intake.Add(ctx, spec)
}

// RemoveRegistry removes a registry with its images.
func (r *Registries) RemoveRegistry(ctx context.Context, projectID string, id int64) error {
	return r.intake.Remove(ctx, projectID, id)
}

// RemoveNamed removes a registry with its images, by name.
func (r *Registries) RemoveNamed(ctx context.Context, projectID, name string) error {
	reg, err := r.store.RegistryByName(ctx, projectID, name)
	if err != nil {
		return err
	}
	return r.RemoveRegistry(ctx, reg.ProjectID, reg.ID)
}

// Who asks for syncs, as tasks name them.
const (
	byOperator = "operator" // someone who works on the data directory itself
	bySchedule = "schedule"
)

// Sync reads a registry and returns when the sync and the scans that follow from it are done. The task's Failed counts
// failed scans too. watch is called with each new state of the tasks.
func (r *Registries) Sync(ctx context.Context, projectID, name string, watch func(plimsoll.Task)) (plimsoll.Task, error) {
	reg, err := r.store.RegistryByName(ctx, projectID, name)
	if err != nil {
		return plimsoll.Task{}, err
	}
	var task plimsoll.Task
	err = r.tasks.workDuring(ctx, func() error {
		task, err = r.requestSync(ctx, reg, byOperator, plimsoll.PriorityInteractive)
		if err == nil {
			task, err = r.waitSync(ctx, task, watch)
		}
		return err
	})
	return task, err
}

// requestSync creates a task for a sync.
func (r *Registries) requestSync(ctx context.Context, reg plimsoll.Registry, by string, priority plimsoll.Priority) (plimsoll.Task, error) {
	task := plimsoll.Task{Tenant: reg.Tenant, Kind: plimsoll.WorkSync, By: by}
	work := plimsoll.Work{
		Tenant: reg.Tenant, Kind: plimsoll.WorkSync,
		Key: strconv.FormatInt(reg.ID, 10), RegistryID: reg.ID, Priority: priority,
	}
	err := r.tasks.CreateTask(ctx, &task, []plimsoll.Work{work})
	return task, err
}

// waitSync waits for a sync, then for the scans that follow from it.
func (r *Registries) waitSync(ctx context.Context, sync plimsoll.Task, watch func(plimsoll.Task)) (plimsoll.Task, error) {
	done, err := r.tasks.Wait(ctx, sync.ProjectID, sync.ID, watch)
	if err != nil {
		return done, err
	}
	scans, err := r.tasks.Tasks(ctx, sync.ProjectID, nil, plimsoll.WorkScan, plimsoll.MaxLimit, "")
	if err != nil {
		return done, err
	}
	for _, scan := range scans.Items {
		if !scan.FollowsSync(sync.ID) {
			continue
		}
		ended, err := r.tasks.Wait(ctx, sync.ProjectID, scan.ID, watch)
		if err != nil {
			return done, err
		}
		done.Failed += ended.Failed
	}
	return done, nil
}

// requestDueSyncs asks for a sync of every registry of a domain that was added and last read before a time.
func (r *Registries) requestDueSyncs(ctx context.Context, domainID string, before time.Time) error {
	projects, err := r.store.Projects(ctx, domainID)
	if err != nil {
		return err
	}
	for _, p := range projects {
		registries, err := r.store.Registries(ctx, p.ID, nil)
		if err != nil {
			return err
		}
		for _, reg := range registries {
			if reg.CreatedAt.After(before) || (reg.LastSync != nil && reg.LastSync.At.After(before)) {
				continue
			}
			if _, err := r.requestSync(ctx, reg, bySchedule, plimsoll.PriorityBulk); err != nil {
				return err
			}
		}
	}
	return nil
}
