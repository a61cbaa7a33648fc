// Package intake turns registries into rows of the inventory: it lists what a
// registry holds, compares it with what is known, reads only what is new, and
// asks for scans. It also keeps the connections: which client, with which
// credentials, belongs to which registry.
//
//	registry ─► intake ─► images, artifacts and scan work, one transaction a repository
package intake
