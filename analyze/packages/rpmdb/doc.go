// Package rpmdb reads the packages of an rpm database in its three formats: Berkeley DB
// hash (either byte order), ndb and SQLite.
//
// A database is hostile. Every page, slot and blob is checked against the size of the
// file, nothing is read twice because a pointer says so, and reading ends. Berkeley DB and
// ndb are read in place; for SQLite the context's deadline interrupts the query.
//
// osv-scalibr has an extractor of these formats, over a library that panics in a
// goroutine of its own on a page number, that grows without bound where pages lead in
// circles, and that takes half a SQLite file for a whole one; docs/decisions/0005 says more.
// In the flow this stands below analyze/packages.
package rpmdb
