package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/seal"
)

// sealFile is the sealing key in the data directory.
const sealFile = "seal.key"

func (a *app) sealCommand() *cobra.Command {
	return group("seal", "Manage the key that seals stored secrets", a.sealRotate())
}

func (a *app) sealRotate() *cobra.Command {
	return &cobra.Command{
		Use:   "rotate",
		Short: "Make a new sealing key and seal every stored secret with it",
		Long: `Rotate makes a new sealing key, seals the secrets of registries and access keys again
in one transaction, and puts the new key in place of seal.key. The key before stays as
seal.key.old: it opens backups of the database made before. Remove it once they are gone,
or at once if it may have leaked. Rotating again replaces it.

It works on the data directory, so the server must be stopped. Whatever moment it is cut
off at, the next start finds the key that the database needs.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if a.endpoint != "" {
				return plimsoll.Errorf(plimsoll.Invalid, "the sealing key is rotated on the data directory, not through a server").
					WithHint("stop the server and run this on its machine, without --endpoint and with the server's --data")
			}
			s, err := a.openSite(ctx)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // the error of rotating matters more
			key, secrets, err := seal.Rotate(ctx, a.dataFile(sealFile), s.key, s.inventory)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(map[string]any{"key": key.ID(), "secrets": secrets})
			}
			_, err = fmt.Fprintf(a.out, "sealed %d secrets with the new key %s; back up %s with the database\n",
				secrets, key.ID(), a.dataFile(sealFile))
			return err
		},
	}
}
