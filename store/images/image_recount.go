package images

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"plimsoll"
	"plimsoll/store/artifacts"
	"plimsoll/store/judgement"
	"plimsoll/store/sqldb"
)

// Bounds of RecountChanged: artifacts of one transaction, and those whose sets are read
// ahead of it.
const (
	countsPerWrite = 250
	countsAhead    = 50 * countsPerWrite
)

// RecountChanged counts the artifacts above the sets that a rematch changed, those that
// scans changed meanwhile, and the indexes above both, and rewrites the counts that differ
// with the image rows that show them. Each artifact's count and list pass to the new
// judgement in one transaction; where the count stays, with the end of the rematch.
// It returns how many image rows were rewritten.
func (s *Store) RecountChanged(ctx context.Context, r plimsoll.Rematch) (images int, err error) {
	work, err := s.readRecountWork(ctx)
	if err != nil {
		return 0, err
	}
	c := judgement.NewCounter(judgement.Gate(r.ID))
	for _, kind := range [...]struct {
		setsOf  string
		holders []int64
	}{{selectSetsOfArtifactsSQL, work.artifacts}, {selectSetsOfIndexesSQL, work.indexes}} {
		for part := range slices.Chunk(kind.holders, countsAhead) {
			if err := s.readAhead(ctx, c, kind.setsOf, part); err != nil {
				return images, err
			}
			n, err := s.recountArtifacts(ctx, r, c, kind.setsOf, part)
			images += n
			if err != nil {
				return images, err
			}
			c.Trim()
		}
	}
	n, err := s.recountChangedByScans(ctx, r, c, work.scanned)
	return images + n, err
}

// recountWork is what RecountChanged counts; scanned are the artifacts that scans changed.
type recountWork struct{ artifacts, indexes, scanned []int64 }

func (s *Store) readRecountWork(ctx context.Context) (work recountWork, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		if work.scanned, err = artifacts.ToRecount(ctx, tx); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT set_id FROM set_recount WHERE set_id > 0`)
		sets, err := sqldb.Collect(rows, err, sqldb.ScanID)
		if err != nil {
			return err
		}
		const query = `SELECT DISTINCT artifact_id FROM artifact_set WHERE set_id IN (:keys)`
		if work.artifacts, err = sqldb.CollectChunks(ctx, tx, query, nil, sets, sqldb.ScanID); err != nil {
			return err
		}
		slices.Sort(work.artifacts)
		work.artifacts = slices.Compact(work.artifacts)
		if work.indexes, err = artifacts.IndexesAbove(ctx, tx, work.artifacts); err != nil {
			return err
		}
		slices.Sort(work.indexes)
		work.indexes = slices.Compact(work.indexes)
		return nil
	})
	return work, err
}

// readers is how many connections read ahead; one of SQLite's pool is left to others.
const readers = 2

// readAhead loads the sets of holders with the reading pool.
func (s *Store) readAhead(ctx context.Context, c *judgement.Counter, setsOf string, holders []int64) error {
	var all []int64
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		sets, err := judgement.SetsOfHolders(ctx, tx, setsOf, holders)
		for _, list := range sets {
			all = append(all, list...)
		}
		return err
	})
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for part := range slices.Chunk(c.Missing(all), sqldb.ChunkSize) {
		g.Go(func() error {
			return s.db.Read(ctx, func(tx *sqldb.Tx) error { return c.Load(ctx, tx, part) })
		})
	}
	return g.Wait()
}

func (s *Store) recountArtifacts(ctx context.Context, r plimsoll.Rematch, c *judgement.Counter, setsOf string, holders []int64) (images int, err error) {
	for part := range slices.Chunk(holders, countsPerWrite) {
		var w *Writer
		err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
			w = NewWriter(tx)
			return w.recountWith(ctx, c, r.ID, setsOf, part)
		})
		if err != nil {
			return images, err
		}
		images += w.Images
	}
	return images, nil
}

// recountChangedByScans counts artifacts with the indexes above them, and takes them off the list in
// the same transaction: a scan that changes one once more puts it back.
func (s *Store) recountChangedByScans(ctx context.Context, r plimsoll.Rematch, c *judgement.Counter, ids []int64) (images int, err error) {
	for part := range slices.Chunk(ids, countsPerWrite) {
		var w *Writer
		err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
			w = NewWriter(tx)
			indexes, err := artifacts.IndexesAbove(ctx, tx, part)
			if err != nil {
				return err
			}
			if err := w.recountWith(ctx, c, r.ID, selectSetsOfArtifactsSQL, part); err != nil {
				return err
			}
			if err := w.recountWith(ctx, c, r.ID, selectSetsOfIndexesSQL, indexes); err != nil {
				return err
			}
			return artifacts.Recounted(ctx, tx, part)
		})
		if err != nil {
			return images, err
		}
		images += w.Images
	}
	return images, nil
}
