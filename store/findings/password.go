package findings

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"plimsoll"
	"plimsoll/store/artifacts"
	"plimsoll/store/backlog"
	"plimsoll/store/sqldb"
)

const selectPasswordListSQL = `SELECT generation, sealed_words, changed_by, changed_at FROM password_list WHERE project_id = ?`

// PasswordList returns a project's own list of weak passwords; one of generation 0 if it has none.
func (s *Store) PasswordList(ctx context.Context, projectID string) (plimsoll.PasswordList, error) {
	l := plimsoll.PasswordList{ProjectID: projectID}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		var changed int64
		err := tx.QueryRow(ctx, selectPasswordListSQL,
			projectID).Scan(&l.Generation, &l.Sealed, &l.By, &changed)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		l.ChangedAt = sqldb.FromMillis(changed)
		return err
	})
	return l, err
}

const upsertPasswordListSQL = `INSERT INTO password_list (project_id, generation, sealed_words, changed_by, changed_at) VALUES (?, ?, ?, ?, ?)
	ON CONFLICT (project_id) DO UPDATE SET generation = excluded.generation, sealed_words = excluded.sealed_words,
	changed_by = excluded.changed_by, changed_at = excluded.changed_at`

// SetPasswordList stores a list that follows the one of the generation before, and puts the check
// of the project's images against it into the backlog. Conflict: another list was stored in between.
func (s *Store) SetPasswordList(ctx context.Context, l plimsoll.PasswordList) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		before, err := listGeneration(ctx, tx, l.ProjectID)
		if err != nil {
			return err
		}
		if l.Generation != before+1 {
			return plimsoll.Errorf(plimsoll.Conflict, "the password list has changed since it was read").WithHint("read it and change it again")
		}
		_, err = tx.Exec(ctx, upsertPasswordListSQL, l.ProjectID, l.Generation, l.Sealed, l.By, tx.Now())
		if err != nil {
			return err
		}
		task := plimsoll.Task{Tenant: plimsoll.Tenant{ProjectID: l.ProjectID, EnterpriseProject: plimsoll.DefaultEnterpriseProject}, Kind: plimsoll.WorkPasswords, By: l.By}
		// The generation is the key: a change while an older unit runs is a unit of its own.
		return backlog.Enqueue(ctx, tx, &task, []plimsoll.Work{{
			Kind: plimsoll.WorkPasswords, Key: strconv.FormatInt(l.Generation, 10), Priority: plimsoll.PriorityInteractive,
		}})
	})
}

const selectListGenerationSQL = `SELECT generation FROM password_list WHERE project_id = ?`

func listGeneration(ctx context.Context, tx *sqldb.Tx, projectID string) (n int64, err error) {
	err = tx.QueryRow(ctx, selectListGenerationSQL, projectID).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return n, err
}

const selectHashHoldersSQL = `SELECT c.artifact_id, a.project_id, a.enterprise_project_id, a.digest, c.sources
	FROM artifact_account c JOIN artifact a ON a.id = c.artifact_id WHERE `

const selectHashHolderSQL = selectHashHoldersSQL + `a.project_id = ? AND a.enterprise_project_id = ? AND a.digest = ?`

// HashHolder returns the sources of an artifact's accounts; false if none has a password.
func (s *Store) HashHolder(ctx context.Context, t plimsoll.Tenant, d plimsoll.Digest) (plimsoll.HashHolder, bool, error) {
	list, err := s.hashHolders(ctx, selectHashHolderSQL, t.ProjectID, t.EnterpriseProject, d)
	if err != nil || len(list) == 0 {
		return plimsoll.HashHolder{}, false, err
	}
	return list[0], true, nil
}

const selectHashHoldersAfterSQL = selectHashHoldersSQL + `c.project_id = ? AND c.artifact_id > ? ORDER BY c.artifact_id LIMIT ?`

// HashHolders returns the artifacts of a project after an id in which some account has a
// password, in the order of their ids, at most limit.
func (s *Store) HashHolders(ctx context.Context, projectID string, after int64, limit int) ([]plimsoll.HashHolder, error) {
	return s.hashHolders(ctx, selectHashHoldersAfterSQL, projectID, after, limit)
}

