package main

import (
	"context"
	"slices"
	"strconv"
	"time"

	"plimsoll"
	"plimsoll/advisory/bundle"
	"plimsoll/identity"
	"plimsoll/intake"
	"plimsoll/queue"
)

// localBackend is the data directory as a backend.
type localBackend struct {
	*app
	*site
}

func openLocal(ctx context.Context, a *app) (*localBackend, error) {
	s, err := a.openSite(ctx)
	if err != nil {
		return nil, err
	}
	a.announce(s)
	return &localBackend{app: a, site: s}, nil
}

// Images lists from the database.
func (l *localBackend) Images(ctx context.Context, f plimsoll.ImageFilter) (plimsoll.Page[plimsoll.Image], error) {
	f.ProjectID = l.site.project.ID
	return l.inventory.Images(ctx, f)
}

// Registries lists the project's.
func (l *localBackend) Registries(ctx context.Context) ([]plimsoll.Registry, error) {
	return l.inventory.Registries(ctx, l.site.project.ID, nil)
}

// AddRegistry probes and stores a registry.
func (l *localBackend) AddRegistry(ctx context.Context, spec plimsoll.RegistrySpec) (plimsoll.Registry, error) {
	spec.ProjectID = l.site.project.ID
	return l.registries.Add(ctx, spec)
}

// RemoveRegistry removes a registry by name.
func (l *localBackend) RemoveRegistry(ctx context.Context, name string) error {
	reg, err := l.inventory.RegistryByName(ctx, l.site.project.ID, name)
	if err != nil {
		return err
	}
	return l.registries.Remove(ctx, reg.ProjectID, reg.ID)
}

// Sync works in this process until the sync and the scans it asked for are done.
func (l *localBackend) Sync(ctx context.Context, name string, watch func(plimsoll.Task)) (plimsoll.Task, error) {
	reg, err := l.inventory.RegistryByName(ctx, l.site.project.ID, name)
	if err != nil {
		return plimsoll.Task{}, err
	}
	q, err := l.queue(queueDefaults())
	if err == nil {
		err = l.site.analysis.warn(ctx)
	}
	if err != nil {
		return plimsoll.Task{}, err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- q.Run(running) }()
	task, err := syncAndScan(ctx, l.site, q, reg, watch)
	stop()
	if runErr := <-ended; err == nil && runErr != nil && ctx.Err() == nil {
		err = runErr
	}
	return task, err
}

// syncAndScan asks for a sync and waits for it and the scans that follow.
func syncAndScan(ctx context.Context, s *site, q *queue.Queue, reg plimsoll.Registry, watch func(plimsoll.Task)) (plimsoll.Task, error) {
	task := plimsoll.Task{Tenant: reg.Tenant, Kind: plimsoll.WorkSync, By: "operator"}
	if err := s.inventory.CreateTask(ctx, &task, []plimsoll.Work{syncWork(reg)}); err != nil {
		return task, err
	}
	q.Wake()
	return waitSync(ctx, localTasks{s, q, reg.ProjectID}, task.ID, watch)
}

// localTasks watches tasks in the database.
type localTasks struct {
	*site
	queue   *queue.Queue
	project string
}

func (l localTasks) wait(ctx context.Context, id int64, watch func(plimsoll.Task)) (plimsoll.Task, error) {
	return l.queue.WaitTask(ctx, l.project, id, watch)
}

func (l localTasks) scanTasks(ctx context.Context) ([]plimsoll.Task, error) {
	page, err := l.inventory.Tasks(ctx, l.project, nil, plimsoll.WorkScan, plimsoll.MaxLimit, 0)
	return page.Items, err
}

func syncWork(reg plimsoll.Registry) plimsoll.Work {
	return plimsoll.Work{
		Tenant: reg.Tenant, Kind: plimsoll.WorkSync,
		Key: strconv.FormatInt(reg.ID, 10), RegistryID: reg.ID, Priority: plimsoll.PriorityInteractive,
	}
}

// queueOptions are the settings of the workers in this process.
type queueOptions struct {
	concurrency int
	parallel    int // layers of one image
	grace       time.Duration
}

func queueDefaults() queueOptions {
	return queueOptions{concurrency: 2, parallel: 2, grace: 20 * time.Second}
}

