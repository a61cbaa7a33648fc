package app

import (
	"context"

	"plimsoll"
	"plimsoll/store"
)

// Decisions is what people decided about findings. The shown counts of images follow every change: by the backlog if
// this process works on it, else before the change returns.
type Decisions struct {
	store *store.Store
	tasks *Tasks
}

// Decisions lists them newest first.
func (d *Decisions) Decisions(ctx context.Context, f plimsoll.DecisionFilter) ([]plimsoll.Decision, error) {
	return d.store.Decisions(ctx, f)
}

// ChangeDecisions ends some decisions and makes others, all or none, and returns those that were made.
func (d *Decisions) ChangeDecisions(ctx context.Context, made, ended []plimsoll.Decision) ([]plimsoll.Decision, error) {
	stored, err := d.store.ChangeDecisions(ctx, made, ended)
	if err != nil {
		return stored, err
	}
	return stored, d.follow(ctx)
}

// EndDecision withdraws a decision. NotFound: it is of another project, or of an enterprise project that is not
// listed; nil lists all. Forbidden: it is of the whole project, and not all are listed.
func (d *Decisions) EndDecision(ctx context.Context, projectID string, enterpriseProjects []string, id int64, by string) error {
	if err := d.store.EndDecision(ctx, projectID, enterpriseProjects, id, by); err != nil {
		return err
	}
	return d.follow(ctx)
}

// follow makes counts follow decisions.
func (d *Decisions) follow(ctx context.Context) error {
	if d.tasks.wakeQueue() {
		return nil
	}
	return d.settle(ctx)
}

// settle brings counts in line with decisions that began, ended or expired.
func (d *Decisions) settle(ctx context.Context) error {
	_, err := d.store.RecountDecisions(ctx)
	return err
}
