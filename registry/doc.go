// Package registry reads an OCI registry (OCI Distribution Specification 1.1, and the
// Docker Registry HTTP API V2 it grew from): repositories, tags, manifests, blobs.
//
// It stands at the start of the flow: intake lists with a Client, scans read an image
// through a Repository. Nothing is ever written to a registry, nothing is kept between
// clients, and credentials are passed in by value.
//
// Every answer is taken as hostile: reads are bounded, names that break the grammar are
// dropped, digests and sizes are proven, and credentials go to the registry's own origin and
// to listed token hosts only. A request passes these stages, each in the file of its name:
//
//	redirect → auth → retry → stall → the transport of the deployment (package outbound)
//
// Errors are plimsoll.Error with a plimsoll.Failure: 401 and 403 are Forbidden with
// FailureAuth, 404 is NotFound with FailureNotFound, a met budget is TooLarge with FailureOversized,
// and whatever else keeps bytes from arriving carries FailureDownload. A context that ended is
// returned as its own error.
package registry
