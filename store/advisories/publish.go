package advisories

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// feedState sums up a feed as the running import leaves it.
type feedState struct {
	records    int
	newest     int64
	ecosystems map[string]bool
}

const selectFeedStateSQL = `
SELECT ecosystems, COUNT(*), MAX(modified) FROM record
WHERE feed = ? AND to_revision IS NULL GROUP BY ecosystems`

const countThreatsSQL = `SELECT COUNT(*) FROM threat WHERE feed = ? AND to_revision IS NULL`

func (a *Store) feedState(ctx context.Context, feed string) (feedState, error) {
	s := feedState{ecosystems: map[string]bool{}}
	err := a.db.Read(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(ctx, selectFeedStateSQL, feed)
		_, err = sqldb.Collect(rows, err, func(rows *sql.Rows) (none struct{}, err error) {
			var names string
			var records int
			var newest int64
			err = rows.Scan(&names, &records, &newest)
			s.records += records
			s.newest = max(s.newest, newest)
			for name := range strings.SplitSeq(names, "\n") {
				if name != "" {
					s.ecosystems[name] = true
				}
			}
			return none, err
		})
		if err != nil {
			return err
		}
		var threats int
		err = tx.QueryRow(ctx, countThreatsSQL, feed).Scan(&threats)
		s.records += threats
		return err
	})
	return s, err
}

const upsertCheckSQL = `
INSERT INTO feed_check (feed, checked_at) VALUES (?, ?)
ON CONFLICT (feed) DO UPDATE SET checked_at = excluded.checked_at`

// PublishImport makes the rows of the running import visible, all at once, and
// returns the newest revision. An import that changed nothing makes none: it is only
// noted as a check of the feed. Then it deletes what no reader needs any more.
func (a *Store) PublishImport(ctx context.Context) (plimsoll.Revision, error) {
	i, err := a.running()
	if err != nil {
		return 0, err
	}
	if !i.changed {
		return i.revision - 1, a.db.Write(ctx, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, upsertCheckSQL, i.feed, tx.Now())
			return err
		})
	}
	if err := a.inSlices(ctx, func(w *sliceWriter) error { return i.lookups.flush(ctx, w) }); err != nil {
		return 0, err
	}
	state, err := a.feedState(ctx, i.feed)
	if err != nil {
		return 0, err
	}
	known, err := a.noteChanges(ctx, i.revision)
	if err != nil {
		return 0, err
	}
	rated, err := a.noteRated(ctx, i.revision, i.rated)
	if err != nil {
		return 0, err
	}
	known = known && rated
	err = a.db.Write(ctx, func(tx *sqldb.Tx) error { return publishRevision(ctx, tx, i, state, known) })
	if err != nil {
		return 0, err
	}
	i.changed = false
	i.revision++
	i.rated = nil
	return i.revision - 1, errors.Join(a.pruneRecords(ctx, i.revision-1), a.pruneThreats(ctx, i.revision-1))
}

const insertRevisionSQL = `INSERT INTO revision (id, feed, created_at, known) VALUES (?, ?, ?, ?)`

const upsertFeedSQL = `
INSERT INTO feed (name, source, records, revision, changed_at, newest) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET source = excluded.source, records = excluded.records,
    revision = excluded.revision, changed_at = excluded.changed_at, newest = excluded.newest`

const deleteReleasesSQL = `DELETE FROM feed_release WHERE feed = ?`

const insertReleaseSQL = `INSERT INTO feed_release (feed, ecosystem) VALUES (?, ?)`

func publishRevision(ctx context.Context, tx *sqldb.Tx, i *advisoryImport, state feedState, known bool) error {
	now := tx.Now()
	same, err := sameCoverage(ctx, tx, i.feed, state.ecosystems)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, insertRevisionSQL, i.revision, i.feed, now, sqldb.BoolInt(known && same)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, upsertFeedSQL, i.feed, i.source, state.records, i.revision, now, state.newest); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, upsertCheckSQL, i.feed, now); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, deleteReleasesSQL, i.feed); err != nil {
		return err
	}
	for name := range state.ecosystems {
		if _, err := tx.Exec(ctx, insertReleaseSQL, i.feed, name); err != nil {
			return err
		}
	}
	return nil
}

const forgetChangesSQL = `UPDATE revision SET known = 0 WHERE id <= ? AND known = 1`

// forgetChanges marks old revisions as those whose changes are no longer known.
func forgetChanges(ctx context.Context, tx *sqldb.Tx, old plimsoll.Revision) error {
	_, err := tx.Exec(ctx, forgetChangesSQL, old)
	return err
}
