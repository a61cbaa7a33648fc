// Package advisory reads OSV records (https://ossf.github.io/osv-schema/) from a folder
// or a zip and hands them to a store. Reading, parsing and saving are apart: Open knows
// files and their bounds, Parse one record, Import the order of things.
//
// A dump comes from a stranger: entries, sizes and counts are bounded, names of
// entries never become paths, and what is skipped is counted by reason.
package advisory
