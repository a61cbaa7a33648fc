// Package scan takes one image from its manifest to a record of what is in it and
// what is wrong with it.
//
//	Source ─► Pass (a blob in, reports out) ─► layer.Fold ─► checks ─► match ─► ScanRecord
//
// Inspector does the above and writes nothing but layer reports. Worker connects it to
// the backlog and the store. Package rematch judges stored packages again when advisories change.
package scan
