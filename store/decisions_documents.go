package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"plimsoll"
)

// ImportDocument makes the active decisions of a VEX document those that are given: new
// and changed ones are written, those that the document no longer makes end. The same
// document again writes nothing. One that is older than what was imported under its id is
// a Conflict. An empty enterprise project of the tenant is the whole project. The counts
// of the outcome are filled in.
func (s *Store) ImportDocument(ctx context.Context, t plimsoll.Tenant, doc plimsoll.VEXDocument, decisions []plimsoll.Decision) (plimsoll.DocumentImport, error) {
	out := plimsoll.DocumentImport{Document: doc.ID, Author: doc.Author, Unknown: []plimsoll.UnknownProduct{}}
	if doc.ID == "" {
		return out, plimsoll.Errorf(plimsoll.Invalid, "the document has no id")
	}
	err := s.db.write(ctx, func(tx *Tx) error {
		w := &deciding{writer: &writer{Tx: tx}}
		if err := w.saveDocument(ctx, t, doc); err != nil {
			return err
		}
		kept := map[int64]bool{}
		for _, d := range decisions {
			d.ProjectID, d.EnterpriseProject, d.Document = t.ProjectID, t.EnterpriseProject, doc.ID
			stored, fresh, err := w.decide(ctx, d)
			if err != nil {
				return err
			}
			kept[stored.ID] = true
			out.Added += toInt(fresh)
		}
		out.Unchanged = len(kept) - out.Added
		var err error
		if out.Ended, err = w.endOthers(ctx, t, doc, kept); err != nil {
			return err
		}
		return w.finish(ctx)
	})
	return out, err
}

// saveDocument writes the head of a document if it differs, and refuses an older one.
func (w *deciding) saveDocument(ctx context.Context, t plimsoll.Tenant, doc plimsoll.VEXDocument) error {
	var have plimsoll.VEXDocument
	var updated int64
	err := w.QueryRow(ctx, `SELECT author, version, updated_at FROM vex_document WHERE project_id = ? AND enterprise_project_id = ? AND document = ?`,
		t.ProjectID, t.EnterpriseProject, doc.ID).Scan(&have.Author, &have.Version, &updated)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return err
	case err == nil && millis(doc.Time) < updated:
		return plimsoll.Errorf(plimsoll.Conflict, "version %.40q of %s, of %s, was imported before: this one is older", have.Version, doc.ID, timestamp(updated))
	}
	return w.change(ctx, `INSERT INTO vex_document (project_id, enterprise_project_id, document, author, version, updated_at, imported_at, imported_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (project_id, enterprise_project_id, document) DO UPDATE
		SET author = excluded.author, version = excluded.version, updated_at = excluded.updated_at, imported_at = excluded.imported_at, imported_by = excluded.imported_by
		WHERE vex_document.author <> excluded.author OR vex_document.version <> excluded.version OR vex_document.updated_at <> excluded.updated_at`,
		t.ProjectID, t.EnterpriseProject, doc.ID, doc.Author, doc.Version, millis(doc.Time), w.Now(), doc.ImportedBy)
}

func timestamp(ms int64) string { return fromMillis(ms).Format("2006-01-02T15:04:05Z") }

// endOthers ends the document's decisions that are not kept.
func (w *deciding) endOthers(ctx context.Context, t plimsoll.Tenant, doc plimsoll.VEXDocument, kept map[int64]bool) (int, error) {
	rows, err := w.Query(ctx, `SELECT `+decisionColumns+` FROM decision d WHERE d.project_id = ? AND d.document = ? AND d.document <> ''
		AND d.enterprise_project_id = ? AND d.ended_at = 0`, t.ProjectID, doc.ID, t.EnterpriseProject)
	have, err := collect(rows, err, scanDecision)
	ended := 0
	for _, d := range have {
		if err == nil && !kept[d.ID] {
			err = w.end(ctx, d, doc.Author)
			ended++
		}
	}
	return ended, err
}

