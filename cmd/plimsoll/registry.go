package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plimsoll"
)

func (a *application) registryCommand() *cobra.Command {
	return newGroup("registry", "Add, list and remove registries", a.registryAdd(), a.registryList(), a.registryRemove())
}

// registryOptions are the flags of a registry to be added.
type registryOptions struct {
	spec          plimsoll.RegistrySpec
	kind          string
	shareExpires  string
	passwordStdin bool
}

func (a *application) registryAdd() *cobra.Command {
	var o registryOptions
	cmd := &cobra.Command{
		Use:   "add NAME URL",
		Short: "Add a registry",
		Long: `Add checks that the registry answers and that the credentials work, then stores it.
The secret is read from standard input and sealed at rest.`,
		Example: `  plimsoll registry add hub https://registry.example.org --username ci --password-stdin <secret.txt
  plimsoll registry add local http://127.0.0.1:5000 --allow-host 127.0.0.1:5000 --repository team/web`,
		Args: cobra.ExactArgs(2),
		RunE: a.onBackend(func(ctx context.Context, b backend, args []string) error {
			o.spec.Name, o.spec.URL = args[0], args[1]
			spec, err := a.registrySpec(o)
			if err != nil {
				return err
			}
			r, err := b.AddRegistry(ctx, spec)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(r)
			}
			a.note("added %s (%s)", r.Name, r.URL)
			if spec.Secret != "" && len(r.AuthHosts) > 0 {
				a.note("its credentials also go to %s", strings.Join(r.AuthHosts, ", "))
			}
			return nil
		}),
	}
	f := cmd.Flags()
	f.StringVar(&o.kind, "type", string(plimsoll.RegistryOther), "what is behind it: "+strings.Join(toStrings(plimsoll.RegistryKinds()), ", "))
	f.StringVar(&o.spec.Username, "username", "", "user to sign in as")
	f.BoolVar(&o.passwordStdin, "password-stdin", false, "read the secret from standard input")
	f.StringSliceVar(&o.spec.Repositories, "repository", nil, "read only this repository instead of the catalog (repeatable)")
	f.StringSliceVar(&o.spec.AuthHosts, "auth-host", nil, "host:port of a token service that may be sent the credentials (repeatable)")
	f.BoolVar(&o.spec.ScanOnSync, "scan-on-sync", true, "scan what a sync finds new")
	f.BoolVar(&o.spec.SharedBytes, "shared", false, "let every project reuse what was found in this registry's layers")
	f.StringVar(&o.spec.InstanceID, "instance-id", "", "id of the enterprise instance")
	f.StringVar(&o.spec.InstanceName, "instance-name", "", "name of the enterprise instance")
	f.StringVar(&o.spec.InstanceURL, "instance-url", "", "address of the enterprise instance")
	f.StringVar(&o.spec.Owner, "owner", "", "account that shares the images")
	f.StringVar(&o.shareExpires, "share-expires", "", "when the share ends (RFC 3339)")
	completeFlag(cmd, "type", toStrings(plimsoll.RegistryKinds())...)
	return cmd
}

// registrySpec completes what the flags say with what stands elsewhere.
func (a *application) registrySpec(o registryOptions) (plimsoll.RegistrySpec, error) {
	spec := o.spec
	spec.Kind, spec.EnterpriseProject = plimsoll.RegistryKind(o.kind), a.enterpriseProject
	if o.shareExpires != "" {
		at, err := time.Parse(time.RFC3339, o.shareExpires)
		if err != nil {
			return spec, plimsoll.Errorf(plimsoll.Invalid, "--share-expires: %w", err).WithHint("write it like 2027-01-31T00:00:00Z")
		}
		spec.ShareExpires = at
	}
	var err error
	spec.Secret, err = a.readSecret(o.passwordStdin)
	return spec, err
}

func (a *application) registryList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List registries and how their last sync ended",
		Args:  cobra.NoArgs,
		RunE: a.onBackend(func(ctx context.Context, b backend, _ []string) error {
			registries, err := b.Registries(ctx)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(nonNil(registries))
			}
			t := a.newTable("name", "address", "type", "user", "last sync", "outcome")
			for _, r := range registries {
				at, outcome := lastSync(r)
				addRow(t, r.Name, r.URL, string(r.Kind), r.Username, at, outcome)
			}
			t.Render()
			return nil
		}),
	}
}

func lastSync(r plimsoll.Registry) (at, outcome string) {
	s := r.LastSync
	switch {
	case s == nil:
		return "-", "-"
	case s.Failure != "":
		return timeText(s.At), string(s.Failure) + ": " + s.Detail
	default:
		return timeText(s.At), "done"
	}
}

func (a *application) registryRemove() *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Remove a registry with its images",
		Args:  cobra.ExactArgs(1),
		RunE: a.onBackend(func(ctx context.Context, b backend, args []string) error {
			if err := b.RemoveRegistry(ctx, args[0]); err != nil {
				return err
			}
			a.note("removed %s", args[0])
			return nil
		}),
	}
}
