package images

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"plimsoll"
	"plimsoll/store/artifacts"
	"plimsoll/store/backlog"
	"plimsoll/store/sqldb"
)

const insertRegistrySQL = `
INSERT INTO registry (project_id, enterprise_project_id, name, url, kind, origin, username, sealed_secret,
    auth_hosts, repositories, scan_on_sync, shared_bytes, instance_id, instance_name, instance_url, owner,
    share_expires_at, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`

// AddRegistry stores a registry and sets its id and time of creation. An absent
// enterprise project is the default one. A name that the project has already is a Conflict.
func (s *Store) AddRegistry(ctx context.Context, r *plimsoll.Registry) error {
	if r.EnterpriseProject == "" {
		r.EnterpriseProject = plimsoll.DefaultEnterpriseProject
	}
	var repositories any
	if r.Repositories != nil {
		repositories = sqldb.EncodeJSON(r.Repositories)
	}
	hosts := "[]"
	if r.AuthHosts != nil {
		hosts = sqldb.EncodeJSON(r.AuthHosts)
	}
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		now := tx.Now()
		var id int64
		err := tx.QueryRow(ctx, insertRegistrySQL, r.ProjectID, r.EnterpriseProject, r.Name, r.URL, r.Kind,
			r.Kind.Origin(), r.Username, r.SealedSecret, hosts, repositories, sqldb.BoolInt(r.ScanOnSync), sqldb.BoolInt(r.SharedBytes),
			r.InstanceID, r.InstanceName, r.InstanceURL, r.Owner, sqldb.Millis(r.ShareExpires), now).Scan(&id)
		if tx.IsUniqueViolation(err) {
			return plimsoll.Errorf(plimsoll.Conflict, "a registry named %q exists already", r.Name).
				WithHint("choose another name, or remove that registry first")
		}
		r.ID, r.CreatedAt = id, sqldb.FromMillis(now)
		return err
	})
}

const updateSecretSQL = `UPDATE registry SET sealed_secret = ? WHERE id = ?`

// SealRegistry stores the sealed secret of a registry, after AddRegistry: sealing needs the id.
func (s *Store) SealRegistry(ctx context.Context, id int64, sealed []byte) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		res, err := tx.Exec(ctx, updateSecretSQL, sealed, id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, noRegistryError())
		}
		return nil
	})
}

// A stopped sync has no outcome for the registry. The first condition on the state is the
// same text as that of the index.
const selectRegistrySQL = `
SELECT r.id, r.project_id, r.enterprise_project_id, r.name, r.url, r.kind, r.username, r.sealed_secret,
    r.auth_hosts, r.repositories, r.scan_on_sync, r.shared_bytes, r.instance_id, r.instance_name, r.instance_url,
    r.owner, r.share_expires_at, r.created_at, b.finished_at, b.failure, b.failure_detail
FROM registry r
LEFT JOIN backlog b ON b.id = (
    SELECT last.id FROM backlog last
    WHERE last.kind = 'sync' AND last.registry_id = r.id
      AND last.state IN ('done', 'failed', 'stopped') AND last.state <> 'stopped'
    ORDER BY last.finished_at DESC, last.id DESC LIMIT 1)
WHERE r.project_id = ?`

const selectRegistryByIDSQL = selectRegistrySQL + ` AND r.id = ?`

// Registry returns one registry of a project.
func (s *Store) Registry(ctx context.Context, projectID string, id int64) (plimsoll.Registry, error) {
	return s.registry(ctx, selectRegistryByIDSQL, projectID, id)
}

const selectRegistryByNameSQL = selectRegistrySQL + ` AND r.name = ?`

// RegistryByName returns the registry of a project that has the name.
func (s *Store) RegistryByName(ctx context.Context, projectID, name string) (plimsoll.Registry, error) {
	return s.registry(ctx, selectRegistryByNameSQL, projectID, name)
}

