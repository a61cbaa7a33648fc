// Package v1 answers our own operations under /api/v1, which the command line and the console use.
//
// One scheme: no project in the path, but the token's, or that of the query parameter project. Lists have the
// shape base.List: items, a cursor next for the parameter after, and a total where it is known. Errors have a code,
// a message, a hint and a request id.
package v1
