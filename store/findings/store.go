// Package findings stores what scans found in artifacts (settings, passwords, secrets,
// malware, files), and lists it for images together with their vulnerabilities.
package findings

import (
	"plimsoll/store/images"
	"plimsoll/store/sqldb"
)

// Store answers for the tables of findings.
type Store struct{ db *sqldb.DB }

// New makes a store over an engine whose schema is current.
func New(db *sqldb.DB) *Store { return &Store{db: db} }

// findingWriter is a transaction that saves findings and brings the counts above them up to date.
type findingWriter struct{ *images.Writer }

func newWriter(tx *sqldb.Tx) *findingWriter { return &findingWriter{images.NewWriter(tx)} }
