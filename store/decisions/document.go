package decisions

import (
	"context"
	"database/sql"
	"errors"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// ImportDocument replaces the active decisions of a VEX document by the given ones: new and
// changed ones are written, and the others end. The same document again writes nothing. A
// document that is older than the imported one with its id is a Conflict. An empty enterprise project of the tenant is the whole project. The counts
// of the outcome are filled in.
func (s *Store) ImportDocument(ctx context.Context, t plimsoll.Tenant, doc plimsoll.VEXDocument, decisions []plimsoll.Decision) (plimsoll.DocumentImport, error) {
	out := plimsoll.DocumentImport{Document: doc.ID, Author: doc.Author, Unknown: []plimsoll.UnknownProduct{}}
	if doc.ID == "" {
		return out, plimsoll.Errorf(plimsoll.Invalid, "the document has no id")
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		w := s.newWriter(tx)
		if err := w.saveDocument(ctx, t, doc); err != nil {
			return err
		}
		kept := map[int64]bool{}
		for _, d := range decisions {
			d.ProjectID, d.EnterpriseProject, d.Document = t.ProjectID, t.EnterpriseProject, doc.ID
			stored, fresh, err := w.saveDecision(ctx, d)
			if err != nil {
				return err
			}
			kept[stored.ID] = true
			out.Added += sqldb.BoolInt(fresh)
		}
		out.Unchanged = len(kept) - out.Added
		var err error
		if out.Ended, err = w.endUnlisted(ctx, t, doc, kept); err != nil {
			return err
		}
		return w.updateCounts(ctx)
	})
	return out, err
}

const selectDocumentSQL = `SELECT author, version, updated_at FROM vex_document WHERE project_id = ? AND enterprise_project_id = ? AND document = ?`

const upsertDocumentSQL = `INSERT INTO vex_document (project_id, enterprise_project_id, document, author, version, updated_at, imported_at, imported_by)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (project_id, enterprise_project_id, document) DO UPDATE
	SET author = excluded.author, version = excluded.version, updated_at = excluded.updated_at, imported_at = excluded.imported_at, imported_by = excluded.imported_by
	WHERE vex_document.author <> excluded.author OR vex_document.version <> excluded.version OR vex_document.updated_at <> excluded.updated_at`

// saveDocument writes the head of a document if it differs, and refuses an older one.
func (w *decisionWriter) saveDocument(ctx context.Context, t plimsoll.Tenant, doc plimsoll.VEXDocument) error {
	var have plimsoll.VEXDocument
	var updated int64
	err := w.QueryRow(ctx, selectDocumentSQL,
		t.ProjectID, t.EnterpriseProject, doc.ID).Scan(&have.Author, &have.Version, &updated)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return err
	case err == nil && sqldb.Millis(doc.Time) < updated:
		return plimsoll.Errorf(plimsoll.Conflict, "version %.40q of %s, of %s, was imported before: this one is older", have.Version, doc.ID, formatTime(updated))
	}
	return w.Change(ctx, upsertDocumentSQL,
		t.ProjectID, t.EnterpriseProject, doc.ID, doc.Author, doc.Version, sqldb.Millis(doc.Time), w.Now(), doc.ImportedBy)
}

func formatTime(ms int64) string { return sqldb.FromMillis(ms).Format("2006-01-02T15:04:05Z") }

const selectDocumentDecisionsSQL = `SELECT ` + decisionColumnsSQL + ` FROM decision d WHERE d.project_id = ? AND d.document = ? AND d.document <> ''
	AND d.enterprise_project_id = ? AND d.ended_at = 0`

// endUnlisted ends the document's decisions that are not kept.
func (w *decisionWriter) endUnlisted(ctx context.Context, t plimsoll.Tenant, doc plimsoll.VEXDocument, kept map[int64]bool) (int, error) {
	rows, err := w.Query(ctx, selectDocumentDecisionsSQL, t.ProjectID, doc.ID, t.EnterpriseProject)
	have, err := sqldb.Collect(rows, err, scanDecision)
	ended := 0
	for _, d := range have {
		if err == nil && !kept[d.ID] {
			err = w.endDecision(ctx, d, doc.Author)
			ended++
		}
	}
	return ended, err
}
