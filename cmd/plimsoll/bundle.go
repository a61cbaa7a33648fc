package main

import (
	"context"
	"crypto/ed25519"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/app"
	"plimsoll/app/terminal"
)

func (a *application) bundleKey() *cobra.Command {
	return &cobra.Command{
		Use:     "key FILE",
		Short:   "Make a key that bundles are signed with",
		Long:    `Key writes a private key to FILE and the public one to FILE.pub. Sites that import need the latter.`,
		Example: `  plimsoll advisories key bundle.key`,
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			id, err := app.NewSigningKey(args[0])
			if err != nil {
				return err
			}
			a.note("made key %s: %s signs, %s.pub verifies", id, args[0], args[0])
			return nil
		},
	}
}

func (a *application) bundleExport() *cobra.Command {
	var keyPath string
	var unsigned bool
	cmd := &cobra.Command{
		Use:   "export FILE",
		Short: "Write every feed into one signed bundle",
		Long: `Export writes the advisories of the data directory, with the age of each feed, into a new
file for sites without internet. It works on the data directory, so the server must be
stopped.`,
		Example: `  plimsoll advisories export advisories.bundle --sign-key bundle.key`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (keyPath == "") != unsigned {
				return plimsoll.Errorf(plimsoll.Invalid, "give either --sign-key or --insecure-unsigned")
			}
			if a.endpoint != "" {
				return plimsoll.Errorf(plimsoll.Invalid, "export works on a data directory, not on the server at --endpoint")
			}
			var key ed25519.PrivateKey
			if keyPath != "" {
				var err error
				if key, err = app.ReadSigningKey(keyPath); err != nil {
					return err
				}
			}
			return a.exportBundle(cmd.Context(), args[0], key)
		},
	}
	cmd.Flags().StringVar(&keyPath, "sign-key", "", "private key to sign with, of `plimsoll advisories key`")
	cmd.Flags().BoolVar(&unsigned, "insecure-unsigned", false, "do not sign")
	return cmd
}

func (a *application) exportBundle(ctx context.Context, path string, key ed25519.PrivateKey) error {
	l, err := a.openLocal(ctx)
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // the error of writing matters more
	m, err := l.site.Advisories.Export(ctx, path, key)
	if err != nil {
		return err
	}
	if a.output == "json" {
		return a.printJSON(m)
	}
	for _, feed := range m.Feeds {
		a.note("%s: %d records, checked %s", terminal.Printable(feed.Name), feed.Records, timeText(feed.CheckedAt))
	}
	a.note("wrote %s", path)
	return nil
}

func (a *application) bundlePush() *cobra.Command {
	var o accessOptions
	cmd := &cobra.Command{
		Use:     "push FILE REFERENCE",
		Short:   "Store a bundle in a registry",
		Example: `  plimsoll advisories push advisories.bundle registry.example.org/security/advisories:latest`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			access, err := a.registryAccess(o)
			if err != nil {
				return err
			}
			digest, err := app.PushBundle(cmd.Context(), a.config(), args[0], args[1], access)
			if err == nil {
				a.note("pushed %s as %s", args[0], digest)
			}
			return err
		},
	}
	o.addFlags(cmd)
	return cmd
}

func (a *application) bundlePull() *cobra.Command {
	var o accessOptions
	cmd := &cobra.Command{
		Use:     "pull REFERENCE FILE",
		Short:   "Fetch a bundle from a registry into a new file",
		Long:    `Pull writes a bundle to FILE. The import checks its signature.`,
		Example: `  plimsoll advisories pull registry.example.org/security/advisories:latest advisories.bundle`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			access, err := a.registryAccess(o)
			if err != nil {
				return err
			}
			digest, err := app.PullBundle(cmd.Context(), a.config(), args[0], args[1], access)
			if err == nil {
				a.note("pulled %s to %s", digest, args[1])
			}
			return err
		},
	}
	o.addFlags(cmd)
	return cmd
}
