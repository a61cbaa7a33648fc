package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"time"

	"plimsoll"
	"plimsoll/analyze/all"
	"plimsoll/identity"
	"plimsoll/intake"
	"plimsoll/rematch"
	"plimsoll/scan"
	"plimsoll/seal"
	"plimsoll/store"
	"plimsoll/store/advisories"
	"plimsoll/store/sqlite"
)

// site is the data directory, opened and locked, with everything wired that works on it.
type site struct {
	lock       *os.File
	inventory  *store.Store
	advisories *advisories.Store
	identity   *identity.Service
	passwords  *identity.Passwords
	key        *seal.Key
	connector  *intake.Connector
	registries *intake.Registries
	domain     plimsoll.Domain
	project    plimsoll.Project
	analysis   *analysis
	budget     plimsoll.Budget
	feedClient *http.Client
	staleAfter time.Duration
	logger     *slog.Logger

	// bootstrapped is set if this run made the first user.
	bootstrapped *identity.Credentials
}

// domainName is the domain that the first start makes.
const domainName = "plimsoll"

// hashesAtOnce bounds the memory that sign-ins take: each hash needs 19 MiB.
const hashesAtOnce = 4

// openSite locks and opens the data directory, and makes it usable on first use.
func (a *app) openSite(ctx context.Context, alsoAllow ...string) (s *site, err error) {
	if err := os.MkdirAll(a.data, 0o700); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Unavailable, "data directory: %w", err).WithHint("name another with --data")
	}
	s = &site{budget: a.limits(), logger: a.logger(), staleAfter: a.staleAfter, passwords: identity.NewPasswords(hashesAtOnce)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
			s = nil
		}
	}()
	if s.lock, err = lockData(a.data); err != nil {
		return s, err
	}
	if s.inventory, err = sqlite.Inventory(ctx, a.dataFile("plimsoll.db")); err != nil {
		return s, err
	}
	if s.advisories, err = sqlite.Advisories(ctx, a.dataFile("advisories.db")); err != nil {
		return s, err
	}
	if s.key, err = seal.Open(ctx, a.dataFile(sealFile), s.inventory); err != nil {
		return s, err
	}
	temp, err := a.freshTemp()
	if err != nil {
		return s, err
	}
	s.analysis = a.analysis(temp)
	transport, err := a.transport(alsoAllow...)
	if err != nil {
		return s, err
	}
	if s.feedClient, err = a.outboundClient(); err != nil {
		return s, err
	}
	s.identity = identity.New(s.inventory, s.key, s.passwords, time.Now)
	s.connector = &intake.Connector{Store: s.inventory, Sealer: s.key, Transport: transport, Budget: s.budget, Logger: s.logger}
	s.registries = &intake.Registries{Store: s.inventory, Connector: s.connector}
	if err := s.choose(ctx, a.project); err != nil {
		return s, err
	}
	// Decisions may have expired while nothing ran.
	return s, s.followDecisions(ctx, plimsoll.Work{})
}

// choose finds the project that commands work on, and makes the first one.
func (s *site) choose(ctx context.Context, wanted string) error {
	credentials, created, err := s.identity.Bootstrap(ctx, identity.Names{})
	if err != nil {
		return err
	}
	if created {
		s.bootstrapped = credentials
	}
	if s.domain, err = s.inventory.Domain(ctx, domainName); err != nil {
		return err
	}
	projects, err := s.inventory.Projects(ctx, s.domain.ID)
	if err != nil {
		return err
	}
	for _, p := range projects {
		if wanted == p.ID || wanted == p.Name || (wanted == "" && (s.project.ID == "" || p.CreatedAt.Before(s.project.CreatedAt))) {
			s.project = p
		}
	}
	if s.project.ID == "" {
		return plimsoll.Errorf(plimsoll.NotFound, "there is no project %.80q", wanted).WithHint("check --project or PLIMSOLL_PROJECT")
	}
	return nil
}

// Close releases everything in the order opposite to opening.
func (s *site) Close() error {
	errs := []error{s.analysis.Close()}
	if s.advisories != nil {
		errs = append(errs, s.advisories.Close())
	}
	if s.inventory != nil {
		errs = append(errs, s.inventory.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// announce tells an operator the password of the user that was just made. It is the
// only time it is shown.
func (a *app) announce(s *site) {
	if c := s.bootstrapped; c != nil {
		fmt.Fprintf(a.errs, "made project %s (%s) and user %s with password %s\nthis password is shown once; change it with `plimsoll user password %s`\n",
			c.Project.Name, c.Project.ID, c.User.Name, c.Password, c.User.Name)
	}
}

// scanner wires the scan of one unit of work.
func (s *site) scanner(o queueOptions) (*scan.Worker, error) {
	inspector := &scan.Inspector{
		Reports: s.inventory, Advisories: s.advisories, Checks: all.Checks(),
		Budget: s.budget, Parallel: o.parallel, Now: time.Now, Sealer: s.key,
	}
	if o.concurrency <= 0 {
		o.concurrency = runtime.NumCPU() // as the queue has it
	}
	if err := s.analysis.equip(inspector, o.concurrency*max(o.parallel, 1)); err != nil {
		return nil, err
	}
	return &scan.Worker{
		Store: s.inventory, Inspector: inspector, Lists: s.lists(),
		Open: func(ctx context.Context, w plimsoll.Work) (scan.Source, bool, error) {
			client, reg, err := s.connector.Client(ctx, w.ProjectID, w.RegistryID)
			if err != nil {
				return nil, false, err
			}
			return client.Repository(w.Repository), reg.SharedBytes, nil
		},
	}, nil
}

func (s *site) lists() *scan.PasswordLists {
	return &scan.PasswordLists{Store: s.inventory, Key: s.key, Logger: s.logger}
}

func (s *site) rematcher() *rematch.Rematcher {
	return &rematch.Rematcher{Store: s.inventory, Advisories: s.advisories, Logger: s.logger}
}
