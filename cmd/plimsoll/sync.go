package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll"
)

func (a *app) syncCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sync [REGISTRY ...]",
		Short: "Read registries and scan what is new",
		Long: `Sync compares the named registries (default: all) with the inventory, adds what is
new, drops what is gone, and scans. It returns when the scans are done.`,
		Example: `  plimsoll sync
  plimsoll sync hub`,
		RunE: a.on(func(ctx context.Context, b backend, names []string) error {
			if len(names) == 0 {
				var err error
				if names, err = registryNames(ctx, b); err != nil {
					return err
				}
			}
			return a.syncAll(ctx, b, names)
		}),
	}
	a.budgetFlags(cmd)
	a.rulesFlag(cmd)
	a.clamdFlags(cmd)
	return cmd
}

func registryNames(ctx context.Context, b backend) ([]string, error) {
	registries, err := b.Registries(ctx)
	if err != nil {
		return nil, err
	}
	if len(registries) == 0 {
		return nil, plimsoll.Errorf(plimsoll.NotFound, "there is no registry to sync").
			WithHint("add one: plimsoll registry add NAME URL")
	}
	var names []string
	for _, r := range registries {
		names = append(names, r.Name)
	}
	return names, nil
}

// syncAll goes on with the next registry when one fails, and fails in the end.
func (a *app) syncAll(ctx context.Context, b backend, names []string) error {
	p := a.progress()
	var failed []string
	for _, name := range names {
		task, err := b.Sync(ctx, name, func(t plimsoll.Task) {
			p.stage(string(t.Kind)+" "+name, fmt.Sprintf("%d of %d", t.Done, t.Total))
		})
		p.done()
		if err != nil {
			return err
		}
		if task.Failed > 0 {
			failed = append(failed, name)
		}
	}
	if len(failed) > 0 {
		return plimsoll.Errorf(plimsoll.Unavailable, "%d of %d registries or some of their scans failed: %s",
			len(failed), len(names), strings.Join(failed, ", ")).
			WithHint("see `plimsoll registry list` and `plimsoll images --state failed,unreachable,oversized`")
	}
	a.note("synchronised %d registries", len(names))
	return nil
}

// taskWatcher is where tasks are watched: the database of this process, or a server.
type taskWatcher interface {
	wait(ctx context.Context, id int64, watch func(plimsoll.Task)) (plimsoll.Task, error)

	// scanTasks lists the newest scan tasks of the project.
	scanTasks(ctx context.Context) ([]plimsoll.Task, error)
}

// waitSync waits for a sync, then for the scans that syncs asked for and that are open or
// newer than it. It returns the sync's task, to whose failures those of the scans are added.
func waitSync(ctx context.Context, t taskWatcher, id int64, watch func(plimsoll.Task)) (plimsoll.Task, error) {
	done, err := t.wait(ctx, id, watch)
	if err != nil {
		return done, err
	}
	scans, err := t.scanTasks(ctx)
	if err != nil {
		return done, err
	}
	for _, scan := range scans {
		if scan.By != bySync || (scan.ID < id && scan.State != plimsoll.TaskRunning) {
			continue
		}
		ended, err := t.wait(ctx, scan.ID, watch)
		if err != nil {
			return done, err
		}
		done.Failed += ended.Failed
	}
	return done, nil
}

// bySync is who asked for the scans that a sync found necessary.
const bySync = "sync"
