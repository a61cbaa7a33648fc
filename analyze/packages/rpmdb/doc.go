// Package rpmdb reads the packages of an rpm database in its three formats: Berkeley DB
// hash (either byte order), ndb and SQLite.
//
// A database is hostile. Every page, slot and blob is checked against the size of the file. No page
// is read twice, so reading always ends. Berkeley DB and ndb are read in place; for SQLite the
// context's deadline interrupts the query.
//
// The library below osv-scalibr's extractor of these formats panics in its own goroutine on a wrong
// page number, allocates without limit if pages form a circle, and accepts half a SQLite file as a
// whole one (docs/decisions/0005).
package rpmdb
