package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"plimsoll"
)

const decisionColumns = `d.id, d.project_id, d.enterprise_project_id, d.kind, d.finding, d.registry_id, d.repository, d.tag, d.digest, d.package, d.packages,
	d.status, d.justification, d.reason, d.document, d.author, d.created_at, d.expires_at, d.ended_at, d.ended_by`

// decisionRow scans the columns above; decision finishes what it scanned.
type decisionRow struct {
	d                       plimsoll.Decision
	created, expires, ended int64
}

func (r *decisionRow) targets() []any {
	d := &r.d
	return []any{&d.ID, &d.ProjectID, &d.EnterpriseProject, &d.Kind, &d.Finding, &d.Scope.RegistryID, &d.Scope.Repository, &d.Scope.Tag,
		&d.Scope.Digest, &d.Scope.Package, &d.Scope.Packages, &d.Status, &d.Justification, &d.Reason, &d.Document, &d.Author, &r.created, &r.expires, &r.ended, &d.EndedBy}
}

func (r *decisionRow) decision() plimsoll.Decision {
	r.d.CreatedAt, r.d.ExpiresAt, r.d.EndedAt = fromMillis(r.created), fromMillis(r.expires), fromMillis(r.ended)
	return r.d
}

func scanDecision(rows *sql.Rows) (plimsoll.Decision, error) {
	var r decisionRow
	err := rows.Scan(r.targets()...)
	return r.decision(), err
}

// maxActive bounds the active decisions of a project: each count looks at them.
const maxActive = 50_000

// Decide writes decisions of one project, all or none, and returns them as stored. One
// that says what an active one of the same fingerprint says already is that one: nothing
// is written. One that says otherwise ends it. An image's shown counts follow in the same
// transaction if no more than 1,000 images can be touched, else by a job.
func (s *Store) Decide(ctx context.Context, decisions []plimsoll.Decision) ([]plimsoll.Decision, error) {
	return s.ChangeDecisions(ctx, decisions, nil)
}

