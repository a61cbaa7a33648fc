package artifacts

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// settingOutcome is a result as lists over all images need it.
type settingOutcome struct {
	rule      string
	ruleID    int64
	result    plimsoll.SettingResult
	kind      plimsoll.SettingKind
	passwords string // JSON
}

const selectOutcomesSQL = `SELECT s.rule, s.rule_id, s.result, r.kind, s.passwords FROM artifact_setting s
	JOIN setting_rule r ON r.id = s.rule_id WHERE s.artifact_id = ? ORDER BY s.rule`

const selectMemberSettingsSQL = `SELECT s.rule, s.rule_id, s.result, r.kind, s.passwords FROM ` + ScannedMembersSQL + `
	CROSS JOIN artifact_setting s JOIN setting_rule r ON r.id = s.rule_id
	WHERE s.artifact_id = a.id AND c.artifact_id = ? ORDER BY c.position, s.rule`

// RefreshSettings brings what lists over all images read of the settings of a plain artifact up
// to date: its profile, its accounts with guessed passwords, and whether its password policy is weak.
func RefreshSettings(ctx context.Context, w *sqldb.Changes, artifact int64) error {
	return refreshSettings(ctx, w, artifact, selectOutcomesSQL)
}

const selectIndexesSQL = `SELECT id FROM artifact WHERE kind = 'index' AND id IN (:keys)`

// RefreshNewIndexes refreshes those of the artifacts that are indexes: members of a new index may have been scanned before.
func RefreshNewIndexes(ctx context.Context, w *sqldb.Changes, ids []int64) error {
	indexes, err := sqldb.CollectChunks(ctx, w.Tx, selectIndexesSQL, nil, ids, sqldb.ScanID)
	if err != nil {
		return err
	}
	for _, id := range indexes {
		if err := refreshSettings(ctx, w, id, selectMemberSettingsSQL); err != nil {
			return err
		}
	}
	return nil
}

const updateSettingsSQL = `UPDATE artifact SET profile = ?, weak_accounts = ?, weak_policy = ?
	WHERE id = ? AND (profile <> ? OR weak_accounts <> ? OR weak_policy <> ?)`

// refreshSettings takes of several results of one rule the worst, of equal ones the first.
func refreshSettings(ctx context.Context, w *sqldb.Changes, artifact int64, query string) error {
	worst := map[string]settingOutcome{}
	rows, err := w.Query(ctx, query, artifact)
	err = sqldb.Each(rows, err, func(rows *sql.Rows) error {
		var o settingOutcome
		if err := rows.Scan(&o.rule, &o.ruleID, &o.result, &o.kind, &o.passwords); err != nil {
			return err
		}
		if have, ok := worst[o.rule]; ok {
			newest := max(have.ruleID, o.ruleID)
			if !o.result.WorseThan(have.result) {
				o = have
			}
			o.ruleID = newest
		}
		worst[o.rule] = o
		return nil
	})
	if err != nil {
		return err
	}
	outcomes := slices.SortedFunc(maps.Values(worst), func(a, b settingOutcome) int { return strings.Compare(a.rule, b.rule) })
	accounts, err := saveWeakAccounts(ctx, w, artifact, outcomes)
	if err != nil {
		return err
	}
	profile, err := profileOf(ctx, w, outcomes)
	if err != nil {
		return err
	}
	weak := sqldb.BoolInt(slices.ContainsFunc(outcomes, func(o settingOutcome) bool {
		return o.kind == plimsoll.KindComplexity && o.result == plimsoll.SettingFailed
	}))
	return w.Change(ctx, updateSettingsSQL, profile, accounts, weak, artifact, profile, accounts, weak)
}

const selectProfileSQL = `SELECT id FROM setting_profile WHERE outcomes = ?`

const insertProfileSQL = `INSERT INTO setting_profile (outcomes) VALUES (?) RETURNING id`

