package findings

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"plimsoll"
	"plimsoll/store/artifacts"
	"plimsoll/store/images"
	"plimsoll/store/sqldb"
)

// Secrets returns a page of the secrets of the images of a project that a profile does not leave out, once however many
// tags lead to an artifact: the artifacts that were inspected last first, then by path, layer, rule and line.
//
// Which secrets a profile leaves out, and how many each artifact has beside, is stored. The first list after a
// change of the profile judges all secrets of the project again and costs as much as they are many.
func (s *Store) Secrets(ctx context.Context, f plimsoll.SecretFilter) (plimsoll.Page[plimsoll.FoundSecret], error) {
	page := plimsoll.Page[plimsoll.FoundSecret]{Items: []plimsoll.FoundSecret{}}
	if f.Limit == 0 {
		f.Limit = plimsoll.MaxLimit
	}
	if f.ProjectID == "" || f.Offset < 0 || f.Offset > plimsoll.MaxOffset || f.Limit < 0 || f.Limit > plimsoll.MaxLimit {
		return page, plimsoll.Errorf(plimsoll.Invalid, "a list of secrets needs a project, and an offset and a limit in range")
	}
	want := sqldb.EncodeJSON(f.Profile)
	for {
		current := false
		err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
			have, err := profileText(ctx, tx, f.ProjectID)
			if err != nil || have != want {
				return err
			}
			current = true
			page, err = pageOfSecrets(ctx, tx, f)
			return err
		})
		if err != nil || current {
			return page, err
		}
		if err := s.useProfile(ctx, f.ProjectID, f.Profile); err != nil {
			return page, err
		}
	}
}

// listedArtifact is an artifact with secrets on a page.
type listedArtifact struct {
	id, scannedAt int64
	skip, take    int
}

func pageOfSecrets(ctx context.Context, tx *sqldb.Tx, f plimsoll.SecretFilter) (page plimsoll.Page[plimsoll.FoundSecret], err error) {
	page.Items = []plimsoll.FoundSecret{}
	counting, paging, args := secretStatements(f)
	if err := tx.QueryRow(ctx, counting, args...).Scan(&page.Total); err != nil || f.Offset >= page.Total {
		return page, err
	}
	left := f.Limit
	rows, err := tx.Query(ctx, paging, append(args, f.Offset, f.Limit)...)
	listed, err := sqldb.Collect(rows, err, func(rows *sql.Rows) (a listedArtifact, err error) {
		var n, before int
		err = rows.Scan(&a.id, &a.scannedAt, &n, &before)
		a.skip = max(0, f.Offset-before)
		a.take = min(n-a.skip, left)
		left -= a.take
		return a, err
	})
	if err != nil {
		return page, err
	}
	found, err := secretsOfArtifacts(ctx, tx, listed)
	for _, a := range listed {
		secrets := found[a.id]
		page.Items = append(page.Items, secrets[min(a.skip, len(secrets)):min(a.skip+a.take, len(secrets))]...)
	}
	return page, err
}

// secretStatements returns the total from kept sums, and the artifacts of a page from an index in their order.
func secretStatements(f plimsoll.SecretFilter) (counting, paging string, args []any) {
	c := new(sqldb.Clauses)
	c.And("h.project_id = ? AND h.local = ?", f.ProjectID, sqldb.BoolInt(f.Local))
	if f.EnterpriseProjects != nil {
		sqldb.In(c, "h.enterprise_project_id", f.EnterpriseProjects)
	}
	counting = `SELECT COALESCE(SUM(h.secrets), 0) FROM secret_total h WHERE ` + c.SQL()
	paging = `WITH placed AS (SELECT h.artifact_id, h.scanned_at, h.secrets,
			SUM(h.secrets) OVER (ORDER BY h.scanned_at DESC, h.artifact_id DESC ROWS UNBOUNDED PRECEDING) AS upto
			FROM secret_holder h WHERE ` + c.SQL() + `)
		SELECT artifact_id, scanned_at, secrets, upto - secrets FROM placed WHERE upto > ? LIMIT ?`
	return counting, paging, slices.Clip(c.Args)
}

