package decisions

import (
	"database/sql"

	"plimsoll"
	"plimsoll/store/sqldb"
)

const decisionColumnsSQL = `d.id, d.project_id, d.enterprise_project_id, d.kind, d.finding, d.registry_id, d.repository, d.tag, d.digest, d.package, d.packages,
	d.status, d.justification, d.reason, d.document, d.author, d.created_at, d.expires_at, d.ended_at, d.ended_by`

// decisionRow scans the columns above; decision finishes what it scanned.
type decisionRow struct {
	d                       plimsoll.Decision
	created, expires, ended int64
}

func (r *decisionRow) targets() []any {
	d := &r.d
	return []any{&d.ID, &d.ProjectID, &d.EnterpriseProject, &d.Kind, &d.Finding, &d.Scope.RegistryID, &d.Scope.Repository, &d.Scope.Tag,
		&d.Scope.Digest, &d.Scope.Package, &d.Scope.Packages, &d.Status, &d.Justification, &d.Reason, &d.Document, &d.Author, &r.created, &r.expires, &r.ended, &d.EndedBy}
}

func (r *decisionRow) decision() plimsoll.Decision {
	r.d.CreatedAt, r.d.ExpiresAt, r.d.EndedAt = sqldb.FromMillis(r.created), sqldb.FromMillis(r.expires), sqldb.FromMillis(r.ended)
	return r.d
}

func scanDecision(rows *sql.Rows) (plimsoll.Decision, error) {
	var r decisionRow
	err := rows.Scan(r.targets()...)
	return r.decision(), err
}

// ActiveSQL is the condition that decision d is active at a time.
const ActiveSQL = `d.ended_at = 0 AND (d.expires_at = 0 OR d.expires_at > ?)`
