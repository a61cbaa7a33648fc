// Package feed keeps advisories current from upstreams on the network or in a folder:
// the OSV bucket (a full dump and an index of changes for each ecosystem), dumps of others,
// CISA's catalogue of exploited vulnerabilities, and EPSS.
//
// Fetching and parsing are apart: a fetch puts a file into a temporary directory, parsers
// take readers. What an upstream sends is hostile: every body is bounded in bytes and in
// silence, names of records never become paths unchecked, and a failed attempt leaves what
// was read before in place. It sits in front of package advisory, which imports.
package feed