const selectListedSecretsSQL = `SELECT ` + foundSecretColumnsSQL + `, s.artifact_id FROM artifact_secret s` + joinSecretDecisionSQL + `
	WHERE s.left_out = 0 AND s.artifact_id IN (:keys) ORDER BY s.artifact_id, s.path, s.layer, s.rule, s.line`

func secretsOfArtifacts(ctx context.Context, tx *sqldb.Tx, listed []listedArtifact) (map[int64][]plimsoll.FoundSecret, error) {
	ids, scanned := make([]int64, len(listed)), map[int64]int64{}
	for i, a := range listed {
		ids[i], scanned[a.id] = a.id, a.scannedAt
	}
	found := map[int64][]plimsoll.FoundSecret{}
	return found, sqldb.QueryChunks(ctx, tx, selectListedSecretsSQL, nil, ids, func(rows *sql.Rows) error {
		var artifact int64
		secret, err := scanFound(rows, &artifact)
		secret.ScannedAt = scanned[artifact]
		found[artifact] = append(found[artifact], secret)
		return err
	})
}

const selectProfileTextSQL = `SELECT profile FROM secret_profile WHERE project_id = ?`

// profileText returns the stored form of the profile that a project was last listed with; "" for none.
func profileText(ctx context.Context, tx *sqldb.Tx, projectID string) (text string, err error) {
	err = tx.QueryRow(ctx, selectProfileTextSQL, projectID).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return text, err
}

// storedProfile is the profile that a project was last listed with; without one nothing is left out.
func storedProfile(ctx context.Context, tx *sqldb.Tx, projectID string) (p plimsoll.SecretProfile, err error) {
	text, err := profileText(ctx, tx, projectID)
	if err != nil || text == "" {
		return p, err
	}
	return p, json.Unmarshal([]byte(text), &p)
}

const upsertSecretProfileSQL = `INSERT INTO secret_profile (project_id, profile) VALUES (?, ?)
	ON CONFLICT (project_id) DO UPDATE SET profile = excluded.profile`

// useProfile stores a profile and judges every secret of the project by it.
func (s *Store) useProfile(ctx context.Context, projectID string, p plimsoll.SecretProfile) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		w := sqldb.NewChanges(tx)
		err := w.Change(ctx, upsertSecretProfileSQL, projectID, sqldb.EncodeJSON(p))
		if err != nil {
			return err
		}
		changed, err := judgeSecrets(ctx, w, projectID, p)
		if err != nil {
			return err
		}
		if err := artifacts.RecountSecrets(ctx, w, changed); err != nil {
			return err
		}
		return images.RefreshSecretHolders(ctx, w, changed)
	})
}

// fileOfSecret is what a profile looks at.
type fileOfSecret struct {
	path  string
	size  int64
	owned plimsoll.Ownership
}

const selectSecretFilesSQL = `SELECT DISTINCT path, size, owned FROM artifact_secret WHERE project_id = ?`

const updateLeftOutSQL = `UPDATE artifact_secret SET left_out = ? WHERE project_id = ? AND path = ? AND size = ? AND owned = ? AND left_out <> ?
	RETURNING artifact_id`

// judgeSecrets rewrites which secrets are left out, file by file, and returns the artifacts of those that changed.
func judgeSecrets(ctx context.Context, w *sqldb.Changes, projectID string, p plimsoll.SecretProfile) ([]int64, error) {
	rows, err := w.Query(ctx, selectSecretFilesSQL, projectID)
	files, err := sqldb.Collect(rows, err, func(rows *sql.Rows) (f fileOfSecret, err error) { return f, rows.Scan(&f.path, &f.size, &f.owned) })
	if err != nil {
		return nil, err
	}
	var changed []int64
	for _, f := range files {
		leftOut := sqldb.BoolInt(p.Excludes(plimsoll.Secret{Path: f.path, Size: f.size, Owned: f.owned}))
		rows, err := w.Query(ctx, updateLeftOutSQL, leftOut, projectID, f.path, f.size, f.owned, leftOut)
		ids, err := sqldb.Collect(rows, err, sqldb.ScanID)
		if err != nil {
			return nil, err
		}
		changed = append(changed, ids...)
	}
	slices.Sort(changed)
	return slices.Compact(changed), nil
}
