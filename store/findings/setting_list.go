package findings

import (
	"context"
	"database/sql"

	"plimsoll"
	"plimsoll/store/artifacts"
	"plimsoll/store/images"
	"plimsoll/store/sqldb"
)

const selectListedSettingsSQL = `SELECT i.id, r.about, s.rule_id, s.result, s.evidence, s.passwords
	FROM image i CROSS JOIN artifact_setting s CROSS JOIN setting_rule r
	WHERE s.artifact_id = i.artifact_id AND r.id = s.rule_id AND i.id IN (:keys)`

const selectMemberSettingsSQL = `SELECT i.id, r.about, s.rule_id, s.result, s.evidence, s.passwords
	FROM image i CROSS JOIN ` + artifacts.ScannedMembersSQL + ` CROSS JOIN artifact_setting s CROSS JOIN setting_rule r
	WHERE c.artifact_id = i.artifact_id AND s.artifact_id = a.id AND r.id = s.rule_id AND i.id IN (:keys)`

// SettingImages returns a page of the images of a filter that names a result of settings, the newest first, each
// with its settings of the kind and the rule that the filter names, whatever their result.
func (s *Store) SettingImages(ctx context.Context, f plimsoll.ImageFilter) (plimsoll.Page[plimsoll.ImageSettings], error) {
	page := plimsoll.Page[plimsoll.ImageSettings]{Items: []plimsoll.ImageSettings{}}
	if f.Setting == nil {
		return page, plimsoll.Errorf(plimsoll.Internal, "a list of images by their settings needs a result")
	}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		found, err := images.Page(ctx, tx, f)
		if err != nil {
			return err
		}
		page.Total = found.Total
		ids := make([]int64, len(found.Items))
		for i, img := range found.Items {
			ids[i] = img.ID
		}
		settings, err := settingsOfImages(ctx, tx, ids, *f.Setting)
		for _, img := range found.Items {
			page.Items = append(page.Items, plimsoll.ImageSettings{Image: img, Settings: worstSettings(settings[img.ID])})
		}
		return err
	})
	return page, err
}

// settingsOfImages returns settings of one kind or rule; of an index, those of its members in its order.
func settingsOfImages(ctx context.Context, tx *sqldb.Tx, ids []int64, f plimsoll.SettingFilter) (map[int64][]storedSetting, error) {
	c := new(sqldb.Clauses)
	c.Equal("r.kind", string(f.Kind))
	c.Equal("s.rule", f.Rule)
	only := ""
	if c.SQL() != "" {
		only = " AND " + c.SQL()
	}
	found := map[int64][]storedSetting{}
	for _, query := range [...]string{selectListedSettingsSQL + only, selectMemberSettingsSQL + only + ` ORDER BY c.position`} {
		err := sqldb.QueryChunks(ctx, tx, query, nil, ids, func(rows *sql.Rows) error {
			var image int64
			setting, err := scanSetting(rows, &image)
			found[image] = append(found[image], setting)
			return err
		}, c.Args...)
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}
