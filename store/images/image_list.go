package images

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// Images returns a page of the inventory, newest first, and how many images match;
// both from one state of the database. Past the end the page is empty.
func (s *Store) Images(ctx context.Context, f plimsoll.ImageFilter) (plimsoll.Page[plimsoll.Image], error) {
	var page plimsoll.Page[plimsoll.Image]
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		page, err = Page(ctx, tx, f)
		return err
	})
	if err != nil {
		return plimsoll.Page[plimsoll.Image]{}, err
	}
	return page, nil
}

// Page is Images in a transaction.
func Page(ctx context.Context, tx *sqldb.Tx, f plimsoll.ImageFilter) (plimsoll.Page[plimsoll.Image], error) {
	page := plimsoll.Page[plimsoll.Image]{Items: []plimsoll.Image{}}
	c, err := ImageClauses(f)
	if err != nil {
		return page, err
	}
	var after sqldb.Position
	if f.After != "" {
		if after, err = sqldb.ParsePosition(f.After); err != nil {
			return page, err
		}
	}
	err = tx.QueryRow(ctx, countSQL(f, c), c.Args...).Scan(&page.Total)
	if err != nil || f.Offset >= page.Total {
		return page, err
	}
	if c, err = pageClauses(f, page.Total); err != nil {
		return page, err
	}
	if f.After != "" {
		c.And("(i.updated_at, i.id) < (?, ?)", after.At, after.ID)
	}
	limit := limitOf(f)
	items, err := findImages(ctx, tx, c, limit+1, f.Offset)
	if err != nil || len(items) == 0 {
		return page, err
	}
	page.Items = items[:min(limit, len(items))]
	if last := page.Items[len(page.Items)-1]; len(items) > limit {
		page.Next = sqldb.Position{At: sqldb.Millis(last.UpdatedAt), ID: last.ID}.Cursor()
	}
	return page, nil
}

func limitOf(f plimsoll.ImageFilter) int {
	if f.Limit == 0 {
		return plimsoll.MaxLimit
	}
	return f.Limit
}

// manyImages is from how many images with a setting on a page is found by walking images in their
// order, of which then enough have it, rather than by sorting those that have it.
const manyImages = 2_000

// pageClauses are ImageClauses for a page of that many matches.
func pageClauses(f plimsoll.ImageFilter, matches int) (*sqldb.Clauses, error) {
	setting := f.Setting
	f.Setting = nil
	c, err := ImageClauses(f)
	switch {
	case err != nil || setting == nil:
	case *setting == plimsoll.SettingFilter{Kind: plimsoll.KindComplexity, Result: plimsoll.SettingFailed}:
		c.And("i.weak_policy = 1")
	case matches > manyImages:
		addSettingClauses(c, setting, "+i.profile")
	default:
		addSettingClauses(c, setting, "i.profile")
	}
	return c, err
}

// Image returns one image by record id. One in another project, or in an enterprise
// project that is not listed (nil lists all), is not found.
func (s *Store) Image(ctx context.Context, projectID string, enterpriseProjects []string, id int64) (plimsoll.Image, error) {
	c, err := ImageClauses(plimsoll.ImageFilter{ProjectID: projectID, EnterpriseProjects: enterpriseProjects, IDs: []int64{id}})
	if err != nil {
		return plimsoll.Image{}, err
	}
	return s.firstImage(ctx, c)
}

// FindImage returns the newest image that matches all that is given.
func (s *Store) FindImage(ctx context.Context, l plimsoll.ImageLookup) (plimsoll.Image, error) {
	c, err := lookupClauses(l)
	if err != nil {
		return plimsoll.Image{}, err
	}
	return s.firstImage(ctx, c)
}

func (s *Store) firstImage(ctx context.Context, c *sqldb.Clauses) (plimsoll.Image, error) {
	var found []plimsoll.Image
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		var err error
		found, err = findImages(ctx, tx, c, 1, 0)
		return err
	})
	if err == nil && len(found) == 0 {
		return plimsoll.Image{}, noImageError()
	}
	if err != nil {
		return plimsoll.Image{}, err
	}
	return found[0], nil
}

const newestFirstSQL = ` ORDER BY i.updated_at DESC, i.id DESC`

// countSQL counts by kept sums where there are some. Their columns have the names of those of images.
func countSQL(f plimsoll.ImageFilter, c *sqldb.Clauses) string {
	switch {
	case !ofWholeRegistries(f):
		return `SELECT COUNT(*) FROM image i WHERE ` + c.SQL()
	case f.Setting != nil:
		return `SELECT COALESCE(SUM(i.images), 0) FROM image_profile_total i WHERE ` + c.SQL()
	default:
		return `SELECT COALESCE(SUM(i.images), 0) FROM image_total i WHERE ` + c.SQL()
	}
}

const selectPageSQL = `
SELECT i.id, i.project_id, i.enterprise_project_id, i.registry_id, i.artifact_id, i.origin, i.repository, i.namespace, i.name,
    i.tag, i.digest, i.size, i.updated_at, i.first_seen_at, i.latest, i.unscannable, i.scan_state, i.failure, i.failure_detail,
    i.scanned_at, i.vulnerabilities, i.settings, i.malware,
    r.name, r.kind, r.instance_id, r.instance_name, r.instance_url, r.owner, r.share_expires_at, COALESCE(b.state, '')
FROM page
JOIN image i ON i.id = page.id
JOIN registry r ON r.id = i.registry_id
LEFT JOIN backlog b ON b.project_id = i.project_id AND b.enterprise_project_id = i.enterprise_project_id
    AND b.kind = 'scan' AND b.key = i.digest AND b.state IN ('pending', 'running')` + newestFirstSQL

