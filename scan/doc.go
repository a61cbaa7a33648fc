// Package scan takes one image from its manifest to a record of what is in it and
// what is wrong with it, and judges stored packages again when advisories change.
//
//	Source ─► Pass (a blob in, reports out) ─► layer.Fold ─► checks ─► match ─► ScanRecord
//
// Inspector does the above and writes nothing but layer reports. Worker joins it to
// the backlog and the store. Rematcher starts from stored packages and needs no
// registry.
package scan