const insertOutcomesSQL = `INSERT INTO setting_outcome (rule_id, result, profile_id) VALUES `

// profileOf returns the row of setting_profile with these outcomes, writing it if it is new; 0 for no outcomes.
func profileOf(ctx context.Context, w *sqldb.Changes, outcomes []settingOutcome) (id int64, err error) {
	if len(outcomes) == 0 {
		return 0, nil
	}
	outcomes = slices.SortedFunc(slices.Values(outcomes), func(a, b settingOutcome) int { return int(a.ruleID - b.ruleID) })
	var text []byte
	for _, o := range outcomes {
		text = append(strconv.AppendInt(text, o.ruleID, 10), o.result[0])
	}
	err = w.QueryRow(ctx, selectProfileSQL, string(text)).Scan(&id)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	if err := w.QueryRow(ctx, insertProfileSQL, string(text)).Scan(&id); err != nil {
		return 0, err
	}
	var args []any
	for _, o := range outcomes {
		args = append(args, o.ruleID, o.result, id)
	}
	return id, w.Insert(ctx, insertOutcomesSQL, "(?, ?, ?)", "", args)
}

// ProfileOutcomes reads what profileOf writes: it calls f with each rule and its result.
func ProfileOutcomes(outcomes string, f func(rule int64, result plimsoll.SettingResult)) {
	var rule int64
	for i := range len(outcomes) {
		switch c := outcomes[i]; c {
		case 'f':
			f(rule, plimsoll.SettingFailed)
		case 'n':
			f(rule, plimsoll.SettingNotLooked)
		case 'p':
			f(rule, plimsoll.SettingPass)
		default:
			rule = rule*10 + int64(c-'0')
			continue
		}
		rule = 0
	}
}

// weakAccount is a row of artifact_weak_account.
type weakAccount struct {
	name     string
	rule     int64
	password string
}

const selectWeakAccountsSQL = `SELECT account, rule_id, password FROM artifact_weak_account WHERE artifact_id = ? ORDER BY position`

const deleteWeakAccountsSQL = `DELETE FROM artifact_weak_account WHERE artifact_id = ?`

const insertWeakAccountsSQL = `INSERT INTO artifact_weak_account (artifact_id, project_id, enterprise_project_id, position, account, rule_id, password)
	SELECT id, project_id, enterprise_project_id, CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS TEXT) FROM artifact WHERE id = ?`

// saveWeakAccounts rewrites the accounts with guessed passwords if they differ, and counts them.
// Two rules, or two databases, may name one account: the first does.
func saveWeakAccounts(ctx context.Context, w *sqldb.Changes, artifact int64, outcomes []settingOutcome) (int, error) {
	var want []weakAccount
	for _, o := range outcomes {
		if o.passwords == NoPasswords {
			continue
		}
		var list []plimsoll.WeakPassword
		if err := json.Unmarshal([]byte(o.passwords), &list); err != nil {
			return 0, err
		}
		for _, p := range list {
			if !slices.ContainsFunc(want, func(a weakAccount) bool { return a.name == p.User }) {
				want = append(want, weakAccount{p.User, o.ruleID, sqldb.EncodeJSON(p)})
			}
		}
	}
	rows, err := w.Query(ctx, selectWeakAccountsSQL, artifact)
	have, err := sqldb.Collect(rows, err, func(rows *sql.Rows) (a weakAccount, err error) { return a, rows.Scan(&a.name, &a.rule, &a.password) })
	if err != nil || slices.Equal(have, want) {
		return len(want), err
	}
	if err := w.Change(ctx, deleteWeakAccountsSQL, artifact); err != nil {
		return 0, err
	}
	for i, a := range want {
		err := w.Change(ctx, insertWeakAccountsSQL,
			i, a.name, a.rule, a.password, artifact)
		if err != nil {
			return 0, err
		}
	}
	return len(want), nil
}

// NoPasswords is the stored form of an empty list of weak passwords.
const NoPasswords = `[]`
