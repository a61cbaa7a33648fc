// Package decisions stores what people said about findings, and the VEX documents that they
// imported.
package decisions

import (
	"context"

	"plimsoll/store/sqldb"
)

// Store answers for the tables of decisions.
type Store struct {
	db            *sqldb.DB
	refreshImages RefreshImagesFunc
}

// RefreshImagesFunc brings the shown counts of the images of artifacts up to date.
type RefreshImagesFunc func(ctx context.Context, tx *sqldb.Tx, artifacts []int64) error

// New makes a store over an engine whose schema is current.
func New(db *sqldb.DB, refreshImages RefreshImagesFunc) *Store {
	return &Store{db: db, refreshImages: refreshImages}
}
