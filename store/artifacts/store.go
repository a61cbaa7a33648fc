// Package artifacts stores what tags point to: manifests and indexes of one tenant with their
// layers, members and package sets, and how their last scan ended.
package artifacts

import "plimsoll/store/sqldb"

// Store answers for the tables of artifacts.
type Store struct{ db *sqldb.DB }

// New makes a store over an engine whose schema is current.
func New(db *sqldb.DB) *Store { return &Store{db: db} }
