package decisions

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// Active are the active decisions of a project that name a stored verdict.
type Active struct {
	byVerdict        map[int64][]*plimsoll.Decision // by verdict
	VulnerabilityIDs map[int64]string               // canonical ids of those verdicts, and of all others with such an id
}

const selectActiveSQL = `SELECT n.verdict_id, v.vulnerability, ` + decisionColumnsSQL + `
	FROM decision d CROSS JOIN verdict_name n CROSS JOIN verdict v
	WHERE d.project_id = ? AND d.kind = 'vulnerability' AND ` + ActiveSQL + ` AND n.name = d.finding AND v.id = n.verdict_id`

const selectVerdictsByIDSQL = `SELECT id, vulnerability FROM verdict WHERE vulnerability IN (:keys)`

// ReadActive returns nil if no decision of the project is about anything that is stored.
func ReadActive(ctx context.Context, tx *sqldb.Tx, projectID string) (*Active, error) {
	r := &Active{byVerdict: map[int64][]*plimsoll.Decision{}, VulnerabilityIDs: map[int64]string{}}
	decisions := map[int64]*plimsoll.Decision{}
	var ids []string
	rows, err := tx.Query(ctx, selectActiveSQL, projectID, tx.Now())
	err = sqldb.Each(rows, err, func(rows *sql.Rows) error {
		var verdict int64
		var id string
		var row decisionRow
		err := rows.Scan(append([]any{&verdict, &id}, row.targets()...)...)
		d := decisions[row.d.ID]
		if d == nil {
			d = new(row.decision())
			decisions[d.ID] = d
		}
		r.byVerdict[verdict] = append(r.byVerdict[verdict], d)
		ids = append(ids, id)
		return err
	})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	slices.Sort(ids)
	err = sqldb.QueryChunks(ctx, tx, selectVerdictsByIDSQL, nil, slices.Compact(ids), func(rows *sql.Rows) error {
		var verdict int64
		var id string
		err := rows.Scan(&verdict, &id)
		r.VulnerabilityIDs[verdict] = id
		return err
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// For returns the decision that applies to a verdict at a place, nil for none.
func (r *Active) For(verdict int64, at plimsoll.FindingPlace) *plimsoll.Decision {
	if r == nil {
		return nil
	}
	return plimsoll.Deciding(r.byVerdict[verdict], at)
}

// Names reports whether a decision is about a verdict, wherever.
func (r *Active) Names(verdict int64) bool { return len(r.byVerdict[verdict]) > 0 }

// Verdicts returns the verdicts that decisions are about, in no order.
func (r *Active) Verdicts() []int64 { return slices.Collect(maps.Keys(r.byVerdict)) }
