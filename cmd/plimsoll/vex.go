package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/app"
	"plimsoll/app/terminal"
)

func (a *application) vexCommand() *cobra.Command {
	return newGroup("vex", "Exchange decisions as VEX documents", a.vexImport(), a.vexExport())
}

func (a *application) vexImport() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE|-",
		Short: "Import a VEX document as decisions",
		Long: `Import reads OpenVEX 0.2, CSAF 2.0 (VEX profile) or CycloneDX 1.4 to 1.6 in JSON. What
it states about images, repositories and packages becomes decisions by its author; products
that are not known here are listed. A newer document of the same id replaces its decisions;
the same one changes nothing.`,
		Example: `  plimsoll vex import vendor.openvex.json
  curl -s https://vendor.example/vex.json | plimsoll vex import -`,
		Args: cobra.ExactArgs(1),
		RunE: a.onBackend(func(ctx context.Context, b backend, args []string) error {
			raw, err := a.readDocument(args[0])
			if err != nil {
				return err
			}
			out, err := b.ImportVEX(ctx, raw)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(out)
			}
			return a.printDocument(out)
		}),
	}
}

func (a *application) readDocument(path string) ([]byte, error) {
	in := a.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, plimsoll.Errorf(plimsoll.NotFound, "VEX document: %w", err)
		}
		defer f.Close() //nolint:errcheck // only read from
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, app.MaxVEXBytes+1))
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Unavailable, "VEX document: %w", err)
	}
	return raw, nil
}

func (a *application) printDocument(d plimsoll.DocumentImport) error {
	a.note("%s %s by %s: %d statements; decisions: %d added, %d unchanged, %d ended; %d products are not known here",
		d.Format, d.Document, d.Author, d.Statements, d.Added, d.Unchanged, d.Ended, len(d.Unknown))
	if len(d.Unknown) == 0 {
		return nil
	}
	t := a.newTable("vulnerability", "product", "why it is no decision")
	for _, u := range d.Unknown {
		addRow(t, u.Vulnerability, u.Product, u.Reason)
	}
	t.Render()
	return nil
}

func (a *application) vexExport() *cobra.Command {
	var image string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the active decisions as OpenVEX",
		Long: `Export writes an OpenVEX document to standard output: every active decision with the
images or the package that it is about, or with --image what holds for the findings of one
image, package by package. What is ignored or accepted is "affected", with that as its
action: VEX has no other word for it.`,
		Args: cobra.NoArgs,
		RunE: a.onBackend(func(ctx context.Context, b backend, _ []string) error {
			id := ""
			if image != "" {
				img, err := findImage(ctx, b, image)
				if err != nil {
					return err
				}
				id = recordID(img)
			}
			doc, err := b.ExportVEX(ctx, id)
			if err != nil {
				return err
			}
			_, err = a.out.Write(terminal.EscapeJSON(doc))
			return err
		}),
	}
	cmd.Flags().StringVar(&image, "image", "", "only what holds in this image: repository:tag, sha256:digest or record id")
	return cmd
}
