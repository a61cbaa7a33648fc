package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/app"
)

func (a *application) sealCommand() *cobra.Command {
	return newGroup("seal", "Manage the key that seals stored secrets", a.sealRotate())
}

func (a *application) sealRotate() *cobra.Command {
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
			config := a.config()
			s, err := app.Open(ctx, config)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // the error of rotating matters more
			key, secrets, err := s.RotateKey(ctx)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(map[string]any{"key": key, "secrets": secrets})
			}
			_, err = fmt.Fprintf(a.out, "sealed %d secrets with the new key %s; back up %s with the database\n",
				secrets, key, config.SealFile())
			return err
		},
	}
}
