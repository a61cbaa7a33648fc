package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"plimsoll"
)

func (a *app) advisoriesCommand() *cobra.Command {
	return group("advisories", "Keep advisories current and show what is there",
		a.advisoriesImport(), a.advisoriesStatus(), a.advisoriesUpdate(),
		a.bundleExport(), a.bundleKey(), a.bundlePush(), a.bundlePull())
}

func (a *app) advisoriesImport() *cobra.Command {
	var feed string
	var keys []string
	var unsigned bool
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Import OSV records from a zip or a folder of JSON files, or a bundle",
		Long: `Import reads a full dump of one feed: records of the same feed that are not in it are
withdrawn at once. A bundle of ` + "`plimsoll advisories export`" + ` holds every feed of another site;
it has to be signed by one of --verify-key. A feed that was checked later here is left
alone. Stored images are judged again; no registry is asked.`,
		Example: `  plimsoll advisories import Debian.zip
  plimsoll advisories import ./records --feed in-house
  plimsoll advisories import advisories.bundle --verify-key bundle.key.pub`,
		Args: cobra.ExactArgs(1),
		RunE: a.on(func(ctx context.Context, b backend, args []string) error {
			trust, err := trustOf(keys, unsigned)
			if err != nil {
				return err
			}
			p := a.progress()
			outcome, err := b.ImportAdvisories(ctx, args[0], feed, trust, func(n int) {
				p.stage("import", fmt.Sprintf("%d records", n))
			})
			p.done()
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(outcome)
			}
			return a.printImport(outcome)
		}),
	}
	cmd.Flags().StringVar(&feed, "feed", "", "name of the feed (default: the file's)")
	cmd.Flags().StringSliceVar(&keys, "verify-key", nil, "public key in PEM that a bundle may be signed with (repeatable)")
	cmd.Flags().BoolVar(&unsigned, "insecure-unsigned", false, "import a bundle whoever made it")
	return cmd
}

func (a *app) printImport(o plimsoll.ImportOutcome) error {
	for _, f := range o.Feeds {
		fmt.Fprintf(a.out, "%s: %d records, %d new, %d changed, %d unchanged, %d withdrawn\n",
			printable(f.Feed), f.Records, f.New, f.Changed, f.Unchanged, f.Withdrawn)
	}
	_, err := fmt.Fprintf(a.out, "feed %s: %d records, %d new, %d changed, %d unchanged, %d withdrawn; revision %d\n",
		printable(o.Feed), o.Records, o.New, o.Changed, o.Unchanged, o.Withdrawn, o.Revision)
	for _, reason := range slices.Sorted(maps.Keys(o.Skipped)) {
		fmt.Fprintf(a.out, "skipped %d: %s\n", o.Skipped[reason], printable(reason))
	}
	return err
}

func (a *app) advisoriesStatus() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show revision, age and feeds",
		Args:  cobra.NoArgs,
		RunE: a.on(func(ctx context.Context, b backend, _ []string) error {
			s, err := b.AdvisoryStatus(ctx)
			if err != nil {
				return err
			}
			a.warnStale(s)
			if a.output == "json" {
				s.Feeds = list(s.Feeds)
				return a.printJSON(s)
			}
			return a.printAdvisories(s)
		}),
	}
	a.staleFlag(cmd)
	return cmd
}

func (a *app) printAdvisories(s plimsoll.AdvisoryStatus) error {
	if len(s.Feeds) == 0 {
		_, err := fmt.Fprintln(a.out, "no advisories were imported; see `plimsoll advisories import --help`")
		return err
	}
	fmt.Fprintf(a.out, "revision %d, checked %s ago\n", s.Revision, ageText(s.AgeSeconds))
	t := a.table("feed", "records", "revision", "checked", "changed", "newest record", "source")
	for _, f := range s.Feeds {
		row(t, f.Name, f.Records, int64(f.Revision), timeText(f.CheckedAt), timeText(f.ChangedAt), timeText(f.Newest), f.Source)
	}
	t.Render()
	for _, f := range s.Feeds {
		if f.Failure != "" {
			fmt.Fprintf(a.out, "%s could not be read at %s: %s\n", printable(f.Name), timeText(f.FailedAt), printable(f.Failure))
		}
	}
	return nil
}
