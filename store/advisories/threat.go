package advisories

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"plimsoll"
	"plimsoll/store/sqldb"
)

const selectThreatsSQL = `SELECT cve, exploited, ransomware, epss FROM threat WHERE feed = ? AND to_revision IS NULL`

// Threats returns the current threats of a feed, by CVE.
func (a *Store) Threats(ctx context.Context, feed string) (map[string]plimsoll.Threat, error) {
	out := map[string]plimsoll.Threat{}
	err := a.db.Read(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(ctx, selectThreatsSQL, feed)
		return sqldb.Each(rows, err, func(rows *sql.Rows) error {
			t, err := scanThreat(rows)
			out[t.CVE] = t
			return err
		})
	})
	return out, err
}

// SaveThreats replaces the threats of the running import's feed by the list, and counts
// into out. Like records they become visible when the import is published.
func (a *Store) SaveThreats(ctx context.Context, list []plimsoll.Threat, out *plimsoll.ImportOutcome) error {
	i, err := a.running()
	if err != nil {
		return err
	}
	before, err := a.Threats(ctx, i.feed)
	if err != nil {
		return err
	}
	now := make(map[string]plimsoll.Threat, len(list))
	for _, t := range list {
		now[t.CVE] = t.Join(now[t.CVE])
	}
	var ended, begun []string
	for cve, t := range now {
		old, had := before[cve]
		switch {
		case had && old == t:
			out.Unchanged++
			continue
		case had:
			out.Changed++
			ended = append(ended, cve)
		default:
			out.New++
		}
		begun = append(begun, cve)
		i.rate(cve, old, t)
	}
	for cve, old := range before {
		if _, has := now[cve]; !has {
			ended = append(ended, cve)
			out.Withdrawn++
			i.rate(cve, old, plimsoll.Threat{})
		}
	}
	out.Records += len(now)
	slices.Sort(ended)
	slices.Sort(begun)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.changed = i.changed || len(ended)+len(begun) > 0
	return a.inSlices(ctx, func(w *sliceWriter) error { return w.saveThreats(ctx, i, ended, begun, now) })
}

// rate notes a CVE whose findings may be judged differently.
func (i *advisoryImport) rate(cve string, old, now plimsoll.Threat) {
	if !old.SameJudgement(now) {
		i.rated = append(i.rated, cve)
	}
}

const endThreatSQL = `UPDATE threat SET to_revision = ? WHERE cve = ? AND feed = ? AND to_revision IS NULL`

const insertThreatSQL = `INSERT INTO threat (cve, feed, from_revision, exploited, ransomware, epss) VALUES `

const threatRowSQL = `(?, ?, ?, ?, ?, ?)`

func (w *sliceWriter) saveThreats(ctx context.Context, i *advisoryImport, ended, begun []string, now map[string]plimsoll.Threat) error {
	for _, cve := range ended {
		if err := w.exec(ctx, stmtThreatEnd, i.revision, cve, i.feed); err != nil {
			return err
		}
	}
	out := rowBatch{w: w, one: stmtThreat, many: stmtThreats, width: 6}
	for _, cve := range begun {
		t := now[cve]
		if err := out.add(ctx, cve, i.feed, i.revision, sqldb.BoolInt(t.Exploited), sqldb.BoolInt(t.Ransomware), t.EPSS); err != nil {
			return err
		}
	}
	return out.end(ctx)
}

const selectThreatsByCVESQL = `
SELECT cve, exploited, ransomware, epss FROM threat
WHERE cve IN (:keys) AND from_revision <= ? AND (to_revision IS NULL OR to_revision > ?)`

// evidenceThreats reads the threats of every feed about the CVEs.
func evidenceThreats(ctx context.Context, tx *sqldb.Tx, at plimsoll.Revision, cves []string, out map[string]plimsoll.Threat) error {
	return sqldb.QueryChunks(ctx, tx, selectThreatsByCVESQL, nil, cves, func(rows *sql.Rows) error {
		t, err := scanThreat(rows)
		out[t.CVE] = t.Join(out[t.CVE])
		return err
	}, at, at)
}

// cleanThreats removes what an interrupted import left, in one short transaction; left is how
// many rows it changed.
func cleanThreats(ctx context.Context, tx *sqldb.Tx, newest plimsoll.Revision) (left int64, err error) {
	for _, query := range [...]string{
		`DELETE FROM threat WHERE (cve, feed, from_revision) IN
			(SELECT cve, feed, from_revision FROM threat WHERE from_revision > ? LIMIT 2000)`,
		`UPDATE threat SET to_revision = NULL WHERE (cve, feed, from_revision) IN
			(SELECT cve, feed, from_revision FROM threat WHERE to_revision > ? LIMIT 2000)`,
	} {
		res, err := tx.Exec(ctx, query, newest)
		if err != nil {
			return left, err
		}
		n, err := res.RowsAffected()
		if left += n; err != nil {
			return left, err
		}
	}
	return left, nil
}

const deleteEndedThreatsSQL = `DELETE FROM threat WHERE (cve, feed, from_revision) IN
	(SELECT cve, feed, from_revision FROM threat WHERE to_revision < ? LIMIT 2000)`

// pruneThreats deletes rows that ended before the newest revision, in short transactions.
func (a *Store) pruneThreats(ctx context.Context, newest plimsoll.Revision) error {
	for {
		var n int64
		err := a.db.Write(ctx, func(tx *sqldb.Tx) error {
			res, err := tx.Exec(ctx, deleteEndedThreatsSQL, newest)
			if err == nil {
				n, err = res.RowsAffected()
			}
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

const selectThreatFeedsSQL = `SELECT f.name FROM feed f WHERE EXISTS (SELECT 1 FROM threat t WHERE t.feed = f.name AND t.to_revision IS NULL)`

// ThreatFeeds are the feeds that have threats instead of records.
func (a *Store) ThreatFeeds(ctx context.Context) ([]string, error) {
	found := map[string]bool{}
	err := a.db.Read(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(ctx, selectThreatFeedsSQL)
		return sqldb.Each(rows, err, func(rows *sql.Rows) error {
			var name string
			err := rows.Scan(&name)
			found[name] = true
			return err
		})
	})
	return slices.Sorted(maps.Keys(found)), err
}
