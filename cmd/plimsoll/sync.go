package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"plimsoll"
)

func (a *app) syncCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "sync [REGISTRY ...]",
		Short: "Read registries and scan what is new",
		Long: `Sync compares the named registries (default: all) with the inventory, adds what is
new, drops what is gone, and scans. On a data directory it works until the scans are
done; through a server it asks for the sync and waits for that.`,
		RunE: func(cmd *cobra.Command, names []string) error {
			ctx := cmd.Context()
			return a.with(ctx, func(b backend) error {
				if len(names) == 0 {
					registries, err := b.Registries(ctx)
					if err != nil {
						return err
					}
					if len(registries) == 0 {
						return plimsoll.Errorf(plimsoll.NotFound, "there is no registry to sync").
							WithHint("add one: plimsoll registry add NAME URL")
					}
					for _, r := range registries {
						names = append(names, r.Name)
					}
				}
				return a.syncAll(cmd, b, names)
			})
		},
	}
}

func (a *app) syncAll(cmd *cobra.Command, b backend, names []string) error {
	p := a.progress()
	var failed []string
	for _, name := range names {
		task, err := b.Sync(cmd.Context(), name, func(t plimsoll.Task) {
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
		return plimsoll.Errorf(plimsoll.Unavailable, "%d of %d registries or their scans failed: %v", len(failed), len(names), failed).
			WithHint("see `plimsoll registry list` and `plimsoll images --state failed,unreachable`")
	}
	_, err := fmt.Fprintf(a.errs, "synchronised %d registries\n", len(names))
	return err
}
