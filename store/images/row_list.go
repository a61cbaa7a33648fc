package images

import (
	"context"
	"database/sql"
	"slices"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// RowList is a list over all images that has several rows per image, and how it is counted.
type RowList struct {
	Rows  string // SQL of how many rows image i has
	Args  []any  // of Rows
	Where string // limits images to those that may have rows, word for word as their index does
	Total string // column of image_total with the sum of Rows; "" = none is kept
}

// ListedImage is an image with rows on a page.
type ListedImage struct {
	plimsoll.Image
	Skip int // rows of the image before the page
	Take int // rows of the image on the page
}

// PageOfRows returns the images whose rows make a page of a list, newest first, and how many rows match. The
// offset and limit of the filter count rows. Both statements read indexes only; where a sum is kept, the
// total costs a row per registry, and the page as many entries of the index as it is deep.
func PageOfRows(ctx context.Context, tx *sqldb.Tx, f plimsoll.ImageFilter, list RowList) (images []ListedImage, total int, err error) {
	counting, paging, err := rowStatements(f, list)
	if err != nil {
		return nil, 0, err
	}
	if err := tx.QueryRow(ctx, counting.SQL, counting.Args...).Scan(&total); err != nil || f.Offset >= total {
		return nil, total, err
	}
	rows, err := tx.Query(ctx, paging.SQL, paging.Args...)
	left := limitOf(f)
	images, err = sqldb.Collect(rows, err, func(rows *sql.Rows) (i ListedImage, err error) {
		var n, before int
		err = rows.Scan(&i.ID, &n, &before)
		i.Skip = max(0, f.Offset-before)
		i.Take = min(n-i.Skip, left)
		left -= i.Take
		return i, err
	})
	if err != nil {
		return nil, 0, err
	}
	images = slices.DeleteFunc(images, func(i ListedImage) bool { return i.Take == 0 })
	return images, total, readListed(ctx, tx, f.ProjectID, images)
}

// rowStatement is a statement with what is bound to it.
type rowStatement struct {
	SQL  string
	Args []any
}

// rowStatements returns the count and the page of a list. The window sums rows in the order of the index, and
// the first images beyond the offset are taken as they come.
func rowStatements(f plimsoll.ImageFilter, list RowList) (counting, paging rowStatement, err error) {
	c, err := ImageClauses(f)
	if err != nil {
		return counting, paging, err
	}
	if list.Total != "" && ofWholeRegistries(f) && f.Setting == nil {
		counting = rowStatement{`SELECT COALESCE(SUM(i.` + list.Total + `), 0) FROM image_total i WHERE ` + c.SQL(), c.Args}
	} else {
		counting = rowStatement{`SELECT COALESCE(SUM(` + list.Rows + `), 0) FROM image i WHERE ` + c.SQL() + ` AND ` + list.Where, slices.Concat(list.Args, c.Args)}
	}
	paging = rowStatement{`WITH counted (id, updated_at, n) AS (SELECT i.id, i.updated_at, ` + list.Rows + ` FROM image i
			WHERE ` + c.SQL() + ` AND ` + list.Where + `),
		placed (id, n, upto) AS (SELECT id, n, SUM(n) OVER (ORDER BY updated_at DESC, id DESC ROWS UNBOUNDED PRECEDING) FROM counted)
		SELECT id, n, upto - n FROM placed WHERE n > 0 AND upto > ? LIMIT ?`,
		slices.Concat(list.Args, c.Args, []any{f.Offset, limitOf(f)})}
	return counting, paging, nil
}

// readListed fills in the images of a page, which are at most plimsoll.MaxLimit.
func readListed(ctx context.Context, tx *sqldb.Tx, projectID string, images []ListedImage) error {
	if len(images) == 0 {
		return nil
	}
	f := plimsoll.ImageFilter{ProjectID: projectID}
	at := map[int64]*ListedImage{}
	for i := range images {
		f.IDs = append(f.IDs, images[i].ID)
		at[images[i].ID] = &images[i]
	}
	c, err := ImageClauses(f)
	if err != nil {
		return err
	}
	found, err := findImages(ctx, tx, c, len(images), 0)
	for _, img := range found {
		at[img.ID].Image = img
	}
	return err
}

// ListedIDs returns the ids of images.
func ListedIDs(images []ListedImage) []int64 {
	ids := make([]int64, len(images))
	for i, img := range images {
		ids[i] = img.ID
	}
	return ids
}
