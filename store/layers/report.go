package layers

import (
	"context"
	"database/sql"
	"slices"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// MissingLayers returns the indexes of the layers that must be fetched: those whose
// blob the tenant's project has not itself turned into the claimed diff ID (unless an
// administrator marked the registry as shared), those for which the report of some
// analyzer is missing, and those without a diff ID.
func (s *Store) MissingLayers(ctx context.Context, t plimsoll.Tenant, shared bool, layers []plimsoll.Layer, analyzers []plimsoll.AnalyzerID) ([]int, error) {
	analyzers = distinctAnalyzers(analyzers)
	proven := map[layerClaim]bool{}
	reports := map[plimsoll.Digest]int{}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		if !shared {
			if err := readProofs(ctx, tx, t.ProjectID, layers, proven); err != nil {
				return err
			}
		}
		return countReports(ctx, tx, layers, analyzers, reports)
	})
	if err != nil {
		return nil, err
	}
	var missing []int
	for i, l := range layers {
		trusted := shared || proven[layerClaim{l.Digest, l.DiffID}]
		if l.DiffID == "" || !trusted || reports[l.DiffID] < len(analyzers) {
			missing = append(missing, i)
		}
	}
	return missing, nil
}

// layerClaim is what a config and a manifest claim together: this blob unpacks to this diff ID.
type layerClaim struct{ blob, diffID plimsoll.Digest }

const selectProofsSQL = `SELECT blob_digest, diff_id FROM layer_proof WHERE project_id = ? AND blob_digest IN (:keys)`

func readProofs(ctx context.Context, tx *sqldb.Tx, project string, layers []plimsoll.Layer, into map[layerClaim]bool) error {
	blobs := make([]plimsoll.Digest, len(layers))
	for i, l := range layers {
		blobs[i] = l.Digest
	}
	return sqldb.QueryChunks(ctx, tx, selectProofsSQL, []any{project}, blobs, func(rows *sql.Rows) error {
		var c layerClaim
		err := rows.Scan(&c.blob, &c.diffID)
		into[c] = true
		return err
	})
}

const countReportsSQL = `SELECT diff_id, COUNT(*) FROM layer_report WHERE diff_id IN (:keys) AND `

func countReports(ctx context.Context, tx *sqldb.Tx, layers []plimsoll.Layer, analyzers []plimsoll.AnalyzerID, into map[plimsoll.Digest]int) error {
	if len(analyzers) == 0 {
		return nil
	}
	diffIDs := make([]plimsoll.Digest, len(layers))
	for i, l := range layers {
		diffIDs[i] = l.DiffID
	}
	query := countReportsSQL + analyzersCondition(analyzers) + ` GROUP BY diff_id`
	return sqldb.QueryChunks(ctx, tx, query, nil, diffIDs, func(rows *sql.Rows) error {
		var d plimsoll.Digest
		var n int
		err := rows.Scan(&d, &n)
		into[d] = n
		return err
	}, analyzerArguments(analyzers)...)
}

const selectReportsSQL = `SELECT report FROM layer_report WHERE diff_id IN (:keys) AND `

// LayerReports returns the stored reports of the analyzers about the layers, by diff
// ID and in the order of analyzers. Reports are shared by content: request only layers
// that MissingLayers did not name for the same tenant.
func (s *Store) LayerReports(ctx context.Context, diffIDs []plimsoll.Digest, analyzers []plimsoll.AnalyzerID) (map[plimsoll.Digest][]plimsoll.LayerReport, error) {
	analyzers = distinctAnalyzers(analyzers)
	out := map[plimsoll.Digest][]plimsoll.LayerReport{}
	if len(analyzers) == 0 {
		return out, nil
	}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		query := selectReportsSQL + analyzersCondition(analyzers)
		return sqldb.QueryChunks(ctx, tx, query, nil, diffIDs, func(rows *sql.Rows) error {
			var blob []byte
			if err := rows.Scan(&blob); err != nil {
				return err
			}
			var r plimsoll.LayerReport
			err := sqldb.UnpackJSON(blob, &r)
			out[r.DiffID] = append(out[r.DiffID], r)
			return err
		}, analyzerArguments(analyzers)...)
	})
	for _, reports := range out {
		slices.SortFunc(reports, func(a, b plimsoll.LayerReport) int {
			return slices.Index(analyzers, a.Analyzer) - slices.Index(analyzers, b.Analyzer)
		})
	}
	return out, err
}

