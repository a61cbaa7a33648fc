// Package judgement stores what is wrong with packages, keyed by content: package sets,
// verdicts about their packages, and the rematches that change them. It has no images and
// no tenants: what it stores is shared by all of them.
//
// A row of set_vulnerability is a finding: a verdict about a package of a set. It has the ids of the
// rematches that began and ended it. Readers see the rows of their Gate. The files rematch*.go are
// the store's side of package rematch, which explains the protocol.
package judgement

import (
	"context"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// Store answers for the tables of the judgement.
type Store struct {
	db            *sqldb.DB
	saveMalicious SaveMalicious
}

// SaveMalicious stores which packages of judgements are malware, updates the artifacts that contain
// them, and returns the number of these artifacts.
type SaveMalicious func(ctx context.Context, js []plimsoll.PackageJudgement) (artifacts int, err error)

// New makes a store over an engine whose schema is current.
func New(db *sqldb.DB, malicious SaveMalicious) *Store {
	return &Store{db: db, saveMalicious: malicious}
}
