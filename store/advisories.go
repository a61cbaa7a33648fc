package store

// Advisories answers for the advisory database.
type Advisories struct {
	db *DB
}

// NewAdvisories makes a store over an engine whose advisory schema is current.
func NewAdvisories(db *DB) *Advisories { return &Advisories{db: db} }

// Close closes the database.
func (a *Advisories) Close() error { return a.db.Close() }