const insertLayerReportSQL = `INSERT INTO layer_report (diff_id, analyzer, version, report, created_at)
	VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

const insertLayerHashSQL = `INSERT INTO layer_hash (diff_id, analyzer, version, sealed_hashes)
	VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`

const insertLayerProofSQL = `INSERT INTO layer_proof (project_id, enterprise_project_id, blob_digest, diff_id, created_at)
	VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

// SaveLayer records that the tenant's project turned a blob into a diff ID in a verified
// pass, and keeps the reports that are not stored yet. A report with failures is not kept:
// its analyzer runs again next time.
func (s *Store) SaveLayer(ctx context.Context, t plimsoll.Tenant, blob, diffID plimsoll.Digest, reports []plimsoll.LayerReport) error {
	fresh, proven, err := s.unsavedReports(ctx, t, blob, diffID, reports)
	if err != nil || (proven && len(fresh) == 0) {
		return err
	}
	blobs := make([][]byte, len(fresh))
	for i, r := range fresh {
		if blobs[i], err = sqldb.Pack([]byte(sqldb.EncodeJSON(r))); err != nil {
			return err
		}
	}
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		for i, r := range fresh {
			_, err := tx.Exec(ctx, insertLayerReportSQL, diffID, r.Analyzer.Name, r.Analyzer.Version, blobs[i], tx.Now())
			if err == nil && r.SealedHashes != nil {
				_, err = tx.Exec(ctx, insertLayerHashSQL, diffID, r.Analyzer.Name, r.Analyzer.Version, r.SealedHashes)
			}
			if err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, insertLayerProofSQL, t.ProjectID, t.EnterpriseProject, blob, diffID, tx.Now())
		return err
	})
}

const selectReportAnalyzersSQL = `SELECT analyzer, version FROM layer_report WHERE diff_id = ?`

// unsavedReports returns the reports that are to be stored, and whether the proof is stored already.
func (s *Store) unsavedReports(ctx context.Context, t plimsoll.Tenant, blob, diffID plimsoll.Digest, reports []plimsoll.LayerReport) (fresh []plimsoll.LayerReport, proven bool, err error) {
	claim := plimsoll.Layer{Descriptor: plimsoll.Descriptor{Digest: blob}, DiffID: diffID}
	have := map[plimsoll.AnalyzerID]bool{}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		proofs := map[layerClaim]bool{}
		if err := readProofs(ctx, tx, t.ProjectID, []plimsoll.Layer{claim}, proofs); err != nil {
			return err
		}
		proven = proofs[layerClaim{blob, diffID}]
		rows, err := tx.Query(ctx, selectReportAnalyzersSQL, diffID)
		ids, err := sqldb.Collect(rows, err, func(rows *sql.Rows) (id plimsoll.AnalyzerID, err error) {
			err = rows.Scan(&id.Name, &id.Version)
			return id, err
		})
		for _, id := range ids {
			have[id] = true
		}
		return err
	})
	for _, r := range reports {
		if r.DiffID != diffID {
			return nil, false, plimsoll.Errorf(plimsoll.Internal, "report of layer %s saved as layer %s", r.DiffID.Short(), diffID.Short())
		}
		if len(r.Failures) == 0 && !have[r.Analyzer] {
			have[r.Analyzer] = true
			fresh = append(fresh, r)
		}
	}
	return fresh, proven, err
}

func distinctAnalyzers(analyzers []plimsoll.AnalyzerID) []plimsoll.AnalyzerID {
	var out []plimsoll.AnalyzerID
	for _, a := range analyzers {
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// analyzersCondition is the condition that a report is of one of the analyzers.
func analyzersCondition(analyzers []plimsoll.AnalyzerID) string {
	return `(analyzer, version) IN (VALUES ` + sqldb.Tuples(len(analyzers), "(?, ?)") + `)`
}

func analyzerArguments(analyzers []plimsoll.AnalyzerID) []any {
	var args []any
	for _, a := range analyzers {
		args = append(args, a.Name, a.Version)
	}
	return args
}
