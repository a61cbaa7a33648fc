// Package store is the inventory database: the inventory, the judgement, the backlog and who
// may ask, over SQL. Store joins the parts, which are folders of their own; each writes its own
// tables, and a table has one writing part. They depend one way:
//
//	sqldb      connection, transactions, chunks of keys, stored forms: has no tables of its own
//	accounts   domains, projects, users, tokens, access keys
//	layers     layer reports by content, proofs of bytes; Cache for scans without a server
//	backlog    units of work and the tasks that wait for them
//	judgement  packages, package sets, verdicts, findings, rematches: shared by all tenants
//	artifacts  manifests and indexes with layers, members, package sets and raw counts
//	decisions  decisions about findings, VEX documents
//	history    what tags pointed to, which sets images had, and the events that follow
//	images     registries, images, syncs, shown counts
//	findings   what scans found, and its lists for images
//
// The advisory database is another file and another package, advisories. sqlite opens both
// and has their migrations; storetest defines what a store does, for every engine.
package store
