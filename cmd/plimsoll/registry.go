package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plimsoll"
)

func (a *app) registryCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "registry", Short: "Add, list and remove registries"}
	cmd.AddCommand(a.registryAdd(), a.registryList(), a.registryRemove())
	return cmd
}

func (a *app) registryAdd() *cobra.Command {
	var spec plimsoll.RegistrySpec
	var kind, shareExpires string
	var passwordStdin bool
	cmd := &cobra.Command{
		Use:   "add NAME URL",
		Short: "Add a registry",
		Long: `Add checks that the registry answers and that the credentials work, then stores it.
The secret is read from standard input and sealed at rest.`,
		Example: `  plimsoll registry add hub https://registry.example.org --username ci --password-stdin <secret.txt
  plimsoll registry add local http://127.0.0.1:5000 --allow-host 127.0.0.1:5000 --repository team/web`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec.Name, spec.URL, spec.Kind, spec.EnterpriseProject = args[0], args[1], plimsoll.RegistryKind(kind), a.enterpriseProject
			if shareExpires != "" {
				at, err := time.Parse(time.RFC3339, shareExpires)
				if err != nil {
					return plimsoll.Errorf(plimsoll.Invalid, "--share-expires: %w", err).WithHint("write it like 2027-01-31T00:00:00Z")
				}
				spec.ShareExpires = at
			}
			secret, err := a.secret(passwordStdin)
			if err != nil {
				return err
			}
			spec.Secret = secret
			ctx := cmd.Context()
			return a.with(ctx, func(b backend) error {
				r, err := b.AddRegistry(ctx, spec)
				if err != nil {
					return err
				}
				if a.output == "json" {
					return a.printJSON(r)
				}
				fmt.Fprintf(a.out, "added %s (%s)\n", printable(r.Name), printable(r.URL))
				if spec.Secret != "" && len(r.AuthHosts) > 0 {
					fmt.Fprintf(a.out, "its credentials also go to %s\n", printable(strings.Join(r.AuthHosts, ", ")))
				}
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&kind, "type", string(plimsoll.RegistryOther), "what is behind it: other, harbor, jfrog, swr-private, swr-shared, swr-enterprise")
	f.StringVar(&spec.Username, "username", "", "user to sign in as")
	f.BoolVar(&passwordStdin, "password-stdin", false, "read the secret from standard input")
	f.StringSliceVar(&spec.Repositories, "repository", nil, "read only this repository instead of the catalog (repeatable)")
	f.StringSliceVar(&spec.AuthHosts, "auth-host", nil, "host:port of a token service that may be sent the credentials (repeatable)")
	f.BoolVar(&spec.ScanOnSync, "scan-on-sync", true, "scan what a sync finds new")
	f.BoolVar(&spec.SharedBytes, "shared", false, "let every project reuse what was found in this registry's layers")
	f.StringVar(&spec.InstanceID, "instance-id", "", "id of the enterprise instance")
	f.StringVar(&spec.InstanceName, "instance-name", "", "name of the enterprise instance")
	f.StringVar(&spec.InstanceURL, "instance-url", "", "address of the enterprise instance")
	f.StringVar(&spec.Owner, "owner", "", "account that shares the images")
	f.StringVar(&shareExpires, "share-expires", "", "when the share ends (RFC 3339)")
	var kinds []string
	for _, k := range plimsoll.RegistryKinds() {
		kinds = append(kinds, string(k))
	}
	complete(cmd, "type", kinds...)
	return cmd
}

func (a *app) registryList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List registries and how their last sync ended",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return a.with(ctx, func(b backend) error {
				registries, err := b.Registries(ctx)
				if err != nil {
					return err
				}
				if a.output == "json" {
					return a.printJSON(slices.Concat([]plimsoll.Registry{}, registries))
				}
				t := a.table("name", "address", "type", "user", "last sync", "outcome")
				for _, r := range registries {
					at, outcome := "-", "-"
					if s := r.LastSync; s != nil {
						at, outcome = timeText(s.At), "done"
						if s.Failure != "" {
							outcome = string(s.Failure) + ": " + s.Detail
						}
					}
					row(t, r.Name, r.URL, string(r.Kind), r.Username, at, outcome)
				}
				t.Render()
				return nil
			})
		},
	}
}

func (a *app) registryRemove() *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Remove a registry with its images",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return a.with(ctx, func(b backend) error {
				if err := b.RemoveRegistry(ctx, args[0]); err != nil {
					return err
				}
				_, err := fmt.Fprintf(a.out, "removed %s\n", printable(args[0]))
				return err
			})
		},
	}
}
