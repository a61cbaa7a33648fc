package store

import (
	"context"
	"database/sql"
	"slices"

	"plimsoll"
)

// Layers keeps layer reports by content, and which blob each project turned into what.
type Layers struct {
	db *DB
}

// MissingLayers returns the indexes of the layers that must be fetched: those whose
// blob the tenant's project has not itself turned into the claimed diff ID (unless an
// administrator marked the registry as shared), those for which the report of some
// analyzer is missing, and those without a diff ID.
func (s *Layers) MissingLayers(ctx context.Context, t plimsoll.Tenant, shared bool, layers []plimsoll.Layer, analyzers []plimsoll.AnalyzerID) ([]int, error) {
	analyzers = distinctAnalyzers(analyzers)
	proven := map[layerClaim]bool{}
	reports := map[plimsoll.Digest]int{}
	err := s.db.read(ctx, func(tx *Tx) error {
		for part := range slices.Chunk(layers, chunk) {
			if !shared {
				if err := readProofs(ctx, tx, t.ProjectID, part, proven); err != nil {
					return err
				}
			}
			if err := countReports(ctx, tx, part, analyzers, reports); err != nil {
				return err
			}
		}
		return nil
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

// layerClaim is what a config and a manifest say together: this blob unpacks to this diff ID.
type layerClaim struct{ blob, diffID plimsoll.Digest }

const sqlProofs = `SELECT blob_digest, diff_id FROM layer_proof WHERE project_id = ? AND blob_digest IN (`

func readProofs(ctx context.Context, tx *Tx, project string, layers []plimsoll.Layer, into map[layerClaim]bool) error {
	args := []any{project}
	for _, l := range layers {
		args = append(args, l.Digest)
	}
	rows, err := tx.Query(ctx, sqlProofs+marks(len(layers))+`)`, args...)
	claims, err := collect(rows, err, func(rows *sql.Rows) (c layerClaim, err error) {
		err = rows.Scan(&c.blob, &c.diffID)
		return c, err
	})
	for _, c := range claims {
		into[c] = true
	}
	return err
}

const sqlReportCounts = `SELECT diff_id, COUNT(*) FROM layer_report WHERE diff_id IN (`

func countReports(ctx context.Context, tx *Tx, layers []plimsoll.Layer, analyzers []plimsoll.AnalyzerID, into map[plimsoll.Digest]int) error {
	if len(analyzers) == 0 {
		return nil
	}
	var diffIDs []any
	for _, l := range layers {
		diffIDs = append(diffIDs, l.DiffID)
	}
	query := sqlReportCounts + marks(len(diffIDs)) + `) AND ` + oneOf(analyzers) + ` GROUP BY diff_id`
	rows, err := tx.Query(ctx, query, append(diffIDs, analyzerArguments(analyzers)...)...)
	return each(rows, err, func(rows *sql.Rows) error {
		var d plimsoll.Digest
		var n int
		err := rows.Scan(&d, &n)
		into[d] = n
		return err
	})
}

// LayerReports returns the stored reports of the analyzers about the layers, by diff
// ID and in the order of analyzers. Reports are shared by content: ask only for layers
// that MissingLayers did not name for the tenant at hand.
func (s *Layers) LayerReports(ctx context.Context, diffIDs []plimsoll.Digest, analyzers []plimsoll.AnalyzerID) (map[plimsoll.Digest][]plimsoll.LayerReport, error) {
	analyzers = distinctAnalyzers(analyzers)
	out := map[plimsoll.Digest][]plimsoll.LayerReport{}
	if len(analyzers) == 0 {
		return out, nil
	}
	err := s.db.read(ctx, func(tx *Tx) error {
		for part := range slices.Chunk(diffIDs, chunk) {
			query := `SELECT report FROM layer_report WHERE diff_id IN (` + marks(len(part)) + `) AND ` + oneOf(analyzers)
			rows, err := tx.Query(ctx, query, append(anys(part), analyzerArguments(analyzers)...)...)
			reports, err := collect(rows, err, func(rows *sql.Rows) (r plimsoll.LayerReport, err error) {
				var blob []byte
				if err = rows.Scan(&blob); err == nil {
					err = unpackJSON(blob, &r)
				}
				return r, err
			})
			if err != nil {
				return err
			}
			for _, r := range reports {
				out[r.DiffID] = append(out[r.DiffID], r)
			}
		}
		return nil
	})
	for _, reports := range out {
		slices.SortFunc(reports, func(a, b plimsoll.LayerReport) int {
			return slices.Index(analyzers, a.Analyzer) - slices.Index(analyzers, b.Analyzer)
		})
	}
	return out, err
}

// SaveLayer records that the tenant's project turned a blob into a diff ID in a verified
// pass, and keeps the reports that are not stored yet. A report with failures is not kept:
// its analyzer runs again next time.
func (s *Layers) SaveLayer(ctx context.Context, t plimsoll.Tenant, blob, diffID plimsoll.Digest, reports []plimsoll.LayerReport) error {
	fresh, proven, err := s.unsavedReports(ctx, t, blob, diffID, reports)
	if err != nil || (proven && len(fresh) == 0) {
		return err
	}
	blobs := make([][]byte, len(fresh))
	for i, r := range fresh {
		if blobs[i], err = pack([]byte(encodeJSON(r))); err != nil {
			return err
		}
	}
	return s.db.write(ctx, func(tx *Tx) error {
		for i, r := range fresh {
			_, err := tx.Exec(ctx, `INSERT INTO layer_report (diff_id, analyzer, version, report, created_at)
				VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`, diffID, r.Analyzer.Name, r.Analyzer.Version, blobs[i], tx.Now())
			if err == nil && r.SealedHashes != nil {
				_, err = tx.Exec(ctx, `INSERT INTO layer_hash (diff_id, analyzer, version, sealed_hashes)
					VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`, diffID, r.Analyzer.Name, r.Analyzer.Version, r.SealedHashes)
			}
			if err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `INSERT INTO layer_proof (project_id, enterprise_project_id, blob_digest, diff_id, created_at)
			VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`, t.ProjectID, t.EnterpriseProject, blob, diffID, tx.Now())
		return err
	})
}

// unsavedReports returns the reports that are to be stored, and whether the proof stands already.
func (s *Layers) unsavedReports(ctx context.Context, t plimsoll.Tenant, blob, diffID plimsoll.Digest, reports []plimsoll.LayerReport) (fresh []plimsoll.LayerReport, proven bool, err error) {
	claim := plimsoll.Layer{Descriptor: plimsoll.Descriptor{Digest: blob}, DiffID: diffID}
	have := map[plimsoll.AnalyzerID]bool{}
	err = s.db.read(ctx, func(tx *Tx) error {
		proofs := map[layerClaim]bool{}
		if err := readProofs(ctx, tx, t.ProjectID, []plimsoll.Layer{claim}, proofs); err != nil {
			return err
		}
		proven = proofs[layerClaim{blob, diffID}]
		rows, err := tx.Query(ctx, `SELECT analyzer, version FROM layer_report WHERE diff_id = ?`, diffID)
		ids, err := collect(rows, err, func(rows *sql.Rows) (id plimsoll.AnalyzerID, err error) {
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

// oneOf is the condition that a report is of one of the analyzers.
func oneOf(analyzers []plimsoll.AnalyzerID) string {
	return `(analyzer, version) IN (VALUES ` + tuples(len(analyzers), "(?, ?)") + `)`
}

func analyzerArguments(analyzers []plimsoll.AnalyzerID) []any {
	var args []any
	for _, a := range analyzers {
		args = append(args, a.Name, a.Version)
	}
	return args
}
