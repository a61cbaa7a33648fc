// Package base holds what the families of operations share: the table of operations and its registration,
// middleware, authentication, the role check, errors, paging and bodies.
//
// A family (api/hss, api/iam, api/v1) is a table of Operation rows, an error body and the path prefixes that belong
// to it. Everything else follows from the table: registration, authentication, the role check, the OpenAPI, the list
// in docs/operations.md and the tests of who may do what.
//
// A request passes, in this order: request id, log line, panic guard, security headers (middleware.go), the router,
// authentication (authenticate.go), the query clean-up (query.go), huma's decoding and validation, the role check
// (authorize.go), the handler. Every error leaves through errors.go.
package base
