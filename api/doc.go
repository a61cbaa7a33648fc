// Package api answers over HTTP. It assembles three families of operations over one base:
//
//   - api/hss: the container-image operations of the vendor's contract, /v5
//   - api/iam: tokens, projects and enterprise projects, /v3 and /v1.0
//   - api/v1: our own operations, /api/v1
//   - api/base: what they share; its package comment describes the way of a request
//
// It is the last package of the flow: stored rows in, JSON out. A handler decodes, asks one
// role and encodes. The roles are small interfaces beside their handlers; the store and
// the services that cmd builds implement them. docs/add-an-operation.md shows how an operation is added.
package api
