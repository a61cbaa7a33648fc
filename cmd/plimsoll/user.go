package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll"
)

func (a *application) userCommand() *cobra.Command {
	return newGroup("user", "Add, list and remove users",
		a.userAdd(), a.userList(), a.userPassword(), a.userRemove())
}

func (a *application) userAdd() *cobra.Command {
	var role string
	var passwordStdin bool
	cmd := &cobra.Command{
		Use:     "add NAME",
		Short:   "Add a user with a role in the project",
		Example: `  plimsoll user add ci --role editor --password-stdin <password.txt`,
		Args:    cobra.ExactArgs(1),
		RunE: a.onBackend(func(ctx context.Context, b backend, args []string) error {
			if !passwordStdin {
				return plimsoll.Errorf(plimsoll.Invalid, "a user needs a password").
					WithHint("pass it on standard input with --password-stdin")
			}
			password, err := a.readSecret(true)
			if err != nil {
				return err
			}
			grant := plimsoll.Grant{EnterpriseProject: a.enterpriseProject, Role: plimsoll.Role(role)}
			u, err := b.AddUser(ctx, args[0], password, []plimsoll.Grant{grant})
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(u)
			}
			a.note("added %s (%s)", u.Name, role)
			return nil
		}),
	}
	f := cmd.Flags()
	f.StringVar(&role, "role", string(plimsoll.RoleReader), "reader sees, editor asks for scans and syncs, admin manages registries, advisories and users")
	f.BoolVar(&passwordStdin, "password-stdin", false, "read the password from standard input")
	completeFlag(cmd, "role", toStrings(plimsoll.Roles())...)
	return cmd
}

func (a *application) userList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List users and their roles",
		Args:  cobra.NoArgs,
		RunE: a.onBackend(func(ctx context.Context, b backend, _ []string) error {
			users, err := b.Users(ctx)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(nonNil(users))
			}
			t := a.newTable("name", "roles", "since")
			for _, u := range users {
				addRow(t, u.Name, rolesText(u.Grants), timeText(u.CreatedAt))
			}
			t.Render()
			return nil
		}),
	}
}

func rolesText(grants []plimsoll.Grant) string {
	var roles []string
	for _, g := range grants {
		text := string(g.Role)
		if g.EnterpriseProject != "" {
			text += " in " + g.EnterpriseProject
		}
		roles = append(roles, text)
	}
	return strings.Join(roles, ", ")
}

func (a *application) userPassword() *cobra.Command {
	return &cobra.Command{
		Use:     "password NAME",
		Short:   "Set a user's password, read from standard input; the user's tokens end",
		Example: `  plimsoll user password admin <password.txt`,
		Args:    cobra.ExactArgs(1),
		RunE: a.onBackend(func(ctx context.Context, b backend, args []string) error {
			password, err := a.readSecret(true)
			if err != nil {
				return err
			}
			if err := b.SetPassword(ctx, args[0], password); err != nil {
				return err
			}
			a.note("set the password of %s", args[0])
			return nil
		}),
	}
}

func (a *application) userRemove() *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Remove a user with tokens and keys",
		Args:  cobra.ExactArgs(1),
		RunE: a.onBackend(func(ctx context.Context, b backend, args []string) error {
			if err := b.RemoveUser(ctx, args[0]); err != nil {
				return err
			}
			a.note("removed %s", args[0])
			return nil
		}),
	}
}
