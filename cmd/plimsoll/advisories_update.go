package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/advisory/feed"
)

func (a *app) advisoriesUpdate() *cobra.Command {
	var o feedOptions
	cmd := &cobra.Command{
		Use:   "update [FEED ...]",
		Short: "Read feeds from their upstreams",
		Long: `Update reads the named feeds (default: those of --feeds) from the network or a mirror
in a folder: only what changed since the last time where the upstream tells, else the
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
			return a.update(cmd.Context(), feeds)
		},
	}
	o.flags(cmd)
	return cmd
}

// chosenFeeds are the named ones, as the settings describe them.
func chosenFeeds(names []string, o feedOptions) ([]feed.Feed, error) {
	entries := slices.Clone(o.feeds)
	set, err := feed.Parse(entries, o.from)
	if err != nil || len(names) == 0 {
		if err == nil && len(set) == 0 {
			err = plimsoll.Errorf(plimsoll.Invalid, "name a feed, or set --feeds")
		}
		return set, err
	}
	var out []feed.Feed
	for _, name := range names {
		at := slices.IndexFunc(set, func(f feed.Feed) bool { return f.Name == name })
		if at >= 0 {
			out = append(out, set[at])
			continue
		}
		own, err := feed.Parse([]string{name}, o.from)
		if err != nil {
			return nil, err
		}
		out = append(out, own...)
	}
	return out, nil
}

func (a *app) update(ctx context.Context, feeds []feed.Feed) error {
	l, err := openLocal(ctx, a)
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // the error of the update matters more
	var outcomes []plimsoll.ImportOutcome
	var failed []error
	p := a.progress()
	for _, f := range feeds {
		p.stage("update", f.Name)
		out, err := l.updater().Update(ctx, f)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		outcomes = append(outcomes, out)
	}
	p.done()
	if err := l.rematcher().Work(ctx, plimsoll.Work{}); err != nil {
		return errors.Join(append(failed, err)...)
	}
	if a.output == "json" {
		return errors.Join(append(failed, a.printJSON(list(outcomes)))...)
	}
	for _, o := range outcomes {
		if err := a.printImport(o); err != nil {
			return err
		}
	}
	return errors.Join(failed...)
}
