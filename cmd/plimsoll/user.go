package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll"
)

func (a *app) userCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: "Add, list and remove users"}
	cmd.AddCommand(a.userAdd(), a.userList(), a.userPassword(), a.userRemove())
	return cmd
}

func (a *app) userAdd() *cobra.Command {
	var role string
	var passwordStdin bool
	cmd := &cobra.Command{
		Use:     "add NAME",
		Short:   "Add a user with a role in the project",
		Example: `  plimsoll user add ci --role editor --password-stdin <password.txt`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !passwordStdin {
				return plimsoll.Errorf(plimsoll.Invalid, "a user needs a password").WithHint("pass it with --password-stdin")
			}
			password, err := a.secret(true)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			return a.with(ctx, func(b backend) error {
				grant := plimsoll.Grant{EnterpriseProject: a.enterpriseProject, Role: plimsoll.Role(role)}
				u, err := b.AddUser(ctx, args[0], password, []plimsoll.Grant{grant})
				if err != nil {
					return err
				}
				if a.output == "json" {
					return a.printJSON(u)
				}
				_, err = fmt.Fprintf(a.out, "added %s (%s)\n", printable(u.Name), role)
				return err
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&role, "role", string(plimsoll.RoleReader), "reader sees, editor asks for scans and syncs, admin manages registries, advisories and users")
	f.BoolVar(&passwordStdin, "password-stdin", false, "read the password from standard input")
	complete(cmd, "role", "reader", "editor", "admin")
	return cmd
}

func (a *app) userList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List users and their roles",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return a.with(ctx, func(b backend) error {
				users, err := b.Users(ctx)
				if err != nil {
					return err
				}
				if a.output == "json" {
					return a.printJSON(users)
				}
				t := a.table("name", "roles", "since")
				for _, u := range users {
					var roles []string
					for _, g := range u.Grants {
						text := string(g.Role)
						if g.EnterpriseProject != "" {
							text += " in " + g.EnterpriseProject
						}
						roles = append(roles, text)
					}
					row(t, u.Name, strings.Join(roles, ", "), timeText(u.CreatedAt))
				}
				t.Render()
				return nil
			})
		},
	}
}

func (a *app) userPassword() *cobra.Command {
	return &cobra.Command{
		Use:   "password NAME",
		Short: "Set a user's password, read from standard input; tokens of the user end",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := a.secret(true)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			return a.with(ctx, func(b backend) error { return b.SetPassword(ctx, args[0], password) })
		},
	}
}

func (a *app) userRemove() *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Remove a user with tokens and keys",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return a.with(ctx, func(b backend) error { return b.RemoveUser(ctx, args[0]) })
		},
	}
}
