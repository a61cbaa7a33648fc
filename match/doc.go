// Package match compares packages with advisories. [Keys] returns which advisories are
// needed for a list of packages, [Judge] returns the vulnerabilities, and [Explain] shows
// how one vulnerability was judged. The functions are pure: they use no clock, no network
// and no database. Package scan calls them for a new package set, and again when advisories
// change.
//
// The differences between ecosystems are in one table, schemes.go: which name and version
// of a package its advisories use, how releases compare, and how versions are ordered.
// Ranges follow the evaluation algorithm of the OSV schema
// (https://ossf.github.io/osv-schema/#evaluation), severity follows docs/severity.md.
//
// A package that cannot be judged is reported as such, never as "not affected".
package match
