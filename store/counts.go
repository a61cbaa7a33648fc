package store

import (
	"context"
	"database/sql"
	"slices"

	"plimsoll"
)

// recount counts the vulnerabilities of artifacts that are judged, and of the indexes
// above them, and rewrites the rows whose count differs.
func (w *writer) recount(ctx context.Context, artifacts []int64) error {
	indexes, err := indexesAbove(ctx, w.Tx, artifacts)
	if err != nil {
		return err
	}
	for _, holders := range [...]struct {
		setsOf string
		ids    []int64
	}{{sqlSetsOfArtifacts, artifacts}, {sqlSetsOfIndexes, indexes}} {
		for _, id := range holders.ids {
			at, err := gateOf(ctx, w.Tx, id)
			if err != nil {
				return err
			}
			if err := w.recountWith(ctx, newCounter(at), 0, holders.setsOf, []int64{id}); err != nil {
				return err
			}
		}
	}
	return nil
}

const sqlIndexesAbove = `SELECT DISTINCT c.artifact_id FROM artifact a
	JOIN artifact_child c ON c.project_id = a.project_id
	 AND c.enterprise_project_id = a.enterprise_project_id AND c.digest = a.digest
	WHERE c.unscannable = '' AND a.id IN (`

// indexesAbove returns the indexes that hold any of the artifacts as a member that is scanned.
func indexesAbove(ctx context.Context, tx *Tx, artifacts []int64) ([]int64, error) {
	rows, err := tx.Query(ctx, sqlIndexesAbove+marks(len(artifacts))+`)`, anys(artifacts)...)
	return collect(rows, err, scanID)
}

// members joins the members of an index (c) that are scanned with their artifacts (a).
const members = `artifact_child c JOIN artifact a ON c.unscannable = '' AND a.project_id = c.project_id
	 AND a.enterprise_project_id = c.enterprise_project_id AND a.digest = c.digest `

const (
	sqlSetsOfArtifacts = `SELECT artifact_id, set_id FROM artifact_set WHERE artifact_id IN (`
	sqlSetsOfIndexes   = `SELECT c.artifact_id, s.set_id FROM ` + members + `
		JOIN artifact_set s ON s.artifact_id = a.id WHERE c.artifact_id IN (`
)

// recountWith counts what each holder has by the query, and rewrites the raw counts that
// differ, then their image rows. A rewritten row is marked as counted by a rematch, unless
// that is 0.
func (w *writer) recountWith(ctx context.Context, c *counter, rematch int64, setsOf string, holders []int64) error {
	for part := range slices.Chunk(holders, chunk) {
		counts, err := c.count(ctx, w.Tx, setsOf, part)
		if err != nil {
			return err
		}
		if err := w.saveCounts(ctx, rematch, part, counts); err != nil {
			return err
		}
	}
	return nil
}

// saveCounts is told the counts. Where there are decisions, a rematch marks every holder:
// the same number may be of other vulnerabilities, handled or not, and what is handled has
// to pass to the new judgement with the list.
func (w *writer) saveCounts(ctx context.Context, rematch int64, holders []int64, counts map[int64]int) error {
	decided, err := w.decided(ctx)
	if err != nil {
		return err
	}
	args := make([]any, 0, 2*len(holders)+3)
	for _, holder := range holders {
		args = append(args, holder, counts[holder])
	}
	rows, err := w.Query(ctx, `WITH want (id, n) AS (VALUES `+tuples(len(holders), "(CAST(? AS BIGINT), CAST(? AS BIGINT))")+`)
		UPDATE artifact SET raw_vulnerabilities = want.n, counted = COALESCE(NULLIF(CAST(? AS BIGINT), 0), counted) FROM want
		WHERE artifact.id = want.id AND (artifact.raw_vulnerabilities IS DISTINCT FROM want.n OR artifact.counted < CAST(? AS BIGINT) * CAST(? AS BIGINT))
		RETURNING artifact.id`, append(args, rematch, rematch, toInt(decided))...)
	changed, err := collect(rows, err, scanID)
	if err != nil {
		return err
	}
	w.rows += len(changed)
	if decided {
		changed = holders
	}
	return w.refreshImages(ctx, changed)
}

const sqlRefreshImages = `UPDATE image SET scan_state = a.scan_state, failure = a.failure, failure_detail = a.failure_detail,
		scanned_at = a.scanned_at, vulnerabilities = a.raw_vulnerabilities - image.handled, settings = a.raw_settings, malware = a.raw_malware
	FROM artifact a
	WHERE a.id = image.artifact_id
	  AND (image.scan_state <> a.scan_state OR image.failure <> a.failure OR image.failure_detail <> a.failure_detail
	    OR image.scanned_at <> a.scanned_at OR image.vulnerabilities IS DISTINCT FROM a.raw_vulnerabilities - image.handled
	    OR image.settings IS DISTINCT FROM a.raw_settings OR image.malware IS DISTINCT FROM a.raw_malware)
	  AND image.artifact_id IN (`

