// Package accounts stores who may ask: domains, projects, enterprise projects, users with
// their grants, tokens and access keys.
package accounts

import "plimsoll/store/sqldb"

// Store answers for the tables of accounts.
type Store struct{ db *sqldb.DB }

// New makes a store over an engine whose schema is current.
func New(db *sqldb.DB) *Store { return &Store{db: db} }
