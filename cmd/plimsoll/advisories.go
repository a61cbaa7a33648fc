package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/app"
	"plimsoll/app/terminal"
)

func (a *application) advisoriesCommand() *cobra.Command {
	return newGroup("advisories", "Keep advisories current and show what is there",
		a.advisoriesImport(), a.advisoriesStatus(), a.advisoriesUpdate(),
		a.bundleExport(), a.bundleKey(), a.bundlePush(), a.bundlePull())
}

func (a *application) advisoriesImport() *cobra.Command {
	var feed string
	var keys []string
	var unsigned bool
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Import OSV records from a zip or a folder of JSON files, or a bundle",
		Long: `Import reads a full dump of one feed: records of the same feed that are not in it are
withdrawn at once. A bundle of ` + "`plimsoll advisories export`" + ` has every feed of another site;
it has to be signed by one of --verify-key. A feed that was checked later here is left
alone. Stored images are judged again; no registry is asked.`,
		Example: `  plimsoll advisories import Debian.zip
  plimsoll advisories import ./records --feed in-house
  plimsoll advisories import advisories.bundle --verify-key bundle.key.pub`,
		Args: cobra.ExactArgs(1),
		RunE: a.onBackend(func(ctx context.Context, b backend, args []string) error {
			trust, err := app.ReadTrust(keys, unsigned)
			if err != nil {
				return err
			}
			p := a.newProgress()
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
	cmd.Flags().BoolVar(&unsigned, "insecure-unsigned", false, "import a bundle without checking who made it")
	return cmd
}

func (a *application) printImport(o plimsoll.ImportOutcome) error {
	for _, f := range o.Feeds {
		fmt.Fprintf(a.out, "%s: %d records, %d new, %d changed, %d unchanged, %d withdrawn\n",
			terminal.Printable(f.Feed), f.Records, f.New, f.Changed, f.Unchanged, f.Withdrawn)
	}
	_, err := fmt.Fprintf(a.out, "feed %s: %d records, %d new, %d changed, %d unchanged, %d withdrawn; revision %d\n",
		terminal.Printable(o.Feed), o.Records, o.New, o.Changed, o.Unchanged, o.Withdrawn, o.Revision)
	for _, reason := range slices.Sorted(maps.Keys(o.Skipped)) {
		fmt.Fprintf(a.out, "skipped %d: %s\n", o.Skipped[reason], terminal.Printable(reason))
	}
	return err
}

func (a *application) advisoriesStatus() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show revision, age and feeds",
		Args:  cobra.NoArgs,
		RunE: a.onBackend(func(ctx context.Context, b backend, _ []string) error {
			s, err := b.AdvisoryStatus(ctx)
			if err != nil {
				return err
			}
			a.warnStale(s.Stale, s.AgeSeconds)
			if a.output == "json" {
				s.Feeds = nonNil(s.Feeds)
				return a.printJSON(s)
			}
			return a.printAdvisories(s)
		}),
	}
	a.staleFlag(cmd)
	return cmd
}

func (a *application) printAdvisories(s plimsoll.AdvisoryStatus) error {
	if len(s.Feeds) == 0 {
		_, err := fmt.Fprintln(a.out, "no advisories were imported; see `plimsoll advisories import --help`")
		return err
	}
	fmt.Fprintf(a.out, "revision %d, checked %s ago\n", s.Revision, ageText(s.AgeSeconds))
	t := a.newTable("feed", "records", "revision", "checked", "changed", "newest record", "source")
	for _, f := range s.Feeds {
		addRow(t, f.Name, f.Records, int64(f.Revision), timeText(f.CheckedAt), timeText(f.ChangedAt), timeText(f.Newest), f.Source)
	}
	t.Render()
	for _, f := range s.Feeds {
		if f.Failure != "" {
			fmt.Fprintf(a.out, "%s could not be read at %s: %s\n", terminal.Printable(f.Name), timeText(f.FailedAt), terminal.Printable(f.Failure))
		}
	}
	return nil
}

func (a *application) advisoriesUpdate() *cobra.Command {
	var o feedOptions
	cmd := &cobra.Command{
		Use:   "update [FEED ...]",
		Short: "Read feeds from their upstreams",
		Long: `Update reads the named feeds (default: those of --feeds) from the network or a mirror
in a folder: only what changed since the last time where the upstream reports that, else the
whole if it changed. A record that is gone is withdrawn when a second full dump lacks it
too. If no upstream answers, what was read before stays. Stored images are judged again.

It works on the data directory. A running server reads its --feeds by itself.`,
		Args: cobra.ArbitraryArgs,
		Example: `  plimsoll advisories update Debian Alpine kev epss
  plimsoll advisories update --feeds Debian --feeds-from https://mirror.example.org/osv`,
		RunE: func(cmd *cobra.Command, args []string) error {
			feeds, err := chosenFeeds(args, o)
			if err != nil {
				return err
			}
			if a.endpoint != "" {
				return plimsoll.Errorf(plimsoll.Invalid, "the server at --endpoint reads feeds by itself").
					WithHint("start it with --feeds")
			}
			return a.updateFeeds(cmd.Context(), feeds)
		},
	}
	o.addFlags(cmd)
	return cmd
}

// chosenFeeds are the named feeds, or those of --feeds, as the settings describe them.
func chosenFeeds(names []string, o feedOptions) ([]app.Feed, error) {
	set, err := app.ParseFeeds(o.feeds, o.from)
	if err != nil || len(names) == 0 {
		if err == nil && len(set) == 0 {
			err = plimsoll.Errorf(plimsoll.Invalid, "name a feed, or set --feeds")
		}
		return set, err
	}
	var out []app.Feed
	for _, name := range names {
		at := slices.IndexFunc(set, func(f app.Feed) bool { return f.Name == name })
		if at >= 0 {
			out = append(out, set[at])
			continue
		}
		own, err := app.ParseFeeds([]string{name}, o.from)
		if err != nil {
			return nil, err
		}
		out = append(out, own...)
	}
	return out, nil
}

func (a *application) updateFeeds(ctx context.Context, feeds []app.Feed) error {
	l, err := a.openLocal(ctx)
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // the error of the update matters more
	p := a.newProgress()
	outcomes, failed, err := l.site.Advisories.Update(ctx, feeds, func(name string) { p.stage("update", name) })
	p.done()
	if err != nil {
		return errors.Join(append(failed, err)...)
	}
	if a.output == "json" {
		return errors.Join(append(failed, a.printJSON(nonNil(outcomes)))...)
	}
	for _, o := range outcomes {
		if err := a.printImport(o); err != nil {
			return err
		}
	}
	return errors.Join(failed...)
}

// warnStale warns people that what they read may be out of date.
func (a *application) warnStale(stale bool, ageSeconds int64) {
	if stale {
		a.note("warning: the advisories are %s old; update them with `plimsoll advisories update` or import", ageText(ageSeconds))
	}
}

// ageText is an age in words.
func ageText(seconds int64) string {
	d := time.Duration(seconds) * time.Second
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	default:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
}
