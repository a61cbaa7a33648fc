package images

import (
	"context"
	"database/sql"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// ProfileCount counts images with the same results of settings.
type ProfileCount struct {
	Images    int
	ScannedAt int64 // the newest inspection, in ms since 1970
}

// Profiles returns how many images of a filter have each profile of settings.
func Profiles(ctx context.Context, tx *sqldb.Tx, f plimsoll.ImageFilter) (map[int64]ProfileCount, error) {
	c, err := ImageClauses(f)
	if err != nil {
		return nil, err
	}
	out := map[int64]ProfileCount{}
	rows, err := tx.Query(ctx, profilesSQL(f, c), c.Args...)
	return out, sqldb.Each(rows, err, func(rows *sql.Rows) error {
		var profile int64
		var n ProfileCount
		err := rows.Scan(&profile, &n.Images, &n.ScannedAt)
		out[profile] = n
		return err
	})
}

// profilesSQL reads kept sums where there are some; an index finds the newest inspection of each.
func profilesSQL(f plimsoll.ImageFilter, c *sqldb.Clauses) string {
	if !ofWholeRegistries(f) {
		return `SELECT i.profile, COUNT(*), MAX(i.scanned_at) FROM image i WHERE i.profile > 0 AND ` + c.SQL() + ` GROUP BY i.profile`
	}
	return `SELECT profile, SUM(images), MAX(scanned_at) FROM (
			SELECT i.profile, i.images, (SELECT MAX(s.scanned_at) FROM image s WHERE s.registry_id = i.registry_id AND s.profile = i.profile) AS scanned_at
			FROM image_profile_total i WHERE ` + c.SQL() + `) t GROUP BY profile`
}
