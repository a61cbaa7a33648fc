package findings

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/store/artifacts"
	"plimsoll/store/sqldb"
)

// failedRules counts distinct rules that failed and count.
func failedRules(settings []plimsoll.Setting) int64 {
	rules := map[string]bool{}
	for _, s := range settings {
		if s.Counted() {
			rules[s.Rule] = true
		}
	}
	return int64(len(rules))
}

// storedSetting is a result with the row of its rule.
type storedSetting struct {
	plimsoll.Setting
	ruleID int64
}

const selectSettingsSQL = `SELECT r.about, s.rule_id, s.result, s.evidence, s.passwords FROM artifact_setting s
	JOIN setting_rule r ON r.id = s.rule_id WHERE s.artifact_id = ? ORDER BY s.rule`

func readSettings(ctx context.Context, tx *sqldb.Tx, artifact int64) ([]storedSetting, error) {
	rows, err := tx.Query(ctx, selectSettingsSQL, artifact)
	return sqldb.Collect(rows, err, func(rows *sql.Rows) (storedSetting, error) { return scanSetting(rows) })
}

// scanSetting reads the columns of more, then about, rule id, result, evidence and passwords.
func scanSetting(rows *sql.Rows, more ...any) (s storedSetting, err error) {
	var about, evidence, passwords string
	if err := rows.Scan(append(more, &about, &s.ruleID, &s.Result, &evidence, &passwords)...); err != nil {
		return s, err
	}
	var rule plimsoll.Rule
	if err := json.Unmarshal([]byte(about), &rule); err != nil {
		return s, err
	}
	s.Setting = rule.Setting(s.Result)
	if err := json.Unmarshal([]byte(evidence), &s.Evidence); err != nil {
		return s, err
	}
	if passwords == artifacts.NoPasswords {
		return s, nil
	}
	return s, json.Unmarshal([]byte(passwords), &s.Passwords)
}

func encodePasswords(list []plimsoll.WeakPassword) string {
	if len(list) == 0 {
		return artifacts.NoPasswords
	}
	return sqldb.EncodeJSON(list)
}

// saveSettings rewrites the rows that differ. Of two results of one rule the last counts.
// Rules that do not apply have no rows: they are most rules of most images.
func (w *findingWriter) saveSettings(ctx context.Context, t plimsoll.Tenant, artifact int64, settings []plimsoll.Setting) error {
	stored, err := readSettings(ctx, w.Tx, artifact)
	if err != nil {
		return err
	}
	settings = slices.DeleteFunc(slices.Clone(settings), func(s plimsoll.Setting) bool { return s.Result == plimsoll.SettingNotApplicable })
	ids, err := w.ruleIDs(ctx, settings)
	if err != nil {
		return err
	}
	gone := map[string]storedSetting{}
	for _, s := range stored {
		gone[s.Rule] = s
	}
	delete(gone, plimsoll.RuleListedPassword) // its result is not part of a scan
	for i, s := range settings {
		old, ok := gone[s.Rule]
		delete(gone, s.Rule)
		if ok && old.same(s, ids[i]) {
			continue
		}
		if err := w.putSetting(ctx, t, artifact, s, ids[i]); err != nil {
			return err
		}
	}
	for rule := range gone {
		if err := w.deleteSetting(ctx, artifact, rule); err != nil {
			return err
		}
	}
	return nil
}

// settingFields are the columns of a result.
func settingFields(s plimsoll.Setting, rule int64) []any {
	return []any{s.Rule, rule, s.Result, sqldb.EncodeList(s.Evidence), encodePasswords(s.Passwords)}
}

// same reports whether a result is stored already.
func (s storedSetting) same(other plimsoll.Setting, rule int64) bool {
	return slices.Equal(settingFields(s.Setting, s.ruleID), settingFields(other, rule))
}

const upsertSettingSQL = `INSERT INTO artifact_setting (artifact_id, project_id, enterprise_project_id, rule, rule_id, result, evidence, passwords)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (artifact_id, rule) DO UPDATE SET rule_id = excluded.rule_id,
	result = excluded.result, evidence = excluded.evidence, passwords = excluded.passwords`

func (w *findingWriter) putSetting(ctx context.Context, t plimsoll.Tenant, artifact int64, s plimsoll.Setting, rule int64) error {
	args := append([]any{artifact, t.ProjectID, t.EnterpriseProject}, settingFields(s, rule)...)
	return w.Change(ctx, upsertSettingSQL, args...)
}

const deleteSettingSQL = `DELETE FROM artifact_setting WHERE artifact_id = ? AND rule = ?`

func (w *findingWriter) deleteSetting(ctx context.Context, artifact int64, rule string) error {
	return w.Change(ctx, deleteSettingSQL, artifact, rule)
}

const selectRulesByHashSQL = `SELECT id, hash FROM setting_rule WHERE hash IN (:keys)`

const insertRuleSQL = `INSERT INTO setting_rule (hash, rule, kind, about) VALUES (?, ?, ?, ?)
	ON CONFLICT (hash) DO UPDATE SET hash = excluded.hash RETURNING id`

// ruleIDs returns the row of each setting's rule, writing those that are new.
func (w *findingWriter) ruleIDs(ctx context.Context, settings []plimsoll.Setting) ([]int64, error) {
	hashes, texts := make([]string, len(settings)), make([]string, len(settings))
	for i, s := range settings {
		texts[i] = sqldb.EncodeJSON(s.About())
		sum := sha256.Sum256([]byte(texts[i]))
		hashes[i] = hex.EncodeToString(sum[:])
	}
	known := map[string]int64{}
	err := sqldb.QueryChunks(ctx, w.Tx, selectRulesByHashSQL, nil, hashes, func(rows *sql.Rows) error {
		var id int64
		var hash string
		err := rows.Scan(&id, &hash)
		known[hash] = id
		return err
	})
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(settings))
	for i, s := range settings {
		if _, ok := known[hashes[i]]; !ok {
			var id int64
			err := w.QueryRow(ctx, insertRuleSQL,
				hashes[i], s.Rule, s.Kind, texts[i]).Scan(&id)
			if err != nil {
				return nil, err
			}
			w.Rows++
			known[hashes[i]] = id
		}
		ids[i] = known[hashes[i]]
	}
	return ids, nil
}

// ImageSettings returns the results of the baseline checks of an image by rule, without those
// that do not apply; for an index the worst result of each rule over its platforms.
func (s *Store) ImageSettings(ctx context.Context, img plimsoll.Image) ([]plimsoll.Setting, error) {
	var all []storedSetting
	err := artifacts.EachMember(ctx, s.db, img, func(tx *sqldb.Tx, m artifacts.Member) error {
		settings, err := readSettings(ctx, tx, m.Artifact)
		all = append(all, settings...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return worstSettings(all), nil
}

// worstSettings returns the worst result of each rule, of equal ones the first, by rule.
func worstSettings(all []storedSetting) []plimsoll.Setting {
	worst := map[string]plimsoll.Setting{}
	for _, stored := range all {
		now := stored.Setting
		if old, ok := worst[now.Rule]; !ok || now.Result.WorseThan(old.Result) {
			worst[now.Rule] = now
		}
	}
	return slices.SortedFunc(maps.Values(worst), func(a, b plimsoll.Setting) int { return strings.Compare(a.Rule, b.Rule) })
}