// refreshImages brings the image rows of artifacts up to date. Shown counts are the raw
// ones without what decisions handle.
func (w *writer) refreshImages(ctx context.Context, artifacts []int64) error {
	before := w.rows
	defer func() { w.images += w.rows - before }()
	for part := range slices.Chunk(artifacts, chunk) {
		if err := w.refreshHandled(ctx, part); err != nil {
			return err
		}
		if err := w.change(ctx, sqlRefreshImages+marks(len(part))+`)`, anys(part)...); err != nil {
			return err
		}
	}
	return nil
}

// outcome is the part of an artifact row that tells how its scan ended.
type outcome struct {
	state     plimsoll.ScanState
	failure   plimsoll.FailureCode
	detail    string
	scannedAt int64
	settings  sql.NullInt64 // raw counts; not valid = never judged
	malware   sql.NullInt64
}

// saveOutcome rewrites the row if it differs.
func (w *writer) saveOutcome(ctx context.Context, artifact int64, have, want outcome) error {
	if have == want {
		return nil
	}
	return w.change(ctx, `UPDATE artifact SET scan_state = ?, failure = ?, failure_detail = ?, scanned_at = ?,
		raw_settings = ?, raw_malware = ? WHERE id = ?`,
		want.state, want.failure, want.detail, want.scannedAt, want.settings, want.malware, artifact)
}

// refreshIndex brings an index up to date with its members that are scanned: the least
// finished state and its failure, the newest inspection, and the union of failed rules
// and of visible malicious paths. Vulnerabilities are recount's.
func (w *writer) refreshIndex(ctx context.Context, index int64) error {
	have, err := readOutcome(ctx, w.Tx, index)
	if err != nil {
		return err
	}
	list, err := memberOutcomes(ctx, w.Tx, index)
	if err != nil {
		return err
	}
	want := outcome{state: plimsoll.ScanNone}
	for i, m := range list {
		if i == 0 || (m.state != want.state && plimsoll.LeastFinished(m.state, want.state) == m.state) {
			want.state, want.failure, want.detail = m.state, m.failure, m.detail
		}
		want.scannedAt = max(want.scannedAt, m.scannedAt)
		want.settings.Valid = want.settings.Valid || m.settings.Valid
		want.malware.Valid = want.malware.Valid || m.malware.Valid
	}
	if want.settings.Valid {
		err = w.QueryRow(ctx, sqlIndexSettings, index).Scan(&want.settings.Int64)
	}
	if err == nil && want.malware.Valid {
		err = w.QueryRow(ctx, sqlIndexMalware, index).Scan(&want.malware.Int64)
	}
	if err != nil {
		return err
	}
	return w.saveOutcome(ctx, index, have, want)
}

const (
	sqlIndexSettings = `SELECT COUNT(DISTINCT s.rule) FROM ` + members + `
		JOIN artifact_setting s ON s.artifact_id = a.id JOIN setting_rule r ON r.id = s.rule_id
		WHERE c.artifact_id = ? AND s.result = 'failed' AND r.kind IN ('configuration', '')`
	sqlIndexMalware = `SELECT COUNT(DISTINCT m.path) FROM ` + members + `
		JOIN artifact_malware m ON m.artifact_id = a.id WHERE c.artifact_id = ? AND m.kind IN ('match', 'malicious_package') AND m.shadowed = 0`
)

const outcomeColumns = `a.scan_state, a.failure, a.failure_detail, a.scanned_at, a.raw_settings, a.raw_malware`

func (o *outcome) targets() []any {
	return []any{&o.state, &o.failure, &o.detail, &o.scannedAt, &o.settings, &o.malware}
}

func readOutcome(ctx context.Context, tx *Tx, artifact int64) (o outcome, err error) {
	err = tx.QueryRow(ctx, `SELECT `+outcomeColumns+` FROM artifact a WHERE a.id = ?`, artifact).Scan(o.targets()...)
	return o, err
}

// memberOutcomes returns how far the scannable members of an index have come, in its
// order. A member that is not an artifact yet was never scanned.
func memberOutcomes(ctx context.Context, tx *Tx, index int64) ([]outcome, error) {
	rows, err := tx.Query(ctx, `SELECT COALESCE(a.scan_state, 'none'), COALESCE(a.failure, ''), COALESCE(a.failure_detail, ''),
			COALESCE(a.scanned_at, 0), a.raw_settings, a.raw_malware
		FROM artifact_child c LEFT JOIN artifact a ON a.project_id = c.project_id
		 AND a.enterprise_project_id = c.enterprise_project_id AND a.digest = c.digest
		WHERE c.artifact_id = ? AND c.unscannable = '' AND COALESCE(a.unscannable, '') = '' ORDER BY c.position`, index)
	return collect(rows, err, func(rows *sql.Rows) (o outcome, err error) {
		err = rows.Scan(o.targets()...)
		return o, err
	})
}