// pageSQL first finds the page in an index, then reads whole rows, of the page only.
func pageSQL(c *sqldb.Clauses) string {
	return `WITH page AS (SELECT i.id FROM image i WHERE ` + c.SQL() + newestFirstSQL + ` LIMIT ? OFFSET ?)` + selectPageSQL
}

// findImages reads a page with the members of its indexes.
func findImages(ctx context.Context, tx *sqldb.Tx, c *sqldb.Clauses, limit, offset int) ([]plimsoll.Image, error) {
	artifacts := map[int64][]int{} // index of the page's rows by artifact
	var found []plimsoll.Image
	rows, err := tx.Query(ctx, pageSQL(c), append(c.Args[:len(c.Args):len(c.Args)], limit, offset)...)
	_, err = sqldb.Collect(rows, err, func(rows *sql.Rows) (struct{}, error) {
		i, artifact, err := scanImage(rows, tx.Now())
		artifacts[artifact] = append(artifacts[artifact], len(found))
		found = append(found, i)
		return struct{}{}, err
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found, addPlatforms(ctx, tx, found, artifacts)
}

func scanImage(rows *sql.Rows, now int64) (i plimsoll.Image, artifact int64, err error) {
	var updated, seen, scanned, expires int64
	var vulnerabilities, settings, malware sql.NullInt64
	var unit plimsoll.WorkState
	err = rows.Scan(&i.ID, &i.ProjectID, &i.EnterpriseProject, &i.RegistryID, &artifact, &i.Origin, &i.Repository, &i.Namespace, &i.Name,
		&i.Tag, &i.Digest, &i.Size, &updated, &seen, &i.Latest, &i.Unscannable, &i.State, &i.Failure, &i.Detail,
		&scanned, &vulnerabilities, &settings, &malware,
		&i.Source.Registry, &i.Source.Kind, &i.Source.InstanceID, &i.Source.InstanceName, &i.Source.InstanceURL,
		&i.Source.Owner, &expires, &unit)
	if err != nil {
		return i, 0, err
	}
	i.UpdatedAt, i.FirstSeen, i.ScannedAt = sqldb.FromMillis(updated), sqldb.FromMillis(seen), sqldb.FromMillis(scanned)
	i.Source.ShareExpires = sqldb.FromMillis(expires)
	if i.Unscannable == "" && expires != 0 && expires < now {
		i.Unscannable = plimsoll.ReasonShareExpired
	}
	if s := stateOfUnit(unit); s != "" {
		i.State, i.Failure, i.Detail = s, "", ""
	}
	if vulnerabilities.Valid || settings.Valid || malware.Valid {
		i.Counts = &plimsoll.Counts{
			Vulnerabilities: int(vulnerabilities.Int64), Settings: int(settings.Int64), Malware: int(malware.Int64),
		}
	}
	return i, artifact, nil
}

// stateOfUnit is the scan state that an open unit of work means, "" for none.
func stateOfUnit(s plimsoll.WorkState) plimsoll.ScanState {
	switch s {
	case plimsoll.WorkPending:
		return plimsoll.ScanPending
	case plimsoll.WorkRunning:
		return plimsoll.ScanRunning
	default:
		return ""
	}
}

const selectPlatformsSQL = `
SELECT k.artifact_id, k.digest, k.os, k.architecture, k.variant,
    CASE WHEN k.unscannable <> '' THEN k.unscannable ELSE COALESCE(m.unscannable, '') END,
    COALESCE(m.scan_state, 'none'), COALESCE(b.state, '')
FROM artifact_child k
LEFT JOIN artifact m ON m.project_id = k.project_id AND m.enterprise_project_id = k.enterprise_project_id AND m.digest = k.digest
LEFT JOIN backlog b ON b.project_id = k.project_id AND b.enterprise_project_id = k.enterprise_project_id
    AND b.kind = 'scan' AND b.key = k.digest AND b.state IN ('pending', 'running')
WHERE k.artifact_id IN (:keys) ORDER BY k.artifact_id, k.position`

// addPlatforms fills in the members of the indexes among images. While an index waits
// for its scan, or is scanned, so do those of its members that are not done.
func addPlatforms(ctx context.Context, tx *sqldb.Tx, images []plimsoll.Image, byArtifact map[int64][]int) error {
	artifacts := slices.Collect(maps.Keys(byArtifact))
	return sqldb.QueryChunks(ctx, tx, selectPlatformsSQL, nil, artifacts, func(rows *sql.Rows) error {
		var artifact int64
		var p plimsoll.ImagePlatform
		var unit plimsoll.WorkState
		err := rows.Scan(&artifact, &p.Digest, &p.Platform.OS, &p.Platform.Architecture, &p.Platform.Variant,
			&p.Unscannable, &p.State, &unit)
		for _, at := range byArtifact[artifact] {
			i := &images[at]
			shown := p
			switch s := stateOfUnit(unit); {
			case s != "":
				shown.State = s
			case p.State != plimsoll.ScanDone && p.Unscannable == "" && (i.State == plimsoll.ScanRunning || i.State == plimsoll.ScanPending):
				shown.State = i.State
			}
			i.Platforms = append(i.Platforms, shown)
		}
		return err
	})
}
