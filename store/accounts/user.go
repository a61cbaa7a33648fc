package accounts

import (
	"context"
	"database/sql"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// AddUser stores a user with grants; Conflict if its id, or its name in the domain,
// is taken, NotFound if the domain or a granted project does not exist.
func (s *Store) AddUser(ctx context.Context, u plimsoll.User) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error { return addUser(ctx, tx, u) })
}

const insertUserSQL = `INSERT INTO "user" (id, domain_id, name, password_hash, disabled, created_at)
	SELECT ?, id, ?, ?, ?, ? FROM domain WHERE id = ?`

func addUser(ctx context.Context, tx *sqldb.Tx, u plimsoll.User) error {
	n, err := sqldb.Affected(tx.Exec(ctx, insertUserSQL, u.ID, u.Name, u.PasswordHash, sqldb.BoolInt(u.Disabled), sqldb.Millis(u.CreatedAt), u.DomainID))
	if err != nil {
		return tx.OrConflict(err, "a user named %q exists", u.Name)
	}
	if n == 0 {
		return plimsoll.Errorf(plimsoll.NotFound, "no such domain")
	}
	return addGrants(ctx, tx, u.ID, u.Grants)
}

const insertUserGrantSQL = `INSERT INTO user_grant (user_id, project_id, enterprise_project_id, role)
	SELECT u.id, p.id, ?, ?
	FROM "user" u JOIN project p ON p.domain_id = u.domain_id
	WHERE u.id = ? AND p.id = ? AND (? = '' OR EXISTS (
		SELECT 1 FROM enterprise_project e WHERE e.domain_id = u.domain_id AND e.id = ?))`

// addGrants gives a user grants in projects of the user's own domain.
func addGrants(ctx context.Context, tx *sqldb.Tx, userID string, grants []plimsoll.Grant) error {
	for _, g := range grants {
		n, err := sqldb.Affected(tx.Exec(ctx, insertUserGrantSQL, g.EnterpriseProject, string(g.Role), userID, g.ProjectID, g.EnterpriseProject, g.EnterpriseProject))
		if err != nil {
			return tx.OrConflict(err, "two grants for the same project and enterprise project")
		}
		if n == 0 {
			return plimsoll.Errorf(plimsoll.NotFound, "no such project or enterprise project to grant a role in")
		}
	}
	return nil
}

// selectUsersSQL reads users with their grants, one row a grant; whereUser parts follow it.
const selectUsersSQL = `SELECT u.id, u.domain_id, u.name, u.password_hash, u.disabled, u.created_at,
		COALESCE(g.project_id, ''), COALESCE(g.enterprise_project_id, ''), COALESCE(g.role, '')
	FROM "user" u LEFT JOIN user_grant g ON g.user_id = u.id `

const orderUsersSQL = ` ORDER BY u.name, u.id, g.project_id, g.enterprise_project_id`

const selectUserByIDSQL = selectUsersSQL + `WHERE u.id = ?` + orderUsersSQL

// User returns a user with grants by id; NotFound if there is none.
func (s *Store) User(ctx context.Context, id string) (plimsoll.User, error) {
	return s.user(ctx, selectUserByIDSQL, id)
}

const selectUserByNameSQL = selectUsersSQL + `WHERE u.name = ? AND u.domain_id = (
	SELECT id FROM domain WHERE id = ? OR name = ? ORDER BY id = ? DESC LIMIT 1)` + orderUsersSQL

// UserByName returns a user with grants by name; domain is the id or the name of the user's. NotFound if there is none.
func (s *Store) UserByName(ctx context.Context, domain, name string) (plimsoll.User, error) {
	return s.user(ctx, selectUserByNameSQL, name, domain, domain, domain)
}

func (s *Store) user(ctx context.Context, query string, args ...any) (u plimsoll.User, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		u, err = oneUser(ctx, tx, query, args...)
		return err
	})
	return u, err
}

func oneUser(ctx context.Context, tx *sqldb.Tx, query string, args ...any) (plimsoll.User, error) {
	users, err := manyUsers(ctx, tx, query, args...)
	if err == nil && len(users) == 0 {
		err = plimsoll.Errorf(plimsoll.NotFound, "no such user")
	}
	if err != nil {
		return plimsoll.User{}, err
	}
	return users[0], nil
}

// Users returns a domain's users with grants, by name.
func (s *Store) Users(ctx context.Context, domainID string) (users []plimsoll.User, err error) {
	const q = selectUsersSQL + `WHERE u.domain_id = ?` + orderUsersSQL
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		users, err = manyUsers(ctx, tx, q, domainID)
		return err
	})
	return users, err
}

