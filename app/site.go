package app

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"plimsoll"
	"plimsoll/advisory/feed"
	"plimsoll/app/analysis"
	"plimsoll/auth"
	"plimsoll/identity"
	"plimsoll/intake"
	"plimsoll/rematch"
	"plimsoll/scan"
	"plimsoll/seal"
	"plimsoll/store"
	"plimsoll/store/advisories"
	"plimsoll/store/sqlite"
)

// Site is a data directory that this process has opened and locked, with its use cases.
type Site struct {
	Tasks         *Tasks
	Registries    *Registries
	Scans         *Scans
	Images        *Images
	Findings      *Findings
	Explanations  *Explanations
	Advisories    *Advisories
	Decisions     *Decisions
	VEX           *VEX
	PasswordLists *PasswordLists
	SignIns       *SignIns
	Users         *Users
	Schedule      *Schedule
	Analysis      *analysis.Analysis

	Domain  plimsoll.Domain
	Project plimsoll.Project // that the command line works on

	// FirstUser is set if Open made the first project and user. Its password is not stored.
	FirstUser *identity.Credentials

	config     Config
	lock       *os.File
	inventory  *store.Store
	advisories *advisories.Store
	key        *seal.Key
	connector  *intake.Connector
	tempDir    string // for downloads and uploads; emptied at each start
}

// domainName is the domain that the first start makes.
const domainName = "plimsoll"

// hashesAtOnce bounds the memory of sign-ins: each hash needs 19 MiB.
const hashesAtOnce = 4

// Open locks and opens a data directory. On first use it makes the directory, a project and a user. Conflict: another
// process has it open.
func Open(ctx context.Context, c Config) (s *Site, err error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Unavailable, "data directory: %w", err).WithHint("name another with --data")
	}
	s = &Site{config: c}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
			s = nil
		}
	}()
	if err := s.openStores(ctx); err != nil {
		return s, err
	}
	if s.tempDir, err = c.freshTemp(); err != nil {
		return s, err
	}
	s.Analysis = c.NewAnalysis(s.tempDir)
	transport, err := c.transport()
	if err != nil {
		return s, err
	}
	policy, err := c.Policy()
	if err != nil {
		return s, err
	}
	s.connector = &intake.Connector{Store: s.inventory, Sealer: s.key, Transport: transport, Budget: c.Budget, Logger: c.Logger}
	s.wire(policy.Client())
	if err := s.chooseProject(ctx); err != nil {
		return s, err
	}
	s.VEX.author = s.Domain.Name
	s.Schedule.domainID = s.Domain.ID
	// Decisions may have expired while no process ran.
	return s, s.Decisions.settle(ctx)
}

func (s *Site) openStores(ctx context.Context) (err error) {
	if s.lock, err = lockData(s.config.Data); err != nil {
		return err
	}
	if s.inventory, err = sqlite.Inventory(ctx, s.config.File(inventoryFile)); err != nil {
		return err
	}
	if s.advisories, err = sqlite.Advisories(ctx, s.config.AdvisoriesFile()); err != nil {
		return err
	}
	s.key, err = seal.Open(ctx, s.config.SealFile(), s.inventory)
	return err
}

// wire makes the use cases, which work on the stores.
func (s *Site) wire(feeds *http.Client) {
	c := s.config
	passwords := identity.NewPasswords(hashesAtOnce)
	s.Tasks = &Tasks{store: s.inventory, newQueue: s.newQueue, logProblems: s.Analysis.LogProblems}
	s.Users = &Users{store: s.inventory, identity: identity.New(s.inventory, s.key, passwords, time.Now)}
	s.SignIns = &SignIns{auth: auth.New(auth.DefaultConfig(), s.inventory, passwords, s.key, time.Now)}
	s.Registries = &Registries{
		store: s.inventory, intake: &intake.Registries{Store: s.inventory, Connector: s.connector}, tasks: s.Tasks,
	}
	s.Scans = &Scans{store: s.inventory, tasks: s.Tasks}
	s.Images = &Images{store: s.inventory}
	s.Findings = &Findings{store: s.inventory, advisories: s.advisories}
	s.Explanations = &Explanations{store: s.inventory, advisories: s.advisories}
	s.Decisions = &Decisions{store: s.inventory, tasks: s.Tasks}
	s.VEX = &VEX{store: s.inventory, decisions: s.Decisions}
	s.PasswordLists = &PasswordLists{
		lists: &scan.PasswordLists{Store: s.inventory, Key: s.key, Logger: c.Logger}, tasks: s.Tasks,
	}
	s.Advisories = &Advisories{
		advisories: s.advisories, tasks: s.Tasks, staleAfter: c.StaleAfter, tempDir: s.tempDir,
		rematcher: &rematch.Rematcher{Store: s.inventory, Advisories: s.advisories, Logger: c.Logger},
		updater: &feed.Updater{
			Store: s.advisories, Remote: &feed.Remote{Client: feeds, Stall: c.Budget.Stall},
			Dir: s.tempDir, Now: time.Now, Logger: c.Logger,
		},
	}
	s.Schedule = &Schedule{
		store: s.inventory, registries: s.Registries, advisories: s.Advisories,
		decisions: s.Decisions, signIns: s.SignIns, logger: c.Logger,
	}
}

// chooseProject finds the project that the command line works on, and makes the first one.
func (s *Site) chooseProject(ctx context.Context) error {
	credentials, created, err := s.Users.identity.Bootstrap(ctx, identity.Names{})
	if err != nil {
		return err
	}
	if created {
		s.FirstUser = credentials
	}
	if s.Domain, err = s.inventory.Domain(ctx, domainName); err != nil {
		return err
	}
	projects, err := s.inventory.Projects(ctx, s.Domain.ID)
	if err != nil {
		return err
	}
	wanted := s.config.Project
	for _, p := range projects {
		if wanted == p.ID || wanted == p.Name || (wanted == "" && (s.Project.ID == "" || p.CreatedAt.Before(s.Project.CreatedAt))) {
			s.Project = p
		}
	}
	if s.Project.ID == "" {
		return plimsoll.Errorf(plimsoll.NotFound, "there is no project %.80q", wanted).WithHint("check --project or PLIMSOLL_PROJECT")
	}
	return nil
}

// Close releases everything in the order opposite to opening.
func (s *Site) Close() error {
	errs := []error{s.Analysis.Close()}
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

// CheckStore reports why the inventory cannot be read; nil means that it can.
func (s *Site) CheckStore(ctx context.Context) error {
	_, err := s.inventory.PendingCounts(ctx)
	return err
}

// CheckAdvisories reports why the advisories cannot be read; nil means that they can.
func (s *Site) CheckAdvisories(ctx context.Context) error {
	_, err := s.advisories.Revision(ctx)
	return err
}

// TempDir is a directory for temporary files, which the next Open empties.
func (s *Site) TempDir() string { return s.tempDir }

// RotateKey makes a new sealing key and seals every stored secret with it, in one transaction. The previous key stays
// beside it, for older backups. It returns the id of the new key and the number of secrets. Close the site afterwards:
// its other use cases keep the previous key.
func (s *Site) RotateKey(ctx context.Context) (keyID string, secrets int, err error) {
	key, secrets, err := seal.Rotate(ctx, s.config.SealFile(), s.key, s.inventory)
	if err != nil {
		return "", 0, err
	}
	return key.ID(), secrets, nil
}
