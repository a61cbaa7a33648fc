package accounts

import (
	"context"
	"database/sql"

	"plimsoll"
	"plimsoll/store/sqldb"
)

const insertFirstDomainSQL = `INSERT INTO domain (id, name) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM domain)`

// Bootstrap stores the first domain, project, enterprise project and user with
// grants, all or nothing, if the database has no domain yet; created reports whether it had none.
func (s *Store) Bootstrap(ctx context.Context, d plimsoll.Domain, p plimsoll.Project, ep plimsoll.EnterpriseProject, u plimsoll.User) (created bool, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := sqldb.Affected(tx.Exec(ctx, insertFirstDomainSQL, d.ID, d.Name))
		if err != nil || n == 0 {
			return err
		}
		created = true
		if err := addProject(ctx, tx, p); err != nil {
			return err
		}
		if err := addEnterpriseProject(ctx, tx, ep); err != nil {
			return err
		}
		return addUser(ctx, tx, u)
	})
	return created && err == nil, err
}

const selectDomainSQL = `SELECT id, name FROM domain WHERE id = ? OR name = ? ORDER BY id = ? DESC LIMIT 1`

// Domain returns the domain of that id or, failing that, name; NotFound if there is none.
func (s *Store) Domain(ctx context.Context, idOrName string) (d plimsoll.Domain, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		err := tx.QueryRow(ctx, selectDomainSQL, idOrName, idOrName, idOrName).Scan(&d.ID, &d.Name)
		return sqldb.OrNotFound(err, "domain")
	})
	return d, err
}

const insertDomainSQL = `INSERT INTO domain (id, name) VALUES (?, ?) ON CONFLICT (name) DO NOTHING`

const selectDomainByNameSQL = `SELECT id, name FROM domain WHERE name = ?`

// EnsureDomain stores d unless a domain of that name is there, and returns the one that is.
func (s *Store) EnsureDomain(ctx context.Context, d plimsoll.Domain) (stored plimsoll.Domain, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, insertDomainSQL, d.ID, d.Name); err != nil {
			return tx.OrConflict(err, "a domain with this id exists")
		}
		return tx.QueryRow(ctx, selectDomainByNameSQL, d.Name).Scan(&stored.ID, &stored.Name)
	})
	return stored, err
}

// AddProject stores a project of an existing domain; Conflict if its id, or its name in the domain, is taken.
func (s *Store) AddProject(ctx context.Context, p plimsoll.Project) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error { return addProject(ctx, tx, p) })
}

const insertProjectSQL = `INSERT INTO project (id, domain_id, name, created_at)
	SELECT ?, id, ?, ? FROM domain WHERE id = ?`

func addProject(ctx context.Context, tx *sqldb.Tx, p plimsoll.Project) error {
	n, err := sqldb.Affected(tx.Exec(ctx, insertProjectSQL, p.ID, p.Name, sqldb.Millis(p.CreatedAt), p.DomainID))
	if err != nil {
		return tx.OrConflict(err, "a project named %q exists", p.Name)
	}
	if n == 0 {
		return plimsoll.Errorf(plimsoll.NotFound, "no such domain")
	}
	return nil
}

const selectProjectSQL = `SELECT id, name, domain_id, created_at FROM project `

const selectProjectByIDSQL = selectProjectSQL + `WHERE id = ?`

// Project returns a project by id; NotFound if there is none.
func (s *Store) Project(ctx context.Context, id string) (plimsoll.Project, error) {
	return s.project(ctx, selectProjectByIDSQL, id)
}

const selectProjectByNameSQL = selectProjectSQL + `WHERE domain_id = ? AND name = ?`

// ProjectByName returns a domain's project by name; NotFound if there is none.
func (s *Store) ProjectByName(ctx context.Context, domainID, name string) (plimsoll.Project, error) {
	return s.project(ctx, selectProjectByNameSQL, domainID, name)
}

func (s *Store) project(ctx context.Context, query string, args ...any) (p plimsoll.Project, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		p, err = scanProject(tx.QueryRow(ctx, query, args...))
		return sqldb.OrNotFound(err, "project")
	})
	return p, err
}

const selectProjectsSQL = selectProjectSQL + `WHERE domain_id = ? ORDER BY name`

// Projects returns a domain's projects by name.
func (s *Store) Projects(ctx context.Context, domainID string) (projects []plimsoll.Project, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(ctx, selectProjectsSQL, domainID)
		projects, err = sqldb.Collect(rows, err, func(r *sql.Rows) (plimsoll.Project, error) { return scanProject(r) })
		return err
	})
	return projects, err
}

func scanProject(row sqldb.Scanner) (p plimsoll.Project, err error) {
	var created int64
	err = row.Scan(&p.ID, &p.Name, &p.DomainID, &created)
	p.CreatedAt = sqldb.FromMillis(created)
	return p, err
}

// AddEnterpriseProject stores an enterprise project of an existing domain; Conflict if its id is taken there.
func (s *Store) AddEnterpriseProject(ctx context.Context, ep plimsoll.EnterpriseProject) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error { return addEnterpriseProject(ctx, tx, ep) })
}

const insertEnterpriseProjectSQL = `INSERT INTO enterprise_project (domain_id, id, name, created_at)
	SELECT id, ?, ?, ? FROM domain WHERE id = ?`

func addEnterpriseProject(ctx context.Context, tx *sqldb.Tx, ep plimsoll.EnterpriseProject) error {
	n, err := sqldb.Affected(tx.Exec(ctx, insertEnterpriseProjectSQL, ep.ID, ep.Name, sqldb.Millis(ep.CreatedAt), ep.DomainID))
	if err != nil {
		return tx.OrConflict(err, "enterprise project %q exists", ep.ID)
	}
	if n == 0 {
		return plimsoll.Errorf(plimsoll.NotFound, "no such domain")
	}
	return nil
}

const selectEnterpriseProjectsSQL = `SELECT id, name, domain_id, created_at FROM enterprise_project WHERE domain_id = ? ORDER BY id`

// EnterpriseProjects returns a domain's enterprise projects by id.
func (s *Store) EnterpriseProjects(ctx context.Context, domainID string) (eps []plimsoll.EnterpriseProject, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(ctx, selectEnterpriseProjectsSQL, domainID)
		eps, err = sqldb.Collect(rows, err, func(r *sql.Rows) (ep plimsoll.EnterpriseProject, err error) {
			var created int64
			err = r.Scan(&ep.ID, &ep.Name, &ep.DomainID, &created)
			ep.CreatedAt = sqldb.FromMillis(created)
			return ep, err
		})
		return err
	})
	return eps, err
}
