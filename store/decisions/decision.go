package decisions

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// maxActive bounds the active decisions of a project: each count looks at them.
const maxActive = 50_000

// Decide writes decisions of one project, all or none, and returns them as stored. If an
// active decision of the same fingerprint has the same content, it is returned, and nothing
// is written; if its content differs, it ends. The shown counts of images change in the same
// transaction if at most 1,000 images can be affected, else by a unit of work.
func (s *Store) Decide(ctx context.Context, decisions []plimsoll.Decision) ([]plimsoll.Decision, error) {
	return s.ChangeDecisions(ctx, decisions, nil)
}

// ChangeDecisions is Decide that first ends others of the project, by their EndedBy.
func (s *Store) ChangeDecisions(ctx context.Context, decisions, ended []plimsoll.Decision) ([]plimsoll.Decision, error) {
	var out []plimsoll.Decision
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		w := s.newWriter(tx)
		for _, d := range ended {
			if err := w.endDecision(ctx, d, d.EndedBy); err != nil {
				return err
			}
		}
		for _, d := range decisions {
			stored, _, err := w.saveDecision(ctx, d)
			if err != nil {
				return err
			}
			out = append(out, stored)
		}
		return w.updateCounts(ctx)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// decisionWriter is a transaction that changes decisions.
type decisionWriter struct {
	*sqldb.Changes
	refreshImages RefreshImagesFunc

	changed     []int64 // decisions after which counts have to be updated
	units       []plimsoll.Work
	activeCount int // active decisions of the project; 0 = not counted yet
}

func (s *Store) newWriter(tx *sqldb.Tx) *decisionWriter {
	return &decisionWriter{Changes: sqldb.NewChanges(tx), refreshImages: s.refreshImages}
}

const insertDecisionSQL = `INSERT INTO decision (project_id, enterprise_project_id, fingerprint, kind, finding, registry_id, repository, tag, digest,
	package, packages, status, justification, reason, document, author, created_at, expires_at, recount_at)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`

const selectDecisionByFingerprintSQL = `SELECT ` + decisionColumnsSQL + ` FROM decision d WHERE d.project_id = ? AND d.enterprise_project_id = ?
	AND d.fingerprint = ? AND d.ended_at = 0`

// saveDecision writes one decision; fresh is false if it was stored already.
func (w *decisionWriter) saveDecision(ctx context.Context, d plimsoll.Decision) (stored plimsoll.Decision, fresh bool, err error) {
	d.ID, d.EndedAt, d.EndedBy, d.CreatedAt = 0, sqldb.FromMillis(0), "", sqldb.FromMillis(w.Now())
	d.ExpiresAt, d.Finding = sqldb.FromMillis(sqldb.Millis(d.ExpiresAt)), plimsoll.FindingID(d.Finding)
	if err := d.Validate(); err != nil {
		return d, false, err
	}
	if !d.Active(d.CreatedAt) {
		return d, false, plimsoll.Errorf(plimsoll.Invalid, "a decision cannot expire before it is made")
	}
	rows, err := w.Query(ctx, selectDecisionByFingerprintSQL, d.ProjectID, d.EnterpriseProject, d.Fingerprint())
	have, err := sqldb.Collect(rows, err, scanDecision)
	if err != nil {
		return d, false, err
	}
	for _, old := range have {
		if old.SaysAs(d) {
			return old, false, nil
		}
		if err := w.endDecision(ctx, old, d.Author); err != nil {
			return d, false, err
		}
	}
	if len(have) == 0 {
		if err := w.checkLimit(ctx, d.ProjectID); err != nil {
			return d, false, err
		}
	}
	err = w.QueryRow(ctx, insertDecisionSQL, d.ProjectID, d.EnterpriseProject, d.Fingerprint(), d.Kind, d.Finding, d.Scope.RegistryID,
		d.Scope.Repository, d.Scope.Tag, d.Scope.Digest, d.Scope.Package, d.Scope.Packages, d.Status, d.Justification, d.Reason, d.Document, d.Author,
		sqldb.Millis(d.CreatedAt), sqldb.Millis(d.ExpiresAt), w.Now()).Scan(&d.ID)
	if err != nil {
		return d, false, err
	}
	w.Rows++
	w.noteChanged(d)
	return d, true, nil
}

const countActiveSQL = `SELECT COUNT(*) FROM decision WHERE project_id = ? AND ended_at = 0`

// checkLimit counts a new decision of the project; a transaction has one project.
func (w *decisionWriter) checkLimit(ctx context.Context, projectID string) error {
	if w.activeCount == 0 {
		err := w.QueryRow(ctx, countActiveSQL, projectID).Scan(&w.activeCount)
		if err != nil {
			return err
		}
	}
	if w.activeCount >= maxActive {
		return plimsoll.Errorf(plimsoll.TooLarge, "the project would have more than %d decisions", maxActive).
			WithHint("remove some: `plimsoll decisions list`, `plimsoll decisions remove`")
	}
	w.activeCount++
	return nil
}

// noteChanged notes that counts have to be updated, now and when the decision expires.
func (w *decisionWriter) noteChanged(d plimsoll.Decision) {
	w.changed = append(w.changed, d.ID)
	if !d.ExpiresAt.IsZero() {
		w.units = append(w.units, recountUnit(d, sqldb.Millis(d.ExpiresAt)))
	}
}

const endDecisionSQL = `UPDATE decision SET ended_at = ?, ended_by = ?, recount_at = ?
	WHERE id = ? AND project_id = ? AND ended_at = 0`

// endDecision ends an active decision.
func (w *decisionWriter) endDecision(ctx context.Context, d plimsoll.Decision, by string) error {
	w.changed = append(w.changed, d.ID)
	return w.Change(ctx, endDecisionSQL, w.Now(), by, w.Now(), d.ID, d.ProjectID)
}

// EndDecision ends an active decision of a project. One in an enterprise project that is
// not listed (nil lists all) is not found; one of the whole project needs nil.
func (s *Store) EndDecision(ctx context.Context, projectID string, enterpriseProjects []string, id int64, by string) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		d, err := findDecision(ctx, tx, projectID, id)
		if err != nil {
			return err
		}
		switch {
		case !d.Active(tx.Clock()):
			return noDecisionError(id)
		case enterpriseProjects != nil && d.EnterpriseProject == "":
			return plimsoll.Errorf(plimsoll.Forbidden, "decision %d is about the whole project", id)
		case enterpriseProjects != nil && !slices.Contains(enterpriseProjects, d.EnterpriseProject):
			return noDecisionError(id)
		}
		w := s.newWriter(tx)
		if err := w.endDecision(ctx, d, by); err != nil {
			return err
		}
		return w.updateCounts(ctx)
	})
}

