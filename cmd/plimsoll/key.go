package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *application) keyCommand() *cobra.Command {
	return newGroup("key", "Create, list and revoke access keys that sign requests",
		a.keyCreate(), a.keyList(), a.keyRevoke())
}

// keyUser adds the flag that says whose keys are meant.
func keyUser(cmd *cobra.Command, user *string) *cobra.Command {
	cmd.Flags().StringVar(user, "user", "", "whose keys (default: your own; admin's on a data directory)")
	return cmd
}

func (a *application) keyCreate() *cobra.Command {
	var user, description string
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create an access key; its secret is shown once",
		Args:  cobra.NoArgs,
		RunE: a.onBackend(func(ctx context.Context, b backend, _ []string) error {
			access, secret, err := b.CreateKey(ctx, user, description)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(map[string]string{"access": access, "secret": secret})
			}
			_, err = fmt.Fprintf(a.out, "access key %s\nsecret key %s\n", access, secret)
			return err
		}),
	}
	cmd.Flags().StringVar(&description, "description", "", "what it is for")
	return keyUser(cmd, &user)
}

func (a *application) keyList() *cobra.Command {
	var user string
	return keyUser(&cobra.Command{
		Use:   "list",
		Short: "List a user's access keys",
		Args:  cobra.NoArgs,
		RunE: a.onBackend(func(ctx context.Context, b backend, _ []string) error {
			keys, err := b.Keys(ctx, user)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(nonNil(keys))
			}
			t := a.newTable("access key", "description", "since")
			for _, k := range keys {
				addRow(t, k.Access, k.Description, timeText(k.CreatedAt))
			}
			t.Render()
			return nil
		}),
	}, &user)
}

func (a *application) keyRevoke() *cobra.Command {
	var user string
	return keyUser(&cobra.Command{
		Use:   "revoke ACCESS_KEY",
		Short: "Revoke an access key",
		Args:  cobra.ExactArgs(1),
		RunE: a.onBackend(func(ctx context.Context, b backend, args []string) error {
			if err := b.RevokeKey(ctx, user, args[0]); err != nil {
				return err
			}
			a.note("revoked %s", args[0])
			return nil
		}),
	}, &user)
}
