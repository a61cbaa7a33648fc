// Package history stores what tags pointed to and which package sets images had, from when
// until when, and derives from that and from the judgement what happened to an image.
package history

import "plimsoll/store/sqldb"

// Store answers for the history of images.
type Store struct{ db *sqldb.DB }

// New makes a store over an engine whose schema is current.
func New(db *sqldb.DB) *Store { return &Store{db: db} }
