package decisions

import (
	"context"
	"database/sql"
	"slices"
	"strconv"

	"plimsoll"
	"plimsoll/store/artifacts"
	"plimsoll/store/backlog"
	"plimsoll/store/judgement"
	"plimsoll/store/sqldb"
)

// imagesAtOnce is how many images the transaction of a decision recounts at most.
const imagesAtOnce = 1000

// recountUnit is the unit of work that updates counts after decisions, at a time in ms.
func recountUnit(d plimsoll.Decision, at int64) plimsoll.Work {
	return plimsoll.Work{
		Tenant: plimsoll.Tenant{ProjectID: d.ProjectID, EnterpriseProject: plimsoll.DefaultEnterpriseProject}, Kind: plimsoll.WorkDecisions,
		Key: strconv.FormatInt(at, 10), Priority: plimsoll.PriorityInteractive, NotBefore: sqldb.FromMillis(at),
	}
}

// updateCounts updates the shown counts: here, or by a unit of work if too many images are affected.
func (w *decisionWriter) updateCounts(ctx context.Context) error {
	due, err := dueDecisions(ctx, w.Tx, w.changed)
	if err != nil {
		return err
	}
	artifacts, err := affectedArtifacts(ctx, w.Tx, due)
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
		if err := w.refreshImages(ctx, w.Tx, artifacts); err != nil {
			return err
		}
		if err := markRecounted(ctx, w.Changes, due); err != nil {
			return err
		}
	}
	// These units have no task.
	_, err = backlog.InsertUnits(ctx, w.Tx, &plimsoll.Task{}, w.units)
	return err
}

// dueDecision is a decision whose counts are not updated yet, as it was when it was read.
type dueDecision struct {
	plimsoll.Decision
	recountAt int64
}

// dueDecisions returns those of the ids, or all if ids is nil, whose counts are to be updated by now.
func dueDecisions(ctx context.Context, tx *sqldb.Tx, ids []int64) ([]dueDecision, error) {
	query, args := `SELECT d.recount_at, `+decisionColumnsSQL+` FROM decision d WHERE d.recount_at > 0 AND d.recount_at <= ?`, []any{tx.Now()}
	scan := func(rows *sql.Rows) (d dueDecision, err error) {
		var row decisionRow
		err = rows.Scan(append([]any{&d.recountAt}, row.targets()...)...)
		d.Decision = row.decision()
		return d, err
	}
	if ids == nil {
		rows, err := tx.Query(ctx, query+` ORDER BY d.id`, args...)
		return sqldb.Collect(rows, err, scan)
	}
	return sqldb.CollectChunks(ctx, tx, query+` AND d.id IN (:keys) ORDER BY d.id`, args, ids, scan)
}

const markRecountedSQL = `UPDATE decision SET recount_at = CASE WHEN ended_at = 0 AND expires_at > ? THEN expires_at ELSE 0 END
	WHERE id = ? AND recount_at = ? AND ended_at = ?`

// markRecounted records that the counts are updated after the decisions as they were read; the
// next update is due when a decision expires.
func markRecounted(ctx context.Context, w *sqldb.Changes, due []dueDecision) error {
	for _, d := range due {
		err := w.Change(ctx, markRecountedSQL, w.Now(), d.ID, d.recountAt, sqldb.Millis(d.EndedAt))
		if err != nil {
			return err
		}
	}
	return nil
}

// Artifacts are found from verdicts through sets, in the order of sets, because neighbours share sets.
const selectArtifactsByFindingSQL = `SELECT h.artifact_id FROM verdict_name n
		CROSS JOIN set_vulnerability s ON s.verdict_id = n.verdict_id AND ` + judgement.NotEndedSQL + `
		CROSS JOIN artifact_set h ON h.set_id = s.set_id
		WHERE n.name = ? AND h.project_id = ? AND (? = '' OR h.enterprise_project_id = ?) ORDER BY h.set_id`

const selectArtifactsByRepositorySQL = `SELECT DISTINCT artifact_id FROM image WHERE project_id = ? AND namespace = ? AND repository = ?`

const selectArtifactsByDigestSQL = `SELECT id FROM artifact WHERE project_id = ? AND digest = ?`

// affectedArtifacts returns the artifacts, with indexes, whose images' counts the decisions may
// change, each once; perhaps more.
func affectedArtifacts(ctx context.Context, tx *sqldb.Tx, due []dueDecision) ([]int64, error) {
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
	oldest, err := judgement.OpenGate(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, d := range due {
		query, args := selectArtifactsByFindingSQL, []any{oldest, d.Finding, d.ProjectID, d.EnterpriseProject, d.EnterpriseProject}
		switch {
		case d.Scope.Digest != "":
			query, args = selectArtifactsByDigestSQL, []any{d.ProjectID, d.Scope.Digest}
		case d.Scope.Repository != "":
			namespace, _ := plimsoll.SplitRepository(d.Scope.Repository)
			query, args = selectArtifactsByRepositorySQL, []any{d.ProjectID, namespace, d.Scope.Repository}
		}
		rows, err := tx.Query(ctx, query, args...)
		ids, err := sqldb.Collect(rows, err, sqldb.ScanID)
		if err != nil {
			return nil, err
		}
		add(ids)
	}
	indexes, err := artifacts.IndexesAbove(ctx, tx, out)
	add(indexes)
	return out, err
}

const countImagesSQL = `SELECT COUNT(*) FROM image WHERE artifact_id IN (:keys)`

// countImages counts the images of artifacts, at least up to a number above imagesAtOnce.
func countImages(ctx context.Context, tx *sqldb.Tx, artifacts []int64) (int, error) {
	total := 0
	for part := range slices.Chunk(artifacts, sqldb.ChunkSize) {
		var n int
		err := tx.QueryRow(ctx, sqldb.WithKeys(countImagesSQL, len(part)), sqldb.Args(part)...).Scan(&n)
		if err != nil {
			return 0, err
		}
		if total += n; total > imagesAtOnce {
			break
		}
	}
	return total, nil
}

// RecountDecisions updates the shown counts of images after decisions that began, ended or
// expired, a batch of artifacts per transaction. It returns how many decisions those were.
// After a crash, call it again: it continues.
func (s *Store) RecountDecisions(ctx context.Context) (int, error) {
	var due []dueDecision
	var artifacts []int64
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		if due, err = dueDecisions(ctx, tx, nil); err != nil {
			return err
		}
		artifacts, err = affectedArtifacts(ctx, tx, due)
		return err
	})
	if err != nil || len(due) == 0 {
		return 0, err
	}
	err = sqldb.EachChunk(artifacts, func(part []int64) error {
		return s.db.Write(ctx, func(tx *sqldb.Tx) error { return s.refreshImages(ctx, tx, part) })
	})
	if err != nil {
		return 0, err
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := markRecounted(ctx, sqldb.NewChanges(tx), due); err != nil {
			return err
		}
		// Units of this kind belong to no task that would be pruned with them.
		return backlog.DeleteEnded(ctx, tx, plimsoll.WorkDecisions)
	})
	return len(due), err
}