func (s *Store) registry(ctx context.Context, query string, args ...any) (plimsoll.Registry, error) {
	var out []plimsoll.Registry
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(ctx, query, args...)
		out, err = sqldb.Collect(rows, err, scanRegistry)
		return err
	})
	if err == nil && len(out) == 0 {
		return plimsoll.Registry{}, noRegistryError()
	}
	if err != nil {
		return plimsoll.Registry{}, err
	}
	return out[0], nil
}

// Registries returns the registries of a project by name, limited to enterprise projects unless nil.
func (s *Store) Registries(ctx context.Context, projectID string, enterpriseProjects []string) ([]plimsoll.Registry, error) {
	query, args := selectRegistrySQL, []any{projectID}
	if enterpriseProjects != nil {
		query += ` AND r.enterprise_project_id IN (` + sqldb.Marks(len(enterpriseProjects)) + `)`
		args = append(args, sqldb.Args(enterpriseProjects)...)
	}
	var out []plimsoll.Registry
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(ctx, query+` ORDER BY r.name`, args...)
		out, err = sqldb.Collect(rows, err, scanRegistry)
		return err
	})
	return out, err
}

func scanRegistry(rows *sql.Rows) (plimsoll.Registry, error) {
	var r plimsoll.Registry
	var hosts string
	var repositories, failure, detail sql.NullString
	var expires, created int64
	var synced sql.NullInt64
	err := rows.Scan(&r.ID, &r.ProjectID, &r.EnterpriseProject, &r.Name, &r.URL, &r.Kind, &r.Username, &r.SealedSecret,
		&hosts, &repositories, &r.ScanOnSync, &r.SharedBytes, &r.InstanceID, &r.InstanceName, &r.InstanceURL,
		&r.Owner, &expires, &created, &synced, &failure, &detail)
	if err != nil {
		return r, err
	}
	r.ShareExpires, r.CreatedAt = sqldb.FromMillis(expires), sqldb.FromMillis(created)
	if synced.Valid {
		r.LastSync = &plimsoll.SyncOutcome{
			At: sqldb.FromMillis(synced.Int64), Failure: plimsoll.FailureCode(failure.String), Detail: detail.String,
		}
	}
	if hosts != "[]" {
		if err := json.Unmarshal([]byte(hosts), &r.AuthHosts); err != nil {
			return r, err
		}
	}
	if repositories.Valid {
		err = json.Unmarshal([]byte(repositories.String), &r.Repositories)
	}
	return r, err
}

const selectRegistryTenantSQL = `SELECT enterprise_project_id FROM registry WHERE project_id = ? AND id = ?`

const deleteRegistrySQL = `DELETE FROM registry WHERE id = ?`

// RemoveRegistry deletes a registry with its images and every artifact that nothing
// refers to any more, and stops the open work on it.
func (s *Store) RemoveRegistry(ctx context.Context, projectID string, id int64) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		var enterprise string
		err := tx.QueryRow(ctx, selectRegistryTenantSQL,
			projectID, id).Scan(&enterprise)
		if errors.Is(err, sql.ErrNoRows) {
			return noRegistryError()
		}
		if err != nil {
			return err
		}
		tenant := plimsoll.Tenant{ProjectID: projectID, EnterpriseProject: enterprise}
		orphans, digests, err := deleteImages(ctx, tx, projectID, id)
		if err != nil {
			return err
		}
		if err := RefreshSecretHolders(ctx, sqldb.NewChanges(tx), orphans); err != nil {
			return err
		}
		if err := backlog.RedirectScans(ctx, tx, tenant, id, digests); err != nil {
			return err
		}
		if err := backlog.StopRegistryWork(ctx, tx, tenant, id); err != nil {
			return err
		}
		if err := artifacts.DeleteUnreferenced(ctx, tx, tenant, orphans); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, deleteRegistrySQL, id)
		return err
	})
}

func noRegistryError() error { return plimsoll.Errorf(plimsoll.NotFound, "no such registry") }
