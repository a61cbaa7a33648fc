package store

import (
	"context"
	"database/sql"
	"slices"
	"strconv"

	"plimsoll"
)

// imagesAtOnce is up to how many images are recounted in the transaction of a decision.
const imagesAtOnce = 1000

// recountUnit is the job that lets counts follow decisions at a time in ms.
func recountUnit(d plimsoll.Decision, at int64) plimsoll.Work {
	return plimsoll.Work{
		Tenant: plimsoll.Tenant{ProjectID: d.ProjectID, EnterpriseProject: plimsoll.DefaultEnterpriseProject}, Kind: plimsoll.WorkDecisions,
		Key: strconv.FormatInt(at, 10), Priority: plimsoll.PriorityInteractive, NotBefore: fromMillis(at),
	}
}

// finish lets counts follow what was decided: here, or by a job if too many images are touched.
func (w *deciding) finish(ctx context.Context) error {
	due, err := dueDecisions(ctx, w.Tx, w.touched)
	if err != nil {
		return err
	}
	artifacts, err := touchedArtifacts(ctx, w.Tx, due)
	if err != nil {
		return err
	}
	images, err := countImages(ctx, w.Tx, artifacts)
	if err != nil {
		return err
	}
	if images > imagesAtOnce {
		for _, d := range due[:1] {
			w.units = append(w.units, recountUnit(d.Decision, w.Now()))
		}
	} else {
		if err := w.refreshImages(ctx, artifacts); err != nil {
			return err
		}
		if err := w.settled(ctx, due); err != nil {
			return err
		}
	}
	// Nobody watches these units: they have no task.
	_, err = insertUnits(ctx, w.Tx, &plimsoll.Task{}, w.units)
	return err
}

// dueDecision is a decision whose counts have to follow, as it was when it was read.
type dueDecision struct {
	plimsoll.Decision
	recountAt int64
}

// dueDecisions returns those of the ids, or all if ids is nil, whose counts have to follow by now.
func dueDecisions(ctx context.Context, tx *Tx, ids []int64) ([]dueDecision, error) {
	query, args := `SELECT d.recount_at, `+decisionColumns+` FROM decision d WHERE d.recount_at > 0 AND d.recount_at <= ?`, []any{tx.Now()}
	scan := func(rows *sql.Rows) (d dueDecision, err error) {
		var row decisionRow
		err = rows.Scan(append([]any{&d.recountAt}, row.targets()...)...)
		d.Decision = row.decision()
		return d, err
	}
	if ids == nil {
		rows, err := tx.Query(ctx, query+` ORDER BY d.id`, args...)
		return collect(rows, err, scan)
	}
	var out []dueDecision
	for part := range slices.Chunk(ids, chunk) {
		rows, err := tx.Query(ctx, query+` AND d.id IN (`+marks(len(part))+`) ORDER BY d.id`, append(slices.Clone(args), anys(part)...)...)
		found, err := collect(rows, err, scan)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// settled notes that counts follow the decisions as they were read; next they follow expiry.
func (w *writer) settled(ctx context.Context, due []dueDecision) error {
	for _, d := range due {
		err := w.change(ctx, `UPDATE decision SET recount_at = CASE WHEN ended_at = 0 AND expires_at > ? THEN expires_at ELSE 0 END
			WHERE id = ? AND recount_at = ? AND ended_at = ?`, w.Now(), d.ID, d.recountAt, millis(d.EndedAt))
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	// Artifacts are found from verdicts by way of sets, in the order of sets: neighbours share theirs.
	sqlArtifactsByFinding = `SELECT h.artifact_id FROM verdict_name n
		CROSS JOIN set_vulnerability s ON s.verdict_id = n.verdict_id AND (s.to_revision IS NULL OR s.to_revision > ?)
		CROSS JOIN artifact_set h ON h.set_id = s.set_id
		WHERE n.name = ? AND h.project_id = ? AND (? = '' OR h.enterprise_project_id = ?) ORDER BY h.set_id`
	sqlArtifactsByRepository = `SELECT DISTINCT artifact_id FROM image WHERE project_id = ? AND namespace = ? AND repository = ?`
	sqlArtifactsByDigest     = `SELECT id FROM artifact WHERE project_id = ? AND digest = ?`
)

// touchedArtifacts returns the artifacts, indexes among them, whose images' counts the
// decisions may change: at least those, each once.
func touchedArtifacts(ctx context.Context, tx *Tx, due []dueDecision) ([]int64, error) {
	var out []int64
	seen := map[int64]bool{}
	add := func(ids []int64) {
		for _, id := range ids {
			if !seen[id] {
				seen[id] = true
				out = append(out, id)
			}
		}
	}
	oldest, err := openGate(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, d := range due {
		query, args := sqlArtifactsByFinding, []any{oldest, d.Finding, d.ProjectID, d.EnterpriseProject, d.EnterpriseProject}
		switch {
		case d.Scope.Digest != "":
			query, args = sqlArtifactsByDigest, []any{d.ProjectID, d.Scope.Digest}
		case d.Scope.Repository != "":
			namespace, _ := plimsoll.SplitRepository(d.Scope.Repository)
			query, args = sqlArtifactsByRepository, []any{d.ProjectID, namespace, d.Scope.Repository}
		}
		rows, err := tx.Query(ctx, query, args...)
		ids, err := collect(rows, err, scanID)
		if err != nil {
			return nil, err
		}
		add(ids)
	}
	for part := range slices.Chunk(slices.Clone(out), chunk) {
		indexes, err := indexesAbove(ctx, tx, part)
		if err != nil {
			return nil, err
		}
		add(indexes)
	}
	return out, nil
}

// countImages counts the images of artifacts, as far as it takes to see that they are too many.
func countImages(ctx context.Context, tx *Tx, artifacts []int64) (int, error) {
	total := 0
	for part := range slices.Chunk(artifacts, chunk) {
		var n int
		err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM image WHERE artifact_id IN (`+marks(len(part))+`)`, anys(part)...).Scan(&n)
		if err != nil {
			return 0, err
		}
		if total += n; total > imagesAtOnce {
			break
		}
	}
	return total, nil
}

// SettleDecisions lets the shown counts of images follow decisions that began, ended or
// expired and whose counts have not followed yet, a batch of artifacts a transaction. It
// returns how many decisions those were. Run again after a crash, it goes on.
func (s *Store) SettleDecisions(ctx context.Context) (int, error) {
	var due []dueDecision
	var artifacts []int64
	err := s.db.read(ctx, func(tx *Tx) (err error) {
		if due, err = dueDecisions(ctx, tx, nil); err != nil {
			return err
		}
		artifacts, err = touchedArtifacts(ctx, tx, due)
		return err
	})
	if err != nil || len(due) == 0 {
		return 0, err
	}
	for part := range slices.Chunk(artifacts, chunk) {
		err := s.db.write(ctx, func(tx *Tx) error { return (&writer{Tx: tx}).refreshImages(ctx, part) })
		if err != nil {
			return 0, err
		}
	}
	err = s.db.write(ctx, func(tx *Tx) error {
		if err := (&writer{Tx: tx}).settled(ctx, due); err != nil {
			return err
		}
		// Units of this kind belong to no task that would be pruned with them.
		_, err := tx.Exec(ctx, `DELETE FROM backlog WHERE kind = ? AND state IN ('done', 'failed', 'stopped')`, plimsoll.WorkDecisions)
		return err
	})
	return len(due), err
}
