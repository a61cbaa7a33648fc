// Package api answers over HTTP: the container-image operations of Huawei Cloud HSS v5
// and our own under /api/v1.
//
// It is the last room of the flow: stored rows in, JSON out. A handler decodes, asks one
// role and encodes. The roles are small interfaces beside their handlers; the store and
// the services that cmd builds fill them in. Words of the vendor's contract stand in this
// package and nowhere else; wire.go holds the conversions, one function each way per noun.
//
// A request passes, in this order: request id, log line, panic guard, security headers
// (door.go), the router, who is asking (access.go), the query clean-up (query.go), huma's
// decoding and validation, the handler. Every error leaves through errors.go.
package api
