package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll"
)

func (a *application) syncCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sync [REGISTRY ...]",
		Short: "Read registries and scan what is new",
		Long: `Sync compares the named registries (default: all) with the inventory, adds what is
new, drops what is gone, and scans. It returns when the scans are done.`,
		Example: `  plimsoll sync
  plimsoll sync hub`,
		RunE: a.onBackend(func(ctx context.Context, b backend, names []string) error {
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
	a.declaredFlag(cmd)
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
func (a *application) syncAll(ctx context.Context, b backend, names []string) error {
	p := a.newProgress()
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
