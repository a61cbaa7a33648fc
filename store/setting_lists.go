package store

import (
	"context"
	"database/sql"
	"encoding/json"
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

// sqlTallies: of an index the members count, and an image with the worst of its results.
func sqlTallies(c *clauses) string {
	return `WITH shown (image, artifact) AS (
			SELECT i.id, i.artifact_id FROM image i WHERE ` + c.sql.String() + `
			UNION SELECT i.id, a.id FROM image i, ` + members + ` WHERE c.artifact_id = i.artifact_id AND ` + c.sql.String() + `),
		worst (rule, rule_id, bad) AS (
			SELECT s.rule, MAX(s.rule_id), MAX(CASE s.result WHEN 'failed' THEN 3 WHEN 'not_looked' THEN 2 WHEN 'pass' THEN 1 ELSE 0 END)
			FROM shown JOIN artifact_setting s ON s.artifact_id = shown.artifact GROUP BY shown.image, s.rule)
		SELECT MAX(rule_id), SUM(CASE bad WHEN 1 THEN 1 ELSE 0 END), SUM(CASE bad WHEN 3 THEN 1 ELSE 0 END), SUM(CASE bad WHEN 2 THEN 1 ELSE 0 END)
		FROM worst GROUP BY rule`
}

// RuleTallies returns how rules fared over the images of a filter, by check and rule; rules
// that apply to none of them, or were not checked yet, are left out. Texts are the newest.
func (s *Store) RuleTallies(ctx context.Context, f plimsoll.ImageFilter) ([]plimsoll.RuleTally, error) {
	c, err := imageClauses(f)
	if err != nil {
		return nil, err
	}
	type row struct {
		id    int64
		tally plimsoll.RuleTally
	}
	var tallies []plimsoll.RuleTally
	err = s.db.read(ctx, func(tx *Tx) error {
		rows, err := tx.Query(ctx, sqlTallies(c), slices.Concat(c.args, c.args)...)
		list, err := collect(rows, err, func(rows *sql.Rows) (r row, err error) {
			return r, rows.Scan(&r.id, &r.tally.Passed, &r.tally.Failed, &r.tally.NotLooked)
		})
		if err != nil {
			return err
		}
		for _, r := range list {
			if r.tally.Passed+r.tally.Failed+r.tally.NotLooked == 0 {
				continue
			}
			var about string
			if err := tx.QueryRow(ctx, `SELECT about FROM setting_rule WHERE id = ?`, r.id).Scan(&about); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(about), &r.tally.Rule); err != nil {
				return err
			}
			tallies = append(tallies, r.tally)
		}
		return nil
	})
	slices.SortFunc(tallies, func(a, b plimsoll.RuleTally) int {
		if a.Check != b.Check {
			return strings.Compare(a.Check, b.Check)
		}
		return strings.Compare(a.ID, b.ID)
	})
	return tallies, err
}
