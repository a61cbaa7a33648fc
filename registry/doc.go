// Package registry reads an OCI registry (OCI Distribution Specification 1.1, and the
// Docker Registry HTTP API V2 it grew from): repositories, tags, manifests, blobs.
//
// A Client is a source of package intake: a sync lists with it, and a scan reads manifests and blobs with it. It
// never writes to a registry, clients share nothing, and credentials are passed in by value.
//
// Every answer is treated as hostile: reads are bounded, names that break the grammar are
// dropped, digests and sizes are proven, and credentials go to the registry's own origin and
// to listed token hosts only. A request passes these stages, each in the file of its name:
//
//	redirect → auth → retry → stall → the transport of the deployment (package outbound)
//
// Errors are plimsoll.Error with a plimsoll.Failure: 401 and 403 are Forbidden with
// FailureAuth, 404 is NotFound with FailureNotFound, an exceeded budget is TooLarge with
// FailureOversized, and any other reason why bytes do not arrive is FailureDownload. A context that ended is
// returned as its own error.
package registry
