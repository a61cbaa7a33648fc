package findings

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/store/artifacts"
	"plimsoll/store/images"
	"plimsoll/store/sqldb"
)

// sqlPlainTallies: a plain image has one result a rule. It is nearly every image, and needs no sorting.
func tallyPlainImagesSQL(c *sqldb.Clauses) string {
	return `SELECT s.rule_id, s.result, COUNT(*), MAX(i.scanned_at) FROM image i JOIN artifact_setting s ON s.artifact_id = i.artifact_id
		WHERE ` + c.SQL() + ` GROUP BY s.rule_id, s.result`
}

// sqlIndexTallies: an index counts once a rule, with the worst result of its members.
func tallyIndexesSQL(c *sqldb.Clauses) string {
	return `WITH worst (rule_id, bad, scanned_at) AS (
			SELECT MAX(s.rule_id), MAX(CASE s.result WHEN 'failed' THEN 3 WHEN 'not_looked' THEN 2 ELSE 1 END), MAX(i.scanned_at)
			FROM image i, ` + artifacts.ScannedMembersSQL + ` JOIN artifact_setting s ON s.artifact_id = a.id
			WHERE c.artifact_id = i.artifact_id AND ` + c.SQL() + ` GROUP BY i.id, s.rule)
		SELECT rule_id, CASE bad WHEN 3 THEN 'failed' WHEN 2 THEN 'not_looked' ELSE 'pass' END, COUNT(*), MAX(scanned_at) FROM worst GROUP BY rule_id, bad`
}

// RuleTallies returns how rules fared over the images of a filter, by check and rule; rules
// that apply to none of them, or were not checked yet, are left out. Texts are the newest.
func (s *Store) RuleTallies(ctx context.Context, f plimsoll.ImageFilter) ([]plimsoll.RuleTally, error) {
	c, err := images.ImageClauses(f)
	if err != nil {
		return nil, err
	}
	byID := map[int64]*plimsoll.RuleTally{}
	rules := map[string]plimsoll.RuleTally{}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		for _, query := range [...]string{tallyPlainImagesSQL(c), tallyIndexesSQL(c)} {
			if err := addTallies(ctx, tx, byID, query, c.Args); err != nil {
				return err
			}
		}
		for _, id := range slices.Sorted(maps.Keys(byID)) {
			tally := byID[id]
			var about string
			if err := tx.QueryRow(ctx, `SELECT about FROM setting_rule WHERE id = ?`, id).Scan(&about); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(about), &tally.Rule); err != nil {
				return err
			}
			older := rules[tally.ID]
			tally.Passed, tally.Failed, tally.NotLooked = tally.Passed+older.Passed, tally.Failed+older.Failed, tally.NotLooked+older.NotLooked
			if older.Scanned.After(tally.Scanned) {
				tally.Scanned = older.Scanned
			}
			rules[tally.ID] = *tally
		}
		return nil
	})
	tallies := slices.SortedFunc(maps.Values(rules), func(a, b plimsoll.RuleTally) int {
		return cmp.Or(strings.Compare(a.Check, b.Check), strings.Compare(a.ID, b.ID))
	})
	return tallies, err
}

func addTallies(ctx context.Context, tx *sqldb.Tx, byID map[int64]*plimsoll.RuleTally, query string, args []any) error {
	rows, err := tx.Query(ctx, query, args...)
	return sqldb.Each(rows, err, func(rows *sql.Rows) error {
		var id int64
		var result plimsoll.SettingResult
		var n int
		var scanned int64
		if err := rows.Scan(&id, &result, &n, &scanned); err != nil {
			return err
		}
		if byID[id] == nil {
			byID[id] = new(plimsoll.RuleTally)
		}
		if at := sqldb.FromMillis(scanned); at.After(byID[id].Scanned) {
			byID[id].Scanned = at
		}
		switch result {
		case plimsoll.SettingFailed:
			byID[id].Failed += n
		case plimsoll.SettingNotLooked:
			byID[id].NotLooked += n
		default:
			byID[id].Passed += n
		}
		return nil
	})
}
