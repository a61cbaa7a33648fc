package store

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"plimsoll"
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
	work, err := s.toCount(ctx)
	if err != nil {
		return 0, err
	}
	c := newCounter(gate(r.ID))
	for _, kind := range [...]struct {
		setsOf  string
		holders []int64
	}{{sqlSetsOfArtifacts, work.artifacts}, {sqlSetsOfIndexes, work.indexes}} {
		for part := range slices.Chunk(kind.holders, countsAhead) {
			if err := s.readAhead(ctx, c, kind.setsOf, part); err != nil {
				return images, err
			}
			n, err := s.countAll(ctx, r, c, kind.setsOf, part)
			images += n
			if err != nil {
				return images, err
			}
			c.trim()
		}
	}
	n, err := s.countAsked(ctx, r, c, work.asked)
	return images + n, err
}

// toCount is what RecountChanged looks at; asked are the artifacts that scans changed.
type toCount struct{ artifacts, indexes, asked []int64 }

func (s *Store) toCount(ctx context.Context) (work toCount, err error) {
	err = s.db.read(ctx, func(tx *Tx) error {
		rows, err := tx.Query(ctx, `SELECT artifact_id FROM artifact_recount WHERE artifact_id > 0`)
		if work.asked, err = collect(rows, err, scanID); err != nil {
			return err
		}
		rows, err = tx.Query(ctx, `SELECT set_id FROM set_recount WHERE set_id > 0`)
		sets, err := collect(rows, err, scanID)
		if err != nil {
			return err
		}
		for part := range slices.Chunk(sets, chunk) {
			rows, err := tx.Query(ctx, `SELECT DISTINCT artifact_id FROM artifact_set WHERE set_id IN (`+marks(len(part))+`)`, anys(part)...)
			found, err := collect(rows, err, scanID)
			if err != nil {
				return err
			}
			work.artifacts = append(work.artifacts, found...)
		}
		slices.Sort(work.artifacts)
		work.artifacts = slices.Compact(work.artifacts)
		for part := range slices.Chunk(work.artifacts, chunk) {
			found, err := indexesAbove(ctx, tx, part)
			if err != nil {
				return err
			}
			work.indexes = append(work.indexes, found...)
		}
		slices.Sort(work.indexes)
		work.indexes = slices.Compact(work.indexes)
		return nil
	})
	return work, err
}

// readers is how many connections read ahead; one of SQLite's pool is left to others.
const readers = 2

// readAhead loads the sets of holders without the writer.
func (s *Store) readAhead(ctx context.Context, c *counter, setsOf string, holders []int64) error {
	var all []int64
	err := s.db.read(ctx, func(tx *Tx) error {
		for part := range slices.Chunk(holders, chunk) {
			sets, err := setsOfHolders(ctx, tx, setsOf, part)
			if err != nil {
				return err
			}
			for _, list := range sets {
				all = append(all, list...)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for part := range slices.Chunk(c.missing(all), chunk) {
		g.Go(func() error {
			return s.db.read(ctx, func(tx *Tx) error { return c.load(ctx, tx, part) })
		})
	}
	return g.Wait()
}

func (s *Store) countAll(ctx context.Context, r plimsoll.Rematch, c *counter, setsOf string, holders []int64) (images int, err error) {
	for part := range slices.Chunk(holders, countsPerWrite) {
		var w *writer
		err := s.db.write(ctx, func(tx *Tx) error {
			w = &writer{Tx: tx}
			return w.recountWith(ctx, c, r.ID, setsOf, part)
		})
		if err != nil {
			return images, err
		}
		images += w.images
	}
	return images, nil
}

// countAsked counts artifacts with the indexes above them, and takes them off the list in
// the same transaction: a scan that changes one once more puts it back.
func (s *Store) countAsked(ctx context.Context, r plimsoll.Rematch, c *counter, artifacts []int64) (images int, err error) {
	for part := range slices.Chunk(artifacts, countsPerWrite) {
		var w *writer
		err := s.db.write(ctx, func(tx *Tx) error {
			w = &writer{Tx: tx}
			indexes, err := indexesAbove(ctx, tx, part)
			if err != nil {
				return err
			}
			if err := w.recountWith(ctx, c, r.ID, sqlSetsOfArtifacts, part); err != nil {
				return err
			}
			if err := w.recountWith(ctx, c, r.ID, sqlSetsOfIndexes, indexes); err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `DELETE FROM artifact_recount WHERE artifact_id IN (`+marks(len(part))+`)`, anys(part)...)
			return err
		})
		if err != nil {
			return images, err
		}
		images += w.images
	}
	return images, nil
}

// leaveToRematch makes a running rematch count artifacts that a scan has changed, and the
// indexes above them. Until then they show the judgement of before.
func (w *writer) leaveToRematch(ctx context.Context, artifact int64) error {
	last, err := lastRematch(ctx, w.Tx, false)
	if err != nil || last.ID == 0 || last.finished {
		return err
	}
	indexes, err := indexesAbove(ctx, w.Tx, []int64{artifact})
	if err != nil {
		return err
	}
	ids := anys(append(indexes, artifact))
	if _, err := w.Exec(ctx, `UPDATE artifact SET counted = 0 WHERE counted <> 0 AND id IN (`+marks(len(ids))+`)`, ids...); err != nil {
		return err
	}
	_, err = w.Exec(ctx, `INSERT INTO artifact_recount (artifact_id) VALUES (?) ON CONFLICT DO NOTHING`, artifact)
	return err
}
