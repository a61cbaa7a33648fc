package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) keyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "key", Short: "Create, list and revoke access keys that sign requests"}
	cmd.AddCommand(a.keyCreate(), a.keyList(), a.keyRevoke())
	return cmd
}

func (a *app) keyCreate() *cobra.Command {
	var user, description string
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create an access key; its secret is shown once",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return a.with(ctx, func(b backend) error {
				access, secret, err := b.CreateKey(ctx, user, description)
				if err != nil {
					return err
				}
				if a.output == "json" {
					return a.printJSON(map[string]string{"access": access, "secret": secret})
				}
				_, err = fmt.Fprintf(a.out, "access key %s\nsecret key %s\n", access, secret)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&user, "user", "admin", "whose key")
	cmd.Flags().StringVar(&description, "description", "", "what it is for")
	return cmd
}

func (a *app) keyList() *cobra.Command {
	var user string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List a user's access keys",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return a.with(ctx, func(b backend) error {
				keys, err := b.Keys(ctx, user)
				if err != nil {
					return err
				}
				if a.output == "json" {
					return a.printJSON(keys)
				}
				t := a.table("access key", "description", "since")
				for _, k := range keys {
					row(t, k.Access, k.Description, timeText(k.CreatedAt))
				}
				t.Render()
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&user, "user", "admin", "whose keys")
	return cmd
}

func (a *app) keyRevoke() *cobra.Command {
	var user string
	cmd := &cobra.Command{
		Use:   "revoke ACCESS_KEY",
		Short: "Revoke an access key",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return a.with(ctx, func(b backend) error { return b.RevokeKey(ctx, user, args[0]) })
		},
	}
	cmd.Flags().StringVar(&user, "user", "admin", "whose key")
	return cmd
}
