// Package match holds packages against advisories. It is pure: packages and evidence
// in, a judgement out, with no clock, no network and no database. scan calls it for a
// new package set, and again when advisories change.
//
// What differs between ecosystems stands in one table, scheme.go: which name and
// version advisories speak of, how releases compare, how versions are ordered. The
// ranges follow the evaluation algorithm of the OSV schema
// (https://ossf.github.io/osv-schema/#evaluation), the severity docs/severity.md.
//
// What cannot be judged is reported as such, never as "not affected".
package match