func (s *Store) hashHolders(ctx context.Context, query string, args ...any) (out []plimsoll.HashHolder, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(ctx, query, args...)
		out, err = sqldb.Collect(rows, err, func(rows *sql.Rows) (h plimsoll.HashHolder, err error) {
			var sources string
			if err := rows.Scan(&h.ArtifactID, &h.ProjectID, &h.EnterpriseProject, &h.Digest, &sources); err != nil {
				return h, err
			}
			return h, json.Unmarshal([]byte(sources), &h.Sources)
		})
		return err
	})
	return out, err
}

// SaveListed stores the result of a list of the generation for an artifact, and reports whether
// it was stored: if the list, or the sources of the artifact's accounts, changed, nothing is written.
func (s *Store) SaveListed(ctx context.Context, h plimsoll.HashHolder, generation int64, setting plimsoll.Setting) (saved bool, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		now, err := listGeneration(ctx, tx, h.ProjectID)
		if err != nil || now != generation {
			return err
		}
		sources, err := storedSources(ctx, tx, h.ArtifactID)
		if err != nil || sources != encodeSources(h.Sources) {
			return err
		}
		saved = true
		stored, err := readSettings(ctx, tx, h.ArtifactID)
		if err != nil {
			return err
		}
		w := newWriter(tx)
		isListed := func(s storedSetting) bool { return s.Rule == plimsoll.RuleListedPassword }
		at := slices.IndexFunc(stored, isListed)
		if setting.Result == plimsoll.SettingNotApplicable {
			if at < 0 {
				return nil
			}
			if err := w.deleteSetting(ctx, h.ArtifactID, plimsoll.RuleListedPassword); err != nil {
				return err
			}
			return w.refreshListed(ctx, h.ArtifactID)
		}
		ids, err := w.ruleIDs(ctx, []plimsoll.Setting{setting})
		if err != nil || at >= 0 && stored[at].same(setting, ids[0]) {
			return err
		}
		if err := w.putSetting(ctx, h.Tenant, h.ArtifactID, setting, ids[0]); err != nil {
			return err
		}
		return w.refreshListed(ctx, h.ArtifactID)
	})
	return saved && err == nil, err
}

// refreshListed brings what lists show of a changed result, and the images above, up to date.
func (w *findingWriter) refreshListed(ctx context.Context, artifact int64) error {
	if err := artifacts.RefreshSettings(ctx, w.Changes, artifact); err != nil {
		return err
	}
	return w.RefreshAbove(ctx, artifact)
}

func encodeSources(sources []plimsoll.AccountSource) string {
	if len(sources) == 0 {
		return `[]`
	}
	return sqldb.EncodeJSON(sources)
}

const selectSourcesSQL = `SELECT sources FROM artifact_account WHERE artifact_id = ?`

// storedSources returns the stored form; "" if no account has a password.
func storedSources(ctx context.Context, tx *sqldb.Tx, artifact int64) (text string, err error) {
	err = tx.QueryRow(ctx, selectSourcesSQL, artifact).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return text, err
}

const deleteAccountsSQL = `DELETE FROM artifact_account WHERE artifact_id = ?`

const upsertAccountsSQL = `INSERT INTO artifact_account (artifact_id, project_id, enterprise_project_id, sources) VALUES (?, ?, ?, ?)
	ON CONFLICT (artifact_id) DO UPDATE SET sources = excluded.sources`

// saveAccounts stores the sources of the accounts with passwords of an artifact.
func (w *findingWriter) saveAccounts(ctx context.Context, t plimsoll.Tenant, artifact int64, sources []plimsoll.AccountSource) error {
	stored, err := storedSources(ctx, w.Tx, artifact)
	if err != nil {
		return err
	}
	if len(sources) == 0 {
		if stored == "" {
			return nil
		}
		if err := w.Change(ctx, deleteAccountsSQL, artifact); err != nil {
			return err
		}
		return w.deleteSetting(ctx, artifact, plimsoll.RuleListedPassword)
	}
	if text := encodeSources(sources); text != stored {
		return w.Change(ctx, upsertAccountsSQL, artifact, t.ProjectID, t.EnterpriseProject, text)
	}
	return nil
}
