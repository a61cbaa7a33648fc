package store

import (
	"context"
	"database/sql"
	"slices"

	"plimsoll"
)

// recountAbove brings the counts above changed judgements up to date: of the artifacts
// that hold the sets, of the indexes that hold those, and of the image rows.
func (w *writer) recountAbove(ctx context.Context, diffs []judgementDiff) error {
	var sets []any
	for _, d := range diffs {
		if len(d.vanished)+len(d.appeared) > 0 {
			sets = append(sets, d.set)
		}
	}
	var artifacts []int64
	for part := range slices.Chunk(sets, chunk) {
		rows, err := w.Query(ctx, `SELECT DISTINCT artifact_id FROM artifact_set WHERE set_id IN (`+marks(len(part))+`)`, part...)
		ids, err := collect(rows, err, scanID)
		if err != nil {
			return err
		}
		artifacts = append(artifacts, ids...)
	}
	slices.Sort(artifacts)
	return w.recount(ctx, slices.Compact(artifacts))
}

// recount counts the vulnerabilities of artifacts that are judged, and of the indexes
// above them, and rewrites the rows whose count differs.
func (w *writer) recount(ctx context.Context, artifacts []int64) error {
	for part := range slices.Chunk(artifacts, chunk) {
		if err := w.recountWith(ctx, sqlSetsOfArtifacts, part); err != nil {
			return err
		}
		indexes, err := indexesAbove(ctx, w.Tx, part)
		if err != nil {
			return err
		}
		if err := w.recountWith(ctx, sqlSetsOfIndexes, indexes); err != nil {
			return err
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

// recountWith counts the distinct canonical ids over the sets that each holder has by
// the query. The union is made here, not by COUNT(DISTINCT): the ids of a set that many
// artifacts share are read once, not once for each.
func (w *writer) recountWith(ctx context.Context, setsOf string, holders []int64) error {
	for part := range slices.Chunk(holders, chunk) {
		sets := map[int64][]int64{}
		var all []int64
		rows, err := w.Query(ctx, setsOf+marks(len(part))+`)`, anys(part)...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var holder, set int64
			err := rows.Scan(&holder, &set)
			sets[holder] = append(sets[holder], set)
			all = append(all, set)
			return err
		})
		if err != nil {
			return err
		}
		slices.Sort(all)
		ids, total, err := idsOfSets(ctx, w.Tx, slices.Compact(all))
		if err != nil {
			return err
		}
		counts := make(map[int64]int, len(part))
		seenBy := make([]int64, total)
		for _, holder := range part {
			n := 0
			for _, set := range sets[holder] {
				for _, id := range ids[set] {
					if seenBy[id] != holder {
						seenBy[id] = holder
						n++
					}
				}
			}
			counts[holder] = n
		}
		if err := w.saveCounts(ctx, part, counts); err != nil {
			return err
		}
	}
	return nil
}

const sqlIDsOfSets = `SELECT s.set_id, v.vulnerability FROM set_vulnerability s JOIN verdict v ON v.id = s.verdict_id
	WHERE s.to_revision IS NULL AND s.set_id IN (`

// idsOfSets returns the vulnerabilities of each set as small numbers below total.
func idsOfSets(ctx context.Context, tx *Tx, sets []int64) (ids map[int64][]int, total int, err error) {
	ids = make(map[int64][]int, len(sets))
	numbers := map[string]int{}
	for part := range slices.Chunk(sets, chunk) {
		rows, err := tx.Query(ctx, sqlIDsOfSets+marks(len(part))+`)`, anys(part)...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var set int64
			var id string
			err := rows.Scan(&set, &id)
			n, ok := numbers[id]
			if !ok {
				n = len(numbers)
				numbers[id] = n
			}
			ids[set] = append(ids[set], n)
			return err
		})
		if err != nil {
			return nil, 0, err
		}
	}
	return ids, len(numbers), nil
}

// saveCounts rewrites the raw vulnerability counts that differ, then their image rows.
func (w *writer) saveCounts(ctx context.Context, holders []int64, counts map[int64]int) error {
	var args []any
	for _, holder := range holders {
		args = append(args, holder, counts[holder])
	}
	rows, err := w.Query(ctx, `WITH want (id, n) AS (VALUES `+tuples(len(holders), "(CAST(? AS BIGINT), CAST(? AS BIGINT))")+`)
		UPDATE artifact SET raw_vulnerabilities = want.n FROM want
		WHERE artifact.id = want.id AND artifact.raw_vulnerabilities IS DISTINCT FROM want.n
		RETURNING artifact.id`, args...)
	changed, err := collect(rows, err, scanID)
	if err != nil {
		return err
	}
	w.rows += len(changed)
	return w.refreshImages(ctx, changed)
}

const sqlRefreshImages = `UPDATE image SET scan_state = a.scan_state, failure = a.failure, failure_detail = a.failure_detail,
		scanned_at = a.scanned_at, vulnerabilities = a.raw_vulnerabilities, settings = a.raw_settings, malware = a.raw_malware
	FROM artifact a
	WHERE a.id = image.artifact_id
	  AND (image.scan_state <> a.scan_state OR image.failure <> a.failure OR image.failure_detail <> a.failure_detail
	    OR image.scanned_at <> a.scanned_at OR image.vulnerabilities IS DISTINCT FROM a.raw_vulnerabilities
	    OR image.settings IS DISTINCT FROM a.raw_settings OR image.malware IS DISTINCT FROM a.raw_malware)
	  AND image.artifact_id IN (`

// refreshImages brings the image rows of artifacts up to date. Shown counts are the raw
// ones: there are no decisions to take off.
func (w *writer) refreshImages(ctx context.Context, artifacts []int64) error {
	for part := range slices.Chunk(artifacts, chunk) {
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
		JOIN artifact_malware m ON m.artifact_id = a.id WHERE c.artifact_id = ? AND m.kind = 'match' AND m.shadowed = 0`
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
