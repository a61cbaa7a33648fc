package findings

import (
	"context"
	"database/sql"
	"encoding/json"

	"plimsoll"
	"plimsoll/store/images"
	"plimsoll/store/sqldb"
)

// weakAccountList is the list of accounts with guessed passwords; its images have the index image_weak.
// With an account there is no kept sum: the total looks up every image with a guessed password.
func weakAccountList(account string) images.RowList {
	list := images.RowList{Rows: `i.weak_accounts`, Where: `i.weak_accounts > 0`, Total: `weak_accounts`}
	if account != "" {
		list.Rows = `(SELECT COUNT(*) FROM artifact_weak_account w WHERE w.artifact_id = i.artifact_id AND w.account = ?)`
		list.Args, list.Total = []any{account}, ""
	}
	return list
}

const selectWeakAccountsSQL = `SELECT i.id, w.account, w.password, r.about FROM image i
	CROSS JOIN artifact_weak_account w CROSS JOIN setting_rule r
	WHERE w.artifact_id = i.artifact_id AND r.id = w.rule_id AND i.id IN (:keys) ORDER BY i.id, w.position`

// WeakAccounts returns a page of the accounts with guessed passwords in images of a filter: the newest images
// first, then by rule; an account of an image comes once. account limits to accounts of that name, "" does not.
func (s *Store) WeakAccounts(ctx context.Context, f plimsoll.ImageFilter, account string) (plimsoll.Page[plimsoll.WeakAccount], error) {
	page := plimsoll.Page[plimsoll.WeakAccount]{Items: []plimsoll.WeakAccount{}}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		listed, total, err := images.PageOfRows(ctx, tx, f, weakAccountList(account))
		if err != nil {
			return err
		}
		page.Total = total
		found := map[int64][]plimsoll.WeakAccount{}
		err = sqldb.QueryChunks(ctx, tx, selectWeakAccountsSQL, nil, images.ListedIDs(listed), func(rows *sql.Rows) error {
			var image int64
			var name, password, about string
			if err := rows.Scan(&image, &name, &password, &about); err != nil || account != "" && name != account {
				return err
			}
			var a plimsoll.WeakAccount
			var rule plimsoll.Rule
			if err := json.Unmarshal([]byte(password), &a.WeakPassword); err != nil {
				return err
			}
			err := json.Unmarshal([]byte(about), &rule)
			a.Advice = rule.Advice
			found[image] = append(found[image], a)
			return err
		})
		for _, img := range listed {
			accounts := found[img.ID]
			for _, a := range accounts[min(img.Skip, len(accounts)):min(img.Skip+img.Take, len(accounts))] {
				a.Image = img.Image
				page.Items = append(page.Items, a)
			}
		}
		return err
	})
	return page, err
}
