package store

// Store answers for the inventory database. Its methods are in the files of their nouns.
type Store struct {
	*Layers
	db *DB
}

// New makes a store over an engine whose schema is current.
func New(db *DB) *Store { return &Store{Layers: &Layers{db}, db: db} }

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// DB is the engine, for the queue, which keeps its own tables beside the store's.
func (s *Store) DB() *DB { return s.db }
