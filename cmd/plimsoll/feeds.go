package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/advisory"
	"plimsoll/advisory/bundle"
	"plimsoll/advisory/feed"
	"plimsoll/outbound"
)

// feedOptions are the flags of online feeds.
type feedOptions struct {
	feeds, from []string
	every       time.Duration
}

func (o *feedOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&o.feeds, "feeds", nil, "feed to keep current: an ecosystem of OSV (Debian), kev, epss, malicious-packages, or NAME=ADDRESS of a zip (repeatable)")
	f.StringSliceVar(&o.from, "feeds-from", nil, "address or folder that ecosystems are read from, in this order (repeatable; default: the public bucket of OSV)")
}

// defaultStale is older than a long weekend.
const defaultStale = 5 * 24 * time.Hour

func (a *app) staleFlag(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&a.staleAfter, "stale-after", defaultStale, "age from which advisories count as stale; 0 = never")
}

// warnStale tells people that what they read may be out of date.
func (a *app) warnStale(s plimsoll.AdvisoryStatus) {
	if s.Stale {
		a.note("warning: the advisories are %s old; update them with `plimsoll advisories update` or import", ageText(s.AgeSeconds))
	}
}

// currentEnough is what --fail-on-stale asks for.
func currentEnough(s plimsoll.AdvisoryStatus) error {
	switch {
	case len(s.Feeds) == 0:
		return plimsoll.Errorf(plimsoll.Unavailable, "there are no advisories to judge by")
	case s.Stale:
		return plimsoll.Errorf(plimsoll.Unavailable, "the advisories are %s old", ageText(s.AgeSeconds)).
			WithHint("update them, or move --stale-after")
	default:
		return nil
	}
}

// ageText is an age as people say it.
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

// outboundClient reads feeds under the policy for connections.
func (a *app) outboundClient() (*http.Client, error) {
	policy, err := a.policy()
	if err != nil {
		return nil, err
	}
	return policy.Client(), nil
}

// policy is what deployment configuration allows, with further addresses.
func (a *app) policy(alsoAllow ...string) (outbound.Policy, error) {
	policy := outbound.Policy{Allow: append(append([]string{}, a.allowHosts...), alsoAllow...), Proxy: http.ProxyFromEnvironment}
	if err := policy.Validate(); err != nil {
		return policy, err
	}
	var err error
	policy.RootCAs, err = a.roots()
	return policy, err
}

// updater brings feeds of this site up to date.
func (s *site) updater() *feed.Updater {
	return &feed.Updater{
		Store: s.advisories, Remote: &feed.Remote{Client: s.feedClient, Stall: s.budget.Stall},
		Dir: s.temp(), Now: time.Now, Logger: s.logger,
	}
}

// temp is where downloads and uploads go; it is emptied at each start.
func (s *site) temp() string { return s.analysis.options.Temp }

// advisoryStatus reads the advisory store, and holds its age against the setting.
func (s *site) advisoryStatus(ctx context.Context) (plimsoll.AdvisoryStatus, error) {
	status, err := s.advisories.Status(ctx)
	status.Judge(s.staleAfter)
	return status, err
}

// importFeed reads a bundle, or a zip or a folder as the whole of a feed.
func (s *site) importFeed(ctx context.Context, path, name string, trust bundle.Trust, watch func(int)) (plimsoll.ImportOutcome, error) {
	if _, err := os.Stat(path); err != nil {
		return plimsoll.ImportOutcome{}, plimsoll.Errorf(plimsoll.NotFound, "advisories: %w", err)
	}
	progress := func(done, _ int) {
		if watch != nil {
			watch(done)
		}
	}
	if bundle.IsBundle(path) {
		b, err := bundle.Open(ctx, path, s.temp(), trust)
		if err != nil {
			return plimsoll.ImportOutcome{}, hintTrust(err)
		}
		defer b.Close() //nolint:errcheck // it is emptied at each start
		return b.Import(ctx, s.advisories, progress)
	}
	if name == "" {
		name = advisory.FeedName(path)
	}
	src, err := advisory.Open(path)
	if err != nil {
		return plimsoll.ImportOutcome{}, err
	}
	defer src.Close() //nolint:errcheck // only read from
	return advisory.Import(ctx, src, name, s.advisories, progress)
}
