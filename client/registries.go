package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"plimsoll"
)

// Registries lists the project's registries.
func (c *Client) Registries(ctx context.Context) ([]plimsoll.Registry, error) {
	return listAll[plimsoll.Registry](ctx, c, pathRegistries, nil)
}

// AddRegistry adds a registry, after the server has checked that it answers and that its credentials work. Conflict:
// the name is taken.
func (c *Client) AddRegistry(ctx context.Context, spec plimsoll.RegistrySpec) (plimsoll.Registry, error) {
	if spec.EnterpriseProject == "" {
		spec.EnterpriseProject = plimsoll.DefaultEnterpriseProject
	}
	var reg plimsoll.Registry
	_, err := c.call(ctx, http.MethodPost, pathRegistries, spec, &reg)
	return reg, err
}

// RemoveRegistry removes a registry with its images, by name.
func (c *Client) RemoveRegistry(ctx context.Context, name string) error {
	_, err := c.call(ctx, http.MethodDelete, pathRegistry(name), nil, nil)
	return err
}

// RequestSync asks for a sync of a registry, and returns its task.
func (c *Client) RequestSync(ctx context.Context, registry string) (task plimsoll.Task, err error) {
	_, err = c.call(ctx, http.MethodPost, pathSync(registry), nil, &task)
	return task, err
}

// Sync asks for a sync of a registry, and returns when it and the scans that follow from it are done. The task's
// Failed counts failed scans too. watch is called with the state of the tasks several times a second.
func (c *Client) Sync(ctx context.Context, registry string, watch func(plimsoll.Task)) (plimsoll.Task, error) {
	task, err := c.RequestSync(ctx, registry)
	if err != nil {
		return task, err
	}
	done, err := c.WaitTask(ctx, task.ID, watch)
	if err != nil {
		return done, err
	}
	scans, err := c.Tasks(ctx, plimsoll.WorkScan, plimsoll.MaxLimit)
	if err != nil {
		return done, err
	}
	for _, scan := range scans {
		if !scan.FollowsSync(task.ID) {
			continue
		}
		ended, err := c.WaitTask(ctx, scan.ID, watch)
		if err != nil {
			return done, err
		}
		done.Failed += ended.Failed
	}
	return done, nil
}

// Task reads a task.
func (c *Client) Task(ctx context.Context, id int64) (task plimsoll.Task, err error) {
	err = c.get(ctx, pathTask(id), nil, &task)
	return task, err
}

// Tasks lists the newest tasks of a kind; "" means any. limit is 1 to plimsoll.MaxLimit.
func (c *Client) Tasks(ctx context.Context, kind plimsoll.WorkKind, limit int) ([]plimsoll.Task, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	setGiven(q, "kind", string(kind))
	var page plimsoll.Page[plimsoll.Task]
	err := c.get(ctx, pathTasks, q, &page)
	return page.Items, err
}

// pollInterval is the time between two questions about a task.
const pollInterval = 300 * time.Millisecond

// WaitTask returns a task when it has ended. watch is called with its state several times a second; nil watches nothing.
func (c *Client) WaitTask(ctx context.Context, id int64, watch func(plimsoll.Task)) (plimsoll.Task, error) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		task, err := c.Task(ctx, id)
		if err != nil {
			return task, err
		}
		if watch != nil {
			watch(task)
		}
		if task.State != plimsoll.TaskRunning {
			return task, nil
		}
		select {
		case <-ctx.Done():
			return task, ctx.Err()
		case <-tick.C:
		}
	}
}
