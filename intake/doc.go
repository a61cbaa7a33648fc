// Package intake turns registries into rows of the inventory. It lists what a source contains, compares
// that with what is stored, reads only what is new, and requests scans. It also keeps the connections: which
// source, with which credentials, belongs to which registry.
//
//	Source ─► Syncer ─► images, artifacts and scan work, one transaction per repository
//
// A Source is a registry behind one of several protocols. To add one, implement Source in a package of its own
// and choose it by kind in Connector.newSource. The OCI client of package registry was the first.
package intake
