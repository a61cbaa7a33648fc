package store

import (
	"context"
	"database/sql"
	"errors"

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
	return w.change(ctx, `INSERT INTO vex_document (project_id, enterprise_project_id, document, author, version, updated_at, imported_at)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (project_id, enterprise_project_id, document) DO UPDATE
		SET author = excluded.author, version = excluded.version, updated_at = excluded.updated_at, imported_at = excluded.imported_at
		WHERE vex_document.author <> excluded.author OR vex_document.version <> excluded.version OR vex_document.updated_at <> excluded.updated_at`,
		t.ProjectID, t.EnterpriseProject, doc.ID, doc.Author, doc.Version, millis(doc.Time), w.Now())
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