// KnownProducts returns what VEX documents may name in a project, or in one enterprise
// project of it: which of the digests are artifacts, and every repository with its registry.
func (s *Store) KnownProducts(ctx context.Context, t plimsoll.Tenant, digests []plimsoll.Digest) (plimsoll.KnownProducts, error) {
	out := plimsoll.KnownProducts{Digests: map[plimsoll.Digest]bool{}}
	err := s.db.read(ctx, func(tx *Tx) error {
		for _, d := range digests {
			var n int
			err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM artifact WHERE project_id = ? AND digest = ? AND (? = '' OR enterprise_project_id = ?)`,
				t.ProjectID, d, t.EnterpriseProject, t.EnterpriseProject).Scan(&n)
			if err != nil {
				return err
			}
			out.Digests[d] = n > 0
		}
		rows, err := tx.Query(ctx, `SELECT DISTINCT r.id, r.url, i.repository FROM image i JOIN registry r ON r.id = i.registry_id
			WHERE i.project_id = ? AND (? = '' OR i.enterprise_project_id = ?) ORDER BY r.id, i.repository`,
			t.ProjectID, t.EnterpriseProject, t.EnterpriseProject)
		out.Repositories, err = collect(rows, err, func(rows *sql.Rows) (r plimsoll.KnownRepository, err error) {
			err = rows.Scan(&r.RegistryID, &r.URL, &r.Path)
			return r, err
		})
		return err
	})
	return out, err
}

// maxDecided bounds the images that one decision is told to be about.
const maxDecided = 10_000

// DecidedImages returns the images that a decision is about, one an artifact of a
// repository: those in its scope, of a decision about the whole project or a registry
// those with the finding. More than 10,000 are TooLarge.
func (s *Store) DecidedImages(ctx context.Context, d plimsoll.Decision) ([]plimsoll.KnownImage, error) {
	var out []plimsoll.KnownImage
	seen := map[plimsoll.KnownImage]bool{}
	err := s.db.read(ctx, func(tx *Tx) error {
		artifacts, err := touchedArtifacts(ctx, tx, []dueDecision{{Decision: d}})
		if err != nil {
			return err
		}
		for part := range slices.Chunk(artifacts, chunk) {
			rows, err := tx.Query(ctx, `SELECT i.registry_id, r.url, i.repository, i.digest, i.tag, i.enterprise_project_id
				FROM image i JOIN registry r ON r.id = i.registry_id WHERE i.artifact_id IN (`+marks(len(part))+`) ORDER BY i.id`, anys(part)...)
			err = each(rows, err, func(rows *sql.Rows) error {
				var k plimsoll.KnownImage
				var tag, ep string
				err := rows.Scan(&k.RegistryID, &k.URL, &k.Path, &k.Digest, &tag, &ep)
				inside := (d.EnterpriseProject == "" || d.EnterpriseProject == ep) && (d.Scope.Digest == "" || d.Scope.Digest == k.Digest) &&
					(d.Scope.RegistryID == 0 || d.Scope.RegistryID == k.RegistryID) && (d.Scope.Tag == "" || d.Scope.Tag == tag)
				if inside && !seen[k] {
					seen[k] = true
					out = append(out, k)
				}
				return err
			})
			if err != nil {
				return err
			}
			if len(out) > maxDecided {
				return plimsoll.Errorf(plimsoll.TooLarge, "decision %d is about more than %d images", d.ID, maxDecided).
					WithHint("export an image at a time")
			}
		}
		return nil
	})
	return out, err
}

const sqlProjectVulnerabilities = `SELECT DISTINCT v.vulnerability FROM (
		SELECT DISTINCT h.set_id FROM artifact_set h JOIN package_set k ON k.id = h.set_id
		WHERE h.project_id = ? AND (? = '' OR h.enterprise_project_id = ?) AND (? = '' OR k.kind = ?)) t
	CROSS JOIN set_vulnerability s CROSS JOIN verdict v
	WHERE s.set_id = t.set_id AND ` + inSight + ` AND v.id = s.verdict_id ORDER BY v.vulnerability`

// ProjectVulnerabilities returns the canonical ids found in any image of a tenant (an
// empty enterprise project is the whole project), in packages of a kind ("" = any), sorted.
func (s *Store) ProjectVulnerabilities(ctx context.Context, t plimsoll.Tenant, kind plimsoll.SetKind) ([]string, error) {
	var ids []string
	err := s.db.read(ctx, func(tx *Tx) error {
		at, err := openGate(ctx, tx)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, sqlProjectVulnerabilities, t.ProjectID, t.EnterpriseProject, t.EnterpriseProject, kind, kind, at, at)
		ids, err = collect(rows, err, func(rows *sql.Rows) (id string, err error) { return id, rows.Scan(&id) })
		return err
	})
	return ids, err
}

// VulnerabilitiesNamed returns what images of a project, in the given enterprise projects
// (nil = every one), have that answers to an id: a canonical id, alias or advisory. Each
// canonical id comes once, with all its advisories and its highest score, without a package.
func (s *Store) VulnerabilitiesNamed(ctx context.Context, projectID string, enterpriseProjects []string, id string) ([]plimsoll.Vulnerability, error) {
	var out []plimsoll.Vulnerability
	err := s.db.read(ctx, func(tx *Tx) error {
		at, err := openGate(ctx, tx)
		if err != nil {
			return err
		}
		c := new(clauses)
		c.and(inSight, at, at)
		c.and("h.project_id = ?", projectID)
		if enterpriseProjects != nil {
			in(c, "h.enterprise_project_id", enterpriseProjects)
		}
		rows, err := tx.Query(ctx, `SELECT v.vulnerability, v.advisories, v.score FROM verdict_name n JOIN verdict v ON v.id = n.verdict_id
			WHERE n.name = ? AND EXISTS (SELECT 1 FROM set_vulnerability s CROSS JOIN artifact_set h
				WHERE s.verdict_id = v.id AND h.set_id = s.set_id AND `+c.sql.String()+`)
			ORDER BY v.vulnerability`, append([]any{id}, c.args...)...)
		return each(rows, err, func(rows *sql.Rows) error {
			var v plimsoll.Vulnerability
			var advisories string
			if err := rows.Scan(&v.ID, &advisories, &v.Score); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(advisories), &v.Advisories); err != nil {
				return err
			}
			if last := len(out) - 1; last >= 0 && out[last].ID == v.ID {
				out[last].Advisories = append(out[last].Advisories, v.Advisories...)
				out[last].Score = max(out[last].Score, v.Score)
				return nil
			}
			out = append(out, v)
			return nil
		})
	})
	for i := range out {
		slices.Sort(out[i].Advisories)
		out[i].Advisories = slices.Compact(out[i].Advisories)
	}
	return out, err
}
