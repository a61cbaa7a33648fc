// Package scan inspects one image, from its manifest to a record of what it contains and what is
// wrong with it.
//
//	Source ─► Pass (a blob in, reports out) ─► layer.Fold ─► kinds of findings ─► match ─► ScanRecord
//
// Inspector runs this flow and writes layer reports only. It goes through a list of kinds of
// findings and knows none of them. Worker connects it to the backlog and the store. Package rematch
// judges stored packages again when advisories change.
package scan
