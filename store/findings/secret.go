package findings

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/store/artifacts"
	"plimsoll/store/sqldb"
)

func secretTargets(s *plimsoll.Secret) []any {
	return []any{&s.Path, &s.Layer, &s.Rule, &s.Line, &s.Severity, &s.Excerpt, &s.Shadowed, &s.Size, &s.Owned}
}

// secretKey identifies a row among those of one artifact.
type secretKey struct {
	path  string
	layer plimsoll.Digest
	rule  string
	line  int
}

func secretKeyOf(s plimsoll.Secret) secretKey { return secretKey{s.Path, s.Layer, s.Rule, s.Line} }

const secretColumnsSQL = `path, layer, rule, line, severity, excerpt, shadowed, size, owned`

const selectSecretsSQL = `SELECT ` + secretColumnsSQL + ` FROM artifact_secret WHERE artifact_id = ?`

const deleteSecretSQL = `DELETE FROM artifact_secret WHERE artifact_id = ? AND path = ? AND layer = ? AND rule = ? AND line = ?`

// saveSecrets rewrites the rows that differ. Findings that are alike but for their excerpt are
// one row, with the last excerpt.
func (w *findingWriter) saveSecrets(ctx context.Context, t plimsoll.Tenant, artifact int64, digest plimsoll.Digest, secrets []plimsoll.Secret) error {
	rows, err := w.Query(ctx, selectSecretsSQL, artifact)
	stored, err := sqldb.Collect(rows, err, func(rows *sql.Rows) (s plimsoll.Secret, err error) { return s, rows.Scan(secretTargets(&s)...) })
	if err != nil {
		return err
	}
	gone, want := map[secretKey]plimsoll.Secret{}, map[secretKey]plimsoll.Secret{}
	for _, s := range stored {
		gone[secretKeyOf(s)] = s
	}
	for _, s := range secrets {
		want[secretKeyOf(s)] = s
	}
	profile, err := storedProfile(ctx, w.Tx, t.ProjectID)
	if err != nil {
		return err
	}
	listed := 0
	for key, s := range want {
		leftOut := profile.Excludes(s)
		if !leftOut {
			listed++
		}
		old, ok := gone[key]
		delete(gone, key)
		if ok && old == s {
			continue
		}
		err := w.Change(ctx, `INSERT INTO artifact_secret (artifact_id, project_id, enterprise_project_id, `+secretColumnsSQL+`, id, left_out)
			VALUES (`+sqldb.Marks(14)+`) ON CONFLICT (artifact_id, path, layer, rule, line) DO UPDATE SET
			severity = excluded.severity, excerpt = excluded.excerpt, shadowed = excluded.shadowed,
			size = excluded.size, owned = excluded.owned, left_out = excluded.left_out`,
			artifact, t.ProjectID, t.EnterpriseProject, s.Path, s.Layer, s.Rule, s.Line, s.Severity, s.Excerpt, s.Shadowed, s.Size, s.Owned, s.ID(digest), leftOut)
		if err != nil {
			return err
		}
	}
	for key := range gone {
		err := w.Change(ctx, deleteSecretSQL,
			artifact, key.path, key.layer, key.rule, key.line)
		if err != nil {
			return err
		}
	}
	return artifacts.SaveSecretCount(ctx, w.Changes, artifact, listed)
}

const foundSecretColumnsSQL = `s.path, s.layer, s.rule, s.line, s.severity, s.excerpt, s.shadowed, s.size, s.owned, s.id, COALESCE(d.changed_by, ''), d.id IS NOT NULL`

const joinSecretDecisionSQL = ` LEFT JOIN secret_decision d ON d.project_id = s.project_id AND d.enterprise_project_id = s.enterprise_project_id AND d.id = s.id `

func scanFound(rows *sql.Rows, more ...any) (f plimsoll.FoundSecret, err error) {
	err = rows.Scan(append(append(secretTargets(&f.Secret), &f.ID, &f.IgnoredBy, &f.Ignored), more...)...)
	return f, err
}

const selectImageSecretsSQL = `SELECT ` + foundSecretColumnsSQL + ` FROM artifact_secret s` + joinSecretDecisionSQL + `WHERE s.artifact_id = ?`

