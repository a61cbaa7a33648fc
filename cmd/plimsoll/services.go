package main

import (
	"context"

	"plimsoll"
	"plimsoll/advisory/bundle"
	"plimsoll/api"
	"plimsoll/auth"
	"plimsoll/identity"
	"plimsoll/queue"
)

// services are the API's roles that need more than one room.
type services struct {
	*site
	queue *queue.Queue
	auth  *auth.Authenticator
	trust bundle.Trust // of bundles that are uploaded
}

// SignIn adapts the API's words for an attempt to auth's.
func (s *services) SignIn(ctx context.Context, in api.SignIn) (string, plimsoll.Token, plimsoll.Principal, error) {
	return s.auth.SignIn(ctx, auth.SignIn(in))
}

// AddRegistry probes and stores a registry of the caller's project.
func (s *services) AddRegistry(ctx context.Context, _ plimsoll.Principal, spec plimsoll.RegistrySpec) (plimsoll.Registry, error) {
	return s.registries.Add(ctx, spec)
}

// AdvisoryStatus reads the advisory store.
func (s *services) AdvisoryStatus(ctx context.Context) (plimsoll.AdvisoryStatus, error) {
	return s.advisoryStatus(ctx)
}

// ImportAdvisories imports an uploaded dump and asks for stored sets to be judged again.
func (s *services) ImportAdvisories(ctx context.Context, feed, file string) (plimsoll.ImportOutcome, error) {
	outcome, err := s.importFeed(ctx, file, feed, s.trust, nil)
	if err != nil {
		return outcome, err
	}
	return outcome, s.askRematch(ctx, "import")
}

// askRematch puts a rematch into the backlog if stored sets are behind the advisories.
func (s *services) askRematch(ctx context.Context, by string) error {
	return s.rematcher().Request(ctx, s, by)
}

// WeakPasswords reads a project's own list.
func (s *services) WeakPasswords(ctx context.Context, projectID string) ([]string, error) {
	return s.lists().Words(ctx, projectID)
}

// SetWeakPasswords replaces a project's own list and rings the queue, where the check waits.
func (s *services) SetWeakPasswords(ctx context.Context, projectID, by string, words []string) error {
	defer s.queue.Wake()
	return s.lists().SetWords(ctx, projectID, by, words)
}

// CreateTask writes a task and rings the queue.
func (s *services) CreateTask(ctx context.Context, t *plimsoll.Task, work []plimsoll.Work) error {
	defer s.queue.Wake()
	return s.inventory.CreateTask(ctx, t, work)
}

// ScanImages asks for scans and rings the queue.
func (s *services) ScanImages(ctx context.Context, by string, p plimsoll.Priority, f plimsoll.ImageFilter, refs []plimsoll.ImageRef) (plimsoll.Task, error) {
	defer s.queue.Wake()
	return s.inventory.ScanImages(ctx, by, p, f, refs)
}

// Task reads a task.
func (s *services) Task(ctx context.Context, projectID string, id int64) (plimsoll.Task, error) {
	return s.inventory.Task(ctx, projectID, id)
}

// Tasks lists tasks.
func (s *services) Tasks(ctx context.Context, projectID string, enterpriseProjects []string, kind plimsoll.WorkKind, limit, offset int) (plimsoll.Page[plimsoll.Task], error) {
	return s.inventory.Tasks(ctx, projectID, enterpriseProjects, kind, limit, offset)
}

// people adapts the API's words for a new user to identity's.
type people struct{ *identity.Service }

// AddUser adds a user.
func (p people) AddUser(ctx context.Context, spec api.UserSpec) (plimsoll.User, error) {
	return p.Service.AddUser(ctx, identity.NewUser(spec))
}
