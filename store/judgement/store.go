// Package judgement stores what is wrong with packages, keyed by content: package sets,
// verdicts about their packages, and the rematches that change them. It has no images and
// no tenants: what it stores is shared by all of them.
//
// A row of set_vulnerability is a finding: a verdict about a package of a set. It carries the
// rematches that began and ended it; readers see the rows that are valid at a Gate.
package judgement

import "plimsoll/store/sqldb"

// Store answers for the tables of the judgement.
type Store struct{ db *sqldb.DB }

// New makes a store over an engine whose schema is current.
func New(db *sqldb.DB) *Store { return &Store{db: db} }
