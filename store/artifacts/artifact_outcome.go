package artifacts

import (
	"context"
	"database/sql"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// Outcome is the part of an artifact row about the end of its last scan.
type Outcome struct {
	State     plimsoll.ScanState
	Failure   plimsoll.FailureCode
	Detail    string
	ScannedAt int64
	Settings  sql.NullInt64 // raw counts; not valid = never judged
	Malware   sql.NullInt64
}

const updateOutcomeSQL = `UPDATE artifact SET scan_state = ?, failure = ?, failure_detail = ?, scanned_at = ?,
	raw_settings = ?, raw_malware = ? WHERE id = ?`

// SaveOutcome rewrites the row if it differs.
func SaveOutcome(ctx context.Context, w *sqldb.Changes, artifact int64, have, want Outcome) error {
	if have == want {
		return nil
	}
	return w.Change(ctx, updateOutcomeSQL,
		want.State, want.Failure, want.Detail, want.ScannedAt, want.Settings, want.Malware, artifact)
}

const countIndexSettingsSQL = `SELECT COUNT(DISTINCT s.rule) FROM ` + ScannedMembersSQL + `
		JOIN artifact_setting s ON s.artifact_id = a.id JOIN setting_rule r ON r.id = s.rule_id
		WHERE c.artifact_id = ? AND s.result = 'failed' AND r.kind IN ('configuration', '')`

const countIndexMalwareSQL = `SELECT COUNT(DISTINCT m.path) FROM ` + ScannedMembersSQL + `
		JOIN artifact_malware m ON m.artifact_id = a.id WHERE c.artifact_id = ? AND m.kind IN ('match', 'malicious_package') AND m.shadowed = 0`

// RefreshIndex brings an index up to date with its members that are scanned: the least
// finished state and its failure, the newest inspection, and the union of failed rules
// and of visible malicious paths. Vulnerabilities are recount's.
func RefreshIndex(ctx context.Context, w *sqldb.Changes, index int64) error {
	have, err := ReadOutcome(ctx, w.Tx, index)
	if err != nil {
		return err
	}
	list, err := memberOutcomes(ctx, w.Tx, index)
	if err != nil {
		return err
	}
	want := Outcome{State: plimsoll.ScanNone}
	for i, m := range list {
		if i == 0 || (m.State != want.State && plimsoll.LeastFinished(m.State, want.State) == m.State) {
			want.State, want.Failure, want.Detail = m.State, m.Failure, m.Detail
		}
		want.ScannedAt = max(want.ScannedAt, m.ScannedAt)
		want.Settings.Valid = want.Settings.Valid || m.Settings.Valid
		want.Malware.Valid = want.Malware.Valid || m.Malware.Valid
	}
	if want.Settings.Valid {
		err = w.QueryRow(ctx, countIndexSettingsSQL, index).Scan(&want.Settings.Int64)
	}
	if err == nil && want.Malware.Valid {
		err = w.QueryRow(ctx, countIndexMalwareSQL, index).Scan(&want.Malware.Int64)
	}
	if err != nil {
		return err
	}
	if err := SaveOutcome(ctx, w, index, have, want); err != nil {
		return err
	}
	return refreshSettings(ctx, w, index, selectMemberSettingsSQL)
}

func (o *Outcome) targets() []any {
	return []any{&o.State, &o.Failure, &o.Detail, &o.ScannedAt, &o.Settings, &o.Malware}
}

const outcomeColumnsSQL = `a.scan_state, a.failure, a.failure_detail, a.scanned_at, a.raw_settings, a.raw_malware`

const selectOutcomeSQL = `SELECT ` + outcomeColumnsSQL + ` FROM artifact a WHERE a.id = ?`

// ReadOutcome returns how the last scan of an artifact ended, with its raw counts.
func ReadOutcome(ctx context.Context, tx *sqldb.Tx, artifact int64) (o Outcome, err error) {
	err = tx.QueryRow(ctx, selectOutcomeSQL, artifact).Scan(o.targets()...)
	return o, err
}

const selectMemberOutcomesSQL = `SELECT COALESCE(a.scan_state, 'none'), COALESCE(a.failure, ''), COALESCE(a.failure_detail, ''),
		COALESCE(a.scanned_at, 0), a.raw_settings, a.raw_malware
	FROM artifact_child c LEFT JOIN artifact a ON a.project_id = c.project_id
	 AND a.enterprise_project_id = c.enterprise_project_id AND a.digest = c.digest
	WHERE c.artifact_id = ? AND c.unscannable = '' AND COALESCE(a.unscannable, '') = '' ORDER BY c.position`

// memberOutcomes returns how far the scannable members of an index have come, in its
// order. A member that is not an artifact yet was never scanned.
func memberOutcomes(ctx context.Context, tx *sqldb.Tx, index int64) ([]Outcome, error) {
	rows, err := tx.Query(ctx, selectMemberOutcomesSQL, index)
	return sqldb.Collect(rows, err, func(rows *sql.Rows) (o Outcome, err error) {
		err = rows.Scan(o.targets()...)
		return o, err
	})
}
