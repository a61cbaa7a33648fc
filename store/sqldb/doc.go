// Package sqldb is what every part of the store shares: an open database, transactions that
// rebind placeholders, lists of keys in chunks, stored forms of values, and error codes.
//
// It has no tables of its own. SQL is written with ? placeholders, which Dialect rebinds; a list of
// keys is written as (:keys), which QueryChunks, CollectChunks and ExecChunks fill in.
package sqldb
