package store

import (
	"plimsoll/store/accounts"
	"plimsoll/store/artifacts"
	"plimsoll/store/backlog"
	"plimsoll/store/decisions"
	"plimsoll/store/findings"
	"plimsoll/store/history"
	"plimsoll/store/images"
	"plimsoll/store/judgement"
	"plimsoll/store/layers"
	"plimsoll/store/sqldb"
)

// The parts of a store. Each is named, so that Store can embed them side by side.
type (
	accountStore   = accounts.Store
	layerStore     = layers.Store
	backlogStore   = backlog.Store
	judgementStore = judgement.Store
	artifactStore  = artifacts.Store
	decisionStore  = decisions.Store
	imageStore     = images.Store
	historyStore   = history.Store
	findingStore   = findings.Store
)

// Store answers for the inventory database. Its methods are those of its parts, and a few
// about the database as a whole.
type Store struct {
	*accountStore
	*layerStore
	*backlogStore
	*judgementStore
	*artifactStore
	*decisionStore
	*imageStore
	*historyStore
	*findingStore

	db *sqldb.DB
}

// New makes a store over an engine whose schema is current. Three parts call parts that depend
// on them, by the functions that they get here.
func New(db *sqldb.DB) *Store {
	found := findings.New(db)
	return &Store{
		accountStore:   accounts.New(db),
		layerStore:     layers.New(db),
		backlogStore:   backlog.New(db, findings.FailScanOf),
		judgementStore: judgement.New(db, found.SaveMalicious),
		artifactStore:  artifacts.New(db),
		decisionStore:  decisions.New(db, images.RefreshImages),
		imageStore:     images.New(db),
		historyStore:   history.New(db),
		findingStore:   found,
		db:             db,
	}
}

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// DB returns the engine.
func (s *Store) DB() *sqldb.DB { return s.db }