// queue wires the handlers of every kind of work.
func (s *site) queue(o queueOptions) (*queue.Queue, error) {
	scanner, err := s.scanner(o)
	if err != nil {
		return nil, err
	}
	syncer := &intake.Syncer{Store: s.inventory, Connector: s.connector, Budget: s.budget, Redact: s.analysis.secrets.Redact}
	q := queue.New(queue.Options{
		Store: s.inventory, Concurrency: o.concurrency, Grace: o.grace, Logger: s.logger,
		Handlers: map[plimsoll.WorkKind]queue.Handler{
			plimsoll.WorkSync:    syncer.Work,
			plimsoll.WorkScan:    scanner.Work,
			plimsoll.WorkRematch: s.rematcher().Work,

			plimsoll.WorkDecisions: s.followDecisions,
			plimsoll.WorkPasswords: s.lists().Work,
		},
	})
	syncer.Wake = q.Wake
	return q, nil
}

// AdvisoryStatus reads the advisory store.
func (l *localBackend) AdvisoryStatus(ctx context.Context) (plimsoll.AdvisoryStatus, error) {
	return l.advisoryStatus(ctx)
}

// ImportAdvisories imports a dump and judges stored sets again.
func (l *localBackend) ImportAdvisories(ctx context.Context, path, feed string, trust bundle.Trust, watch func(int)) (plimsoll.ImportOutcome, error) {
	outcome, err := l.importFeed(ctx, path, feed, trust, watch)
	if err != nil {
		return outcome, err
	}
	return outcome, l.rematcher().Work(ctx, plimsoll.Work{})
}

// Users lists the users of the domain.
func (l *localBackend) Users(ctx context.Context) ([]plimsoll.User, error) {
	return l.identity.Users(ctx, l.domain.ID)
}

// AddUser adds a user with grants in the chosen project.
func (l *localBackend) AddUser(ctx context.Context, name, password string, grants []plimsoll.Grant) (plimsoll.User, error) {
	for i := range grants {
		grants[i].ProjectID = l.site.project.ID
	}
	return l.identity.AddUser(ctx, identity.NewUser{Domain: l.domain.ID, Name: name, Password: password, Grants: grants})
}

// SetPassword sets a user's password.
func (l *localBackend) SetPassword(ctx context.Context, name, password string) error {
	u, err := l.inventory.UserByName(ctx, l.domain.ID, name)
	if err != nil {
		return err
	}
	return l.identity.SetPassword(ctx, u.ID, password)
}

// RemoveUser removes a user.
func (l *localBackend) RemoveUser(ctx context.Context, name string) error {
	u, err := l.inventory.UserByName(ctx, l.domain.ID, name)
	if err != nil {
		return err
	}
	return l.identity.RemoveUser(ctx, u.ID)
}

// keyHolder is whose keys are meant.
func (l *localBackend) keyHolder(ctx context.Context, user string) (plimsoll.User, error) {
	if user == "" {
		user = "admin"
	}
	return l.inventory.UserByName(ctx, l.domain.ID, user)
}

// Keys lists a user's access keys.
func (l *localBackend) Keys(ctx context.Context, user string) ([]plimsoll.AccessKey, error) {
	u, err := l.keyHolder(ctx, user)
	if err != nil {
		return nil, err
	}
	return l.identity.Keys(ctx, u.ID)
}

// CreateKey makes an access key for a user.
func (l *localBackend) CreateKey(ctx context.Context, user, description string) (access, secret string, err error) {
	u, err := l.keyHolder(ctx, user)
	if err != nil {
		return "", "", err
	}
	return l.identity.CreateKey(ctx, u.ID, description)
}

// RevokeKey revokes an access key; whose ever it is, if no user is named.
func (l *localBackend) RevokeKey(ctx context.Context, user, access string) error {
	if user == "" {
		return l.identity.RevokeKey(ctx, access)
	}
	keys, err := l.Keys(ctx, user)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(keys, func(k plimsoll.AccessKey) bool { return k.Access == access }) {
		return plimsoll.Errorf(plimsoll.NotFound, "the user %s has no such key", user)
	}
	return l.identity.RevokeKey(ctx, access)
}

// Close closes the data directory.
func (l *localBackend) Close() error { return l.site.Close() }

var _ backend = (*localBackend)(nil)
