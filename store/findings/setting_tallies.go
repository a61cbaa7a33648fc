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

// RuleTallies returns how rules fared over the images of a filter, by check and rule; rules
// that apply to none of them, or were not checked yet, are left out. Texts are the newest.
//
// Images are counted by profile, the combination of results that they have: over whole registries
// by kept sums, so that it costs a row per registry and distinct combination, else a row per image of the filter.
func (s *Store) RuleTallies(ctx context.Context, f plimsoll.ImageFilter) ([]plimsoll.RuleTally, error) {
	rules := map[string]plimsoll.RuleTally{}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		profiles, err := images.Profiles(ctx, tx, f)
		if err != nil {
			return err
		}
		byID, err := tallyProfiles(ctx, tx, profiles)
		if err != nil {
			return err
		}
		abouts, err := aboutRules(ctx, tx, slices.Sorted(maps.Keys(byID)))
		if err != nil {
			return err
		}
		for _, id := range slices.Sorted(maps.Keys(byID)) {
			tally := byID[id]
			tally.Rule = abouts[id]
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

const selectTallyProfilesSQL = `SELECT id, outcomes FROM setting_profile WHERE id IN (:keys)`

// tallyProfiles adds up results by the row of the rule.
func tallyProfiles(ctx context.Context, tx *sqldb.Tx, profiles map[int64]images.ProfileCount) (map[int64]*plimsoll.RuleTally, error) {
	byID := map[int64]*plimsoll.RuleTally{}
	return byID, sqldb.QueryChunks(ctx, tx, selectTallyProfilesSQL, nil, slices.Collect(maps.Keys(profiles)), func(rows *sql.Rows) error {
		var id int64
		var outcomes string
		if err := rows.Scan(&id, &outcomes); err != nil {
			return err
		}
		count := profiles[id]
		scanned := sqldb.FromMillis(count.ScannedAt)
		artifacts.ProfileOutcomes(outcomes, func(rule int64, result plimsoll.SettingResult) {
			tally := byID[rule]
			if tally == nil {
				tally = new(plimsoll.RuleTally)
				byID[rule] = tally
			}
			if scanned.After(tally.Scanned) {
				tally.Scanned = scanned
			}
			switch result {
			case plimsoll.SettingFailed:
				tally.Failed += count.Images
			case plimsoll.SettingNotLooked:
				tally.NotLooked += count.Images
			default:
				tally.Passed += count.Images
			}
		})
		return nil
	})
}

const selectAboutRulesSQL = `SELECT id, about FROM setting_rule WHERE id IN (:keys)`

func aboutRules(ctx context.Context, tx *sqldb.Tx, ids []int64) (map[int64]plimsoll.Rule, error) {
	out := map[int64]plimsoll.Rule{}
	return out, sqldb.QueryChunks(ctx, tx, selectAboutRulesSQL, nil, ids, func(rows *sql.Rows) error {
		var id int64
		var about string
		if err := rows.Scan(&id, &about); err != nil {
			return err
		}
		var rule plimsoll.Rule
		err := json.Unmarshal([]byte(about), &rule)
		out[id] = rule
		return err
	})
}
