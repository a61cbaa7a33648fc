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

// Bounds of CountRematch: artifacts of one transaction, and artifacts whose sets are read
// before these transactions.
const (
	countsPerWrite = 250
	countsAhead    = 50 * countsPerWrite
)

// CountRematch ends the records of sets behind that the rematch has judged. Then it counts
// the artifacts with the sets that the rematch changed, the artifacts that scans changed since
// it began, and the indexes above both, and rewrites the counts that differ with the image rows that
// show them. One transaction rewrites the count of an artifact and makes its new list visible; a list
// whose count stays becomes visible when the rematch finishes.
// It returns the number of rewritten image rows.
func (s *Store) CountRematch(ctx context.Context, r plimsoll.Rematch, judgedBehind []int64) (images int, err error) {
	work, err := s.beginCounting(ctx, judgedBehind)
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

// recountWork is what CountRematch counts; scanned are the artifacts that scans changed.
type recountWork struct{ artifacts, indexes, scanned []int64 }

const selectArtifactsOfSetsSQL = `SELECT DISTINCT artifact_id FROM artifact_set WHERE set_id IN (:keys)`

// beginCounting ends the records of judged sets and reads what there is to count.
func (s *Store) beginCounting(ctx context.Context, judgedBehind []int64) (work recountWork, err error) {
	if len(judgedBehind) > 0 {
		err = s.db.Write(ctx, func(tx *sqldb.Tx) error { return judgement.DeleteBehind(ctx, tx, judgedBehind) })
		if err != nil {
			return work, err
		}
	}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		if work.scanned, err = artifacts.LeftToRematch(ctx, tx); err != nil {
			return err
		}
		sets, err := judgement.ChangedSets(ctx, tx)
		if err != nil {
			return err
		}
		if work.artifacts, err = sqldb.CollectChunks(ctx, tx, selectArtifactsOfSetsSQL, nil, sets, sqldb.ScanID); err != nil {
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

// readAheadConnections is how many connections read ahead; one of SQLite's pool is left to others.
const readAheadConnections = 2

// readAhead loads the sets of holders before the writing transaction, so that this is short.
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
	g.SetLimit(readAheadConnections)
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

// recountChangedByScans counts artifacts that scans left to the rematch with the indexes above them, and
// deletes these records in the same transaction: a scan that changes one again adds it again.
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
			return artifacts.DeleteLeftToRematch(ctx, tx, part)
		})
		if err != nil {
			return images, err
		}
		images += w.Images
	}
	return images, nil
}
