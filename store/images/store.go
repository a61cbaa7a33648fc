// Package images stores the inventory: registries, the images that a sync found in them, and
// the counts that image rows show.
package images

import (
	"context"

	"plimsoll/store/decisions"
	"plimsoll/store/sqldb"
)

// Store answers for the tables of registries and images.
type Store struct{ db *sqldb.DB }

// New makes a store over an engine whose schema is current.
func New(db *sqldb.DB) *Store { return &Store{db: db} }

// Writer is a transaction that rewrites what images show.
type Writer struct {
	*sqldb.Changes
	Images int // rows of image among those that changed

	decided *bool // whether there is, or was, any decision; nil = not read yet

	// The active decisions, by project. They are read when images are refreshed, which is
	// the last thing that a transaction does.
	active map[string]*decisions.Active
}

// NewWriter makes a writer in a transaction.
func NewWriter(tx *sqldb.Tx) *Writer { return &Writer{Changes: sqldb.NewChanges(tx)} }

// RefreshImages brings the shown counts of the images of artifacts up to date.
func RefreshImages(ctx context.Context, tx *sqldb.Tx, artifacts []int64) error {
	return NewWriter(tx).RefreshImages(ctx, artifacts)
}