func manyUsers(ctx context.Context, tx *sqldb.Tx, query string, args ...any) ([]plimsoll.User, error) {
	var users []plimsoll.User
	rows, err := tx.Query(ctx, query, args...)
	_, err = sqldb.Collect(rows, err, func(r *sql.Rows) (struct{}, error) {
		var u plimsoll.User
		var g plimsoll.Grant
		var disabled, created int64
		err := r.Scan(&u.ID, &u.DomainID, &u.Name, &u.PasswordHash, &disabled, &created,
			&g.ProjectID, &g.EnterpriseProject, &g.Role)
		u.Disabled, u.CreatedAt = disabled != 0, sqldb.FromMillis(created)
		if n := len(users); n == 0 || users[n-1].ID != u.ID {
			users = append(users, u)
		}
		if g.ProjectID != "" {
			last := &users[len(users)-1]
			last.Grants = append(last.Grants, g)
		}
		return struct{}{}, err
	})
	return users, err
}

const selectPrincipalDomainSQL = `SELECT id, name FROM domain WHERE id = ?`

// Principal returns a user as the caller in a project: with domain, project
// and the grants in that project. An empty projectID leaves project and grants
// empty; User.Grants are always all of them. NotFound if the user or the project does not exist.
func (s *Store) Principal(ctx context.Context, userID, projectID string) (p plimsoll.Principal, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		if p.User, err = oneUser(ctx, tx, selectUserByIDSQL, userID); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, selectPrincipalDomainSQL, p.User.DomainID).Scan(&p.Domain.ID, &p.Domain.Name); err != nil {
			return err
		}
		if projectID == "" {
			return nil
		}
		p.Project, err = scanProject(tx.QueryRow(ctx, selectProjectByIDSQL, projectID))
		return sqldb.OrNotFound(err, "project")
	})
	if err != nil {
		return plimsoll.Principal{}, err
	}
	for _, g := range p.User.Grants {
		if g.ProjectID == projectID {
			p.Grants = append(p.Grants, g)
		}
	}
	return p, nil
}

const deleteUserSQL = `DELETE FROM "user" WHERE id = ?`

// RemoveUser removes a user with grants, keys and tokens; NotFound if there is none.
func (s *Store) RemoveUser(ctx context.Context, id string) error {
	return s.changeUser(ctx, func(tx *sqldb.Tx) (sql.Result, error) {
		return tx.Exec(ctx, deleteUserSQL, id)
	})
}

const updatePasswordSQL = `UPDATE "user" SET password_hash = ? WHERE id = ?`

// SetPassword stores a new password hash and revokes the user's tokens; NotFound if there is no such user.
func (s *Store) SetPassword(ctx context.Context, userID, hash string) error {
	return s.changeUser(ctx, func(tx *sqldb.Tx) (sql.Result, error) {
		if err := removeTokens(ctx, tx, userID); err != nil {
			return nil, err
		}
		return tx.Exec(ctx, updatePasswordSQL, hash, userID)
	})
}

const updateDisabledSQL = `UPDATE "user" SET disabled = ? WHERE id = ?`

// SetDisabled locks a user out, which also revokes the user's tokens, or lets the
// user in again; NotFound if there is no such user.
func (s *Store) SetDisabled(ctx context.Context, userID string, disabled bool) error {
	return s.changeUser(ctx, func(tx *sqldb.Tx) (sql.Result, error) {
		if disabled {
			if err := removeTokens(ctx, tx, userID); err != nil {
				return nil, err
			}
		}
		return tx.Exec(ctx, updateDisabledSQL, sqldb.BoolInt(disabled), userID)
	})
}

const selectUserExistsSQL = `SELECT id FROM "user" WHERE id = ?`

const deleteGrantsSQL = `DELETE FROM user_grant WHERE user_id = ?`

// SetGrants replaces a user's grants; they apply from the next request on. NotFound
// if the user, a project or an enterprise project does not exist.
func (s *Store) SetGrants(ctx context.Context, userID string, grants []plimsoll.Grant) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		var id string
		err := tx.QueryRow(ctx, selectUserExistsSQL, userID).Scan(&id)
		if err != nil {
			return sqldb.OrNotFound(err, "user")
		}
		if _, err := tx.Exec(ctx, deleteGrantsSQL, userID); err != nil {
			return err
		}
		return addGrants(ctx, tx, userID, grants)
	})
}

// changeUser runs a change of one user's row; touching none is NotFound.
func (s *Store) changeUser(ctx context.Context, change func(*sqldb.Tx) (sql.Result, error)) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := sqldb.Affected(change(tx))
		if err == nil && n == 0 {
			return plimsoll.Errorf(plimsoll.NotFound, "no such user")
		}
		return err
	})
}