// ChangeDecisions is Decide that first ends others of the project, by their EndedBy.
func (s *Store) ChangeDecisions(ctx context.Context, decisions, ended []plimsoll.Decision) ([]plimsoll.Decision, error) {
	var out []plimsoll.Decision
	err := s.db.write(ctx, func(tx *Tx) error {
		w := &deciding{writer: &writer{Tx: tx}}
		for _, d := range ended {
			if err := w.end(ctx, d, d.EndedBy); err != nil {
				return err
			}
		}
		for _, d := range decisions {
			stored, _, err := w.decide(ctx, d)
			if err != nil {
				return err
			}
			out = append(out, stored)
		}
		return w.finish(ctx)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// deciding is a transaction that changes decisions: those whose counts have to follow.
type deciding struct {
	*writer
	touched []int64
	units   []plimsoll.Work
	stored  int // active decisions of the project; 0 = not counted yet
}

const insertDecisionSQL = `INSERT INTO decision (project_id, enterprise_project_id, fingerprint, kind, finding, registry_id, repository, tag, digest,
	package, packages, status, justification, reason, document, author, created_at, expires_at, recount_at)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`

// decide writes one decision; fresh tells whether it was not there already.
func (w *deciding) decide(ctx context.Context, d plimsoll.Decision) (stored plimsoll.Decision, fresh bool, err error) {
	d.ID, d.EndedAt, d.EndedBy, d.CreatedAt = 0, fromMillis(0), "", fromMillis(w.Now())
	d.ExpiresAt, d.Finding = fromMillis(millis(d.ExpiresAt)), plimsoll.FindingID(d.Finding)
	if err := d.Validate(); err != nil {
		return d, false, err
	}
	if !d.Active(d.CreatedAt) {
		return d, false, plimsoll.Errorf(plimsoll.Invalid, "a decision cannot expire before it is made")
	}
	rows, err := w.Query(ctx, `SELECT `+decisionColumns+` FROM decision d WHERE d.project_id = ? AND d.enterprise_project_id = ?
		AND d.fingerprint = ? AND d.ended_at = 0`, d.ProjectID, d.EnterpriseProject, d.Fingerprint())
	have, err := collect(rows, err, scanDecision)
	if err != nil {
		return d, false, err
	}
	for _, old := range have {
		if old.SaysAs(d) {
			return old, false, nil
		}
		if err := w.end(ctx, old, d.Author); err != nil {
			return d, false, err
		}
	}
	if len(have) == 0 {
		if err := w.roomFor(ctx, d.ProjectID); err != nil {
			return d, false, err
		}
	}
	err = w.QueryRow(ctx, insertDecisionSQL, d.ProjectID, d.EnterpriseProject, d.Fingerprint(), d.Kind, d.Finding, d.Scope.RegistryID,
		d.Scope.Repository, d.Scope.Tag, d.Scope.Digest, d.Scope.Package, d.Scope.Packages, d.Status, d.Justification, d.Reason, d.Document, d.Author,
		millis(d.CreatedAt), millis(d.ExpiresAt), w.Now()).Scan(&d.ID)
	if err != nil {
		return d, false, err
	}
	w.rows++
	w.touch(d)
	return d, true, nil
}

// roomFor counts a new decision of a project; it is asked of one project a transaction.
func (w *deciding) roomFor(ctx context.Context, projectID string) error {
	if w.stored == 0 {
		err := w.QueryRow(ctx, `SELECT COUNT(*) FROM decision WHERE project_id = ? AND ended_at = 0`, projectID).Scan(&w.stored)
		if err != nil {
			return err
		}
	}
	if w.stored >= maxActive {
		return plimsoll.Errorf(plimsoll.TooLarge, "the project would have more than %d decisions", maxActive).
			WithHint("remove some: `plimsoll decisions list`, `plimsoll decisions remove`")
	}
	w.stored++
	return nil
}

// touch notes that counts have to follow, now and when the decision expires.
func (w *deciding) touch(d plimsoll.Decision) {
	w.touched = append(w.touched, d.ID)
	if !d.ExpiresAt.IsZero() {
		w.units = append(w.units, recountUnit(d, millis(d.ExpiresAt)))
	}
}

// end ends an active decision.
func (w *deciding) end(ctx context.Context, d plimsoll.Decision, by string) error {
	w.touched = append(w.touched, d.ID)
	return w.change(ctx, `UPDATE decision SET ended_at = ?, ended_by = ?, recount_at = ?
		WHERE id = ? AND project_id = ? AND ended_at = 0`, w.Now(), by, w.Now(), d.ID, d.ProjectID)
}

// EndDecision ends an active decision of a project. One in an enterprise project that is
// not listed (nil lists all) is not found; one of the whole project needs nil.
func (s *Store) EndDecision(ctx context.Context, projectID string, enterpriseProjects []string, id int64, by string) error {
	return s.db.write(ctx, func(tx *Tx) error {
		d, err := findDecision(ctx, tx, projectID, id)
		if err != nil {
			return err
		}
		switch {
		case !d.Active(tx.db.Now()):
			return noDecision(id)
		case enterpriseProjects != nil && d.EnterpriseProject == "":
			return plimsoll.Errorf(plimsoll.Forbidden, "decision %d is about the whole project", id)
		case enterpriseProjects != nil && !slices.Contains(enterpriseProjects, d.EnterpriseProject):
			return noDecision(id)
		}
		w := &deciding{writer: &writer{Tx: tx}}
		if err := w.end(ctx, d, by); err != nil {
			return err
		}
		return w.finish(ctx)
	})
}

func findDecision(ctx context.Context, tx *Tx, projectID string, id int64) (plimsoll.Decision, error) {
	var r decisionRow
	err := tx.QueryRow(ctx, `SELECT `+decisionColumns+` FROM decision d WHERE d.project_id = ? AND d.id = ?`, projectID, id).Scan(r.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return r.d, noDecision(id)
	}
	return r.decision(), err
}

func noDecision(id int64) error {
	return plimsoll.Errorf(plimsoll.NotFound, "no active decision %d", id)
}

// Decisions lists decisions newest first, those of the whole project among them.
func (s *Store) Decisions(ctx context.Context, f plimsoll.DecisionFilter) ([]plimsoll.Decision, error) {
	if f.Limit == 0 {
		f.Limit = plimsoll.MaxLimit
	}
	if f.ProjectID == "" || f.Limit < 0 || f.Limit > plimsoll.MaxLimit || f.Before < 0 {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "a list of decisions needs a project and a limit of 1 to %d", plimsoll.MaxLimit)
	}
	var out []plimsoll.Decision
	err := s.db.read(ctx, func(tx *Tx) error {
		c := new(clauses)
		c.and("d.project_id = ?", f.ProjectID)
		if f.EnterpriseProjects != nil {
			in(c, "d.enterprise_project_id", append([]string{""}, f.EnterpriseProjects...))
		}
		c.equal("d.finding", plimsoll.FindingID(f.Finding))
		c.equal("d.status", string(f.Status))
		c.equal("d.document", f.Document)
		if !f.Ended {
			c.and(active, tx.Now())
		}
		if f.Before > 0 {
			c.and("d.id < ?", f.Before)
		}
		rows, err := tx.Query(ctx, `SELECT `+decisionColumns+` FROM decision d WHERE `+c.sql.String()+` ORDER BY d.id DESC LIMIT ?`, append(c.args, f.Limit)...)
		out, err = collect(rows, err, scanDecision)
		return err
	})
	return out, err
}

// active is the condition that decision d holds at a time.
const active = `d.ended_at = 0 AND (d.expires_at = 0 OR d.expires_at > ?)`