const selectDecisionSQL = `SELECT ` + decisionColumnsSQL + ` FROM decision d WHERE d.project_id = ? AND d.id = ?`

func findDecision(ctx context.Context, tx *sqldb.Tx, projectID string, id int64) (plimsoll.Decision, error) {
	var r decisionRow
	err := tx.QueryRow(ctx, selectDecisionSQL, projectID, id).Scan(r.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return r.d, noDecisionError(id)
	}
	return r.decision(), err
}

func noDecisionError(id int64) error {
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
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		c := new(sqldb.Clauses)
		c.And("d.project_id = ?", f.ProjectID)
		if f.EnterpriseProjects != nil {
			sqldb.In(c, "d.enterprise_project_id", append([]string{""}, f.EnterpriseProjects...))
		}
		c.Equal("d.finding", plimsoll.FindingID(f.Finding))
		c.Equal("d.status", string(f.Status))
		c.Equal("d.document", f.Document)
		if !f.Ended {
			c.And(ActiveSQL, tx.Now())
		}
		if f.Before > 0 {
			c.And("d.id < ?", f.Before)
		}
		rows, err := tx.Query(ctx, `SELECT `+decisionColumnsSQL+` FROM decision d WHERE `+c.SQL()+` ORDER BY d.id DESC LIMIT ?`, append(c.Args, f.Limit)...)
		out, err = sqldb.Collect(rows, err, scanDecision)
		return err
	})
	return out, err
}
