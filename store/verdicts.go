package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"

	"plimsoll"
)

// verdictHash is the content key of what a vulnerability says, whatever package it is
// about: hex SHA-256 over every field, each preceded by its length.
func verdictHash(v plimsoll.Vulnerability) string {
	b := make([]byte, 0, 512)
	field := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	list := func(l []string) {
		b = binary.AppendUvarint(b, uint64(len(l)))
		for _, s := range l {
			field(s)
		}
	}
	field(v.ID)
	list(v.Advisories)
	list(v.Aliases)
	field(v.FixedVersion)
	field(string(v.Severity))
	field(strconv.FormatFloat(v.Score, 'g', -1, 64))
	field(v.Summary)
	field(v.URL)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// saveVerdicts stores those verdicts that are not, and returns the ids of all by hash.
func (w *writer) saveVerdicts(ctx context.Context, verdicts map[string]plimsoll.Vulnerability) (map[string]int64, error) {
	hashes := make([]string, 0, len(verdicts))
	for h := range verdicts {
		hashes = append(hashes, h)
	}
	slices.Sort(hashes)
	ids := make(map[string]int64, len(hashes))
	if err := verdictIDs(ctx, w.Tx, hashes, ids); err != nil {
		return nil, err
	}
	fresh := slices.DeleteFunc(hashes, func(h string) bool { return ids[h] != 0 })
	for part := range slices.Chunk(fresh, chunk) {
		var args []any
		for _, h := range part {
			v := verdicts[h]
			args = append(args, h, v.ID, encodeList(v.Advisories), encodeList(v.Aliases),
				v.FixedVersion, v.Severity, v.Score, v.Summary, v.URL)
		}
		err := w.change(ctx, `INSERT INTO verdict (hash, vulnerability, advisories, aliases, fixed_version, severity, score, summary, url)
			VALUES `+tuples(len(part), "(?, ?, ?, ?, ?, ?, ?, ?, ?)")+` ON CONFLICT DO NOTHING`, args...)
		if err != nil {
			return nil, err
		}
	}
	return ids, verdictIDs(ctx, w.Tx, fresh, ids)
}

func verdictIDs(ctx context.Context, tx *Tx, hashes []string, into map[string]int64) error {
	for part := range slices.Chunk(hashes, chunk) {
		rows, err := tx.Query(ctx, `SELECT hash, id FROM verdict WHERE hash IN (`+marks(len(part))+`)`, anys(part)...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var hash string
			var id int64
			err := rows.Scan(&hash, &id)
			into[hash] = id
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// encodeList is encodeJSON with an empty list for nil.
func encodeList(l []string) string {
	if l == nil {
		l = []string{}
	}
	return encodeJSON(l)
}

// saveDiffs writes differences of judgements and returns how many rows of judgement changed.
func (w *writer) saveDiffs(ctx context.Context, matcher string, diffs []judgementDiff) (int, error) {
	before := w.rows
	for _, d := range diffs {
		if err := w.closeRows(ctx, d); err != nil {
			return 0, err
		}
	}
	if err := w.saveNotJudged(ctx, diffs); err != nil {
		return 0, err
	}
	judged := w.rows - before
	verdicts := map[string]plimsoll.Vulnerability{}
	for _, d := range diffs {
		for f, v := range d.appeared {
			verdicts[f.verdict] = v
		}
	}
	ids, err := w.saveVerdicts(ctx, verdicts)
	if err != nil {
		return 0, err
	}
	before = w.rows
	if err := w.openRows(ctx, matcher, diffs, ids); err != nil {
		return 0, err
	}
	return judged + w.rows - before, nil
}

// closeRows ends what is no longer true. A row that would end where it starts was never true.
func (w *writer) closeRows(ctx context.Context, d judgementDiff) error {
	for f, row := range d.vanished {
		query := `UPDATE set_vulnerability SET to_revision = ? WHERE set_id = ? AND package_id = ? AND verdict_id = ? AND from_revision = ?`
		args := []any{d.revision, d.set, f.pkg, row.verdict, row.from}
		if row.from >= d.revision {
			query = `DELETE FROM set_vulnerability WHERE set_id = ? AND package_id = ? AND verdict_id = ? AND from_revision = ?`
			args = args[1:]
		}
		if err := w.change(ctx, query, args...); err != nil {
			return err
		}
	}
	return nil
}

// openRows starts what is newly true.
func (w *writer) openRows(ctx context.Context, matcher string, diffs []judgementDiff, verdicts map[string]int64) error {
	var args []any
	const columns = 5
	for _, d := range diffs {
		for f := range d.appeared {
			args = append(args, d.set, f.pkg, verdicts[f.verdict], matcher, d.revision)
		}
	}
	for part := range slices.Chunk(args, columns*chunk) {
		err := w.change(ctx, `INSERT INTO set_vulnerability (set_id, package_id, verdict_id, matcher, from_revision)
			VALUES `+tuples(len(part)/columns, "(?, ?, ?, ?, ?)")+`
			ON CONFLICT (set_id, package_id, verdict_id, from_revision) DO UPDATE SET to_revision = NULL`, part...)
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) saveNotJudged(ctx context.Context, diffs []judgementDiff) error {
	var args []any
	const columns = 3
	for _, d := range diffs {
		for _, pkg := range d.judgedNow {
			if err := w.change(ctx, `DELETE FROM set_not_judged WHERE set_id = ? AND package_id = ?`, d.set, pkg); err != nil {
				return err
			}
		}
		for pkg, reason := range d.notJudged {
			args = append(args, d.set, pkg, reason)
		}
	}
	for part := range slices.Chunk(args, columns*chunk) {
		err := w.change(ctx, `INSERT INTO set_not_judged (set_id, package_id, reason) VALUES `+tuples(len(part)/columns, "(?, ?, ?)")+`
			ON CONFLICT (set_id, package_id) DO UPDATE SET reason = excluded.reason`, part...)
		if err != nil {
			return err
		}
	}
	return nil
}
