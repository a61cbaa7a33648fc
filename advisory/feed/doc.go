// Package feed keeps advisories current from upstreams on the network or in a folder:
// the OSV bucket (a full dump and an index of changes for each ecosystem), dumps of others,
// CISA's catalogue of exploited vulnerabilities, and EPSS.
//
// Fetching and parsing are separate: a fetch stores a file in a temporary directory, parsers
// take readers. An upstream is not trusted: each response has a limit on its bytes and on
// the time between bytes, names of records are checked before they become paths, and a failed
// update leaves the stored feed as it was. Package advisory does the import.
package feed
