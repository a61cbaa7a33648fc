package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"plimsoll"
)

// withSetting limits a filter to images, or indexes with a member, that have a result.
func withSetting(c *clauses, f plimsoll.ImageFilter) {
	if f.Setting == nil {
		return
	}
	rules, args := `SELECT id FROM setting_rule WHERE 1 = 1`, []any{}
	if f.Setting.Kind != "" {
		rules, args = rules+` AND kind = ?`, append(args, f.Setting.Kind)
	}
	if f.Setting.Rule != "" {
		rules, args = rules+` AND rule = ?`, append(args, f.Setting.Rule)
	}
	result := `s.result = ?`
	if f.Setting.Result == plimsoll.SettingFailed {
		result = `s.result = 'failed'` // word for word the condition of the index
	} else {
		args = append(args, f.Setting.Result)
	}
	having := `SELECT s.artifact_id FROM artifact_setting s WHERE s.project_id = ? AND s.rule_id IN (` + rules + `) AND ` + result
	args = append([]any{f.ProjectID}, args...)
	c.and(`(i.artifact_id IN (`+having+`) OR i.artifact_id IN (SELECT c.artifact_id FROM `+members+`WHERE a.id IN (`+having+`)))`,
		slices.Concat(args, args)...)
}

// sqlPlainTallies: a plain image has one result a rule. It is nearly every image, and needs no sorting.
func sqlPlainTallies(c *clauses) string {
	return `SELECT s.rule_id, s.result, COUNT(*), MAX(i.scanned_at) FROM image i JOIN artifact_setting s ON s.artifact_id = i.artifact_id
		WHERE ` + c.sql.String() + ` GROUP BY s.rule_id, s.result`
}

// sqlIndexTallies: an index counts once a rule, with the worst result of its members.
func sqlIndexTallies(c *clauses) string {
	return `WITH worst (rule_id, bad, scanned_at) AS (
			SELECT MAX(s.rule_id), MAX(CASE s.result WHEN 'failed' THEN 3 WHEN 'not_looked' THEN 2 ELSE 1 END), MAX(i.scanned_at)
			FROM image i, ` + members + ` JOIN artifact_setting s ON s.artifact_id = a.id
			WHERE c.artifact_id = i.artifact_id AND ` + c.sql.String() + ` GROUP BY i.id, s.rule)
		SELECT rule_id, CASE bad WHEN 3 THEN 'failed' WHEN 2 THEN 'not_looked' ELSE 'pass' END, COUNT(*), MAX(scanned_at) FROM worst GROUP BY rule_id, bad`
}

// RuleTallies returns how rules fared over the images of a filter, by check and rule; rules
// that apply to none of them, or were not checked yet, are left out. Texts are the newest.
func (s *Store) RuleTallies(ctx context.Context, f plimsoll.ImageFilter) ([]plimsoll.RuleTally, error) {
	c, err := imageClauses(f)
	if err != nil {
		return nil, err
	}
	byID := map[int64]*plimsoll.RuleTally{}
	rules := map[string]plimsoll.RuleTally{}
	err = s.db.read(ctx, func(tx *Tx) error {
		for _, query := range [...]string{sqlPlainTallies(c), sqlIndexTallies(c)} {
			if err := addTallies(ctx, tx, byID, query, c.args); err != nil {
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

func addTallies(ctx context.Context, tx *Tx, byID map[int64]*plimsoll.RuleTally, query string, args []any) error {
	rows, err := tx.Query(ctx, query, args...)
	return each(rows, err, func(rows *sql.Rows) error {
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
		if at := fromMillis(scanned); at.After(byID[id].Scanned) {
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
