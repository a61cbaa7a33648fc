// Package advisory reads OSV records (https://ossf.github.io/osv-schema/) from a folder
// or a zip and saves them in a store. Reading, parsing and saving are separate: [Open]
// lists files within bounds, [Parse] reads one record, [Update] compares a dump with what
// is stored and saves the difference as one revision.
//
// A dump is untrusted input: entries, sizes and counts are bounded, names of
// entries never become paths, and skipped files are counted by reason.
package advisory
