package app

import (
	"context"

	"plimsoll/scan"
)

// PasswordLists is the projects' own lists of weak passwords.
type PasswordLists struct {
	lists *scan.PasswordLists
	tasks *Tasks
}

// WeakPasswords reads the list of a project.
func (p *PasswordLists) WeakPasswords(ctx context.Context, projectID string) ([]string, error) {
	return p.lists.Words(ctx, projectID)
}

// SetWeakPasswords replaces the list of a project, and has the accounts of stored images compared with it; an empty
// list ends that.
func (p *PasswordLists) SetWeakPasswords(ctx context.Context, projectID, by string, words []string) error {
	defer p.tasks.wakeQueue()
	return p.lists.SetWords(ctx, projectID, by, words)
}