// ImageSecrets returns the secrets of an image, worst first, shadowed and ignored ones included; for
// an index those of all its platforms.
func (s *Store) ImageSecrets(ctx context.Context, img plimsoll.Image) ([]plimsoll.FoundSecret, error) {
	out := []plimsoll.FoundSecret{}
	err := artifacts.EachMember(ctx, s.db, img, func(tx *sqldb.Tx, m artifacts.Member) error {
		rows, err := tx.Query(ctx, selectImageSecretsSQL, m.Artifact)
		found, err := sqldb.Collect(rows, err, func(rows *sql.Rows) (plimsoll.FoundSecret, error) {
			f, err := scanFound(rows)
			f.Platform = m.Platform
			return f, err
		})
		out = append(out, found...)
		return err
	})
	slices.SortStableFunc(out, func(a, b plimsoll.FoundSecret) int {
		return cmp.Or(slices.Index(plimsoll.Severities(), a.Severity)-slices.Index(plimsoll.Severities(), b.Severity),
			strings.Compare(a.Path, b.Path), a.Line-b.Line, strings.Compare(a.Rule, b.Rule), strings.Compare(string(a.Layer), string(b.Layer)))
	})
	return out, err
}

const insertSecretDecisionSQL = `INSERT INTO secret_decision (project_id, enterprise_project_id, id, changed_by, changed_at)
	VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

const deleteSecretDecisionSQL = `DELETE FROM secret_decision WHERE project_id = ? AND enterprise_project_id = ? AND id = ?`

// IgnoreSecret marks a finding as ignored, or removes the mark. A finding that is not in the
// project, or not in the enterprise projects (nil = all), is NotFound.
func (s *Store) IgnoreSecret(ctx context.Context, projectID string, enterpriseProjects []string, id, by string, ignore bool) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		query, args := `SELECT DISTINCT enterprise_project_id FROM artifact_secret WHERE project_id = ? AND id = ?`, []any{projectID, id}
		if enterpriseProjects != nil {
			query, args = query+` AND enterprise_project_id IN (`+sqldb.Marks(len(enterpriseProjects))+`)`, append(args, sqldb.Args(enterpriseProjects)...)
		}
		rows, err := tx.Query(ctx, query, args...)
		found, err := sqldb.Collect(rows, err, func(rows *sql.Rows) (e string, err error) { return e, rows.Scan(&e) })
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return plimsoll.Errorf(plimsoll.NotFound, "no such finding")
		}
		for _, e := range found {
			if ignore {
				_, err = tx.Exec(ctx, insertSecretDecisionSQL, projectID, e, id, by, tx.Now())
			} else {
				_, err = tx.Exec(ctx, deleteSecretDecisionSQL, projectID, e, id)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

const selectSecretPathsSQL = `SELECT patterns FROM secret_paths WHERE project_id = ?`

// SecretPaths returns the patterns of paths for which a project wants no secrets shown.
func (s *Store) SecretPaths(ctx context.Context, projectID string) ([]string, error) {
	patterns := []string{}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		var text string
		err := tx.QueryRow(ctx, selectSecretPathsSQL, projectID).Scan(&text)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			err = json.Unmarshal([]byte(text), &patterns)
		}
		return err
	})
	return patterns, err
}

const upsertSecretPathsSQL = `INSERT INTO secret_paths (project_id, patterns, changed_by, changed_at) VALUES (?, ?, ?, ?)
	ON CONFLICT (project_id) DO UPDATE SET patterns = excluded.patterns, changed_by = excluded.changed_by, changed_at = excluded.changed_at
	WHERE secret_paths.patterns <> excluded.patterns`

// SetSecretPaths replaces them. Lists change at once: nothing is scanned again.
func (s *Store) SetSecretPaths(ctx context.Context, projectID, by string, patterns []string) error {
	if err := plimsoll.ValidateSecretPaths(patterns); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, upsertSecretPathsSQL, projectID, sqldb.EncodeJSON(append([]string{}, patterns...)), by, tx.Now())
		return err
	})
}
