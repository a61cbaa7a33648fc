// Package layers stores what analyzers reported about layers, keyed by content, and which blobs
// projects proved to unpack to which diff IDs. Cache is the same in a database of its own, for
// scans without a server.
package layers

import "plimsoll/store/sqldb"

// Store keeps layer reports by content, and which blob each project turned into what.
type Store struct{ db *sqldb.DB }

// New makes a store over an engine whose schema is current.
func New(db *sqldb.DB) *Store { return &Store{db: db} }
