// Package conformance drives a running server with the vendor's own client.
//
// It is a module of its own, so that the client, a quarter of a gigabyte unpacked,
// never enters the server's dependencies; the server is a binary that is built from the folder
// above and started as an operator would (`plimsoll serve --demo`). Nothing is imported from it:
// what these tests know of the server, they know from the wire.
//
// Each test runs as three clients, which differ in how they say who they are: by a token, signed by the
// vendor's own signer, and signed by one of ours that signs every header, host and content-type included.
//
//	go test ./...                      # in this folder
//	make conformance                   # in the folder above
package conformance
