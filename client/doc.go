// Package client is a Go client of a running Plimsoll server: of our own operations under /api/v1, and of the sign-in
// under /v3.
//
//	c, err := client.New(ctx, client.Config{Endpoint: "https://plimsoll.example.org", User: "ci", Password: password})
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	page, err := c.Images(ctx, plimsoll.ImageFilter{Namespace: "shop", Limit: 50})
//
// Methods use the types of package plimsoll. Their errors have the code that the server answered with:
// plimsoll.ErrorCode(err) is plimsoll.NotFound for an image that is not there, plimsoll.Unavailable for a server that
// does not answer. What a caller may see and do is decided by the server. A Client can be used by several goroutines.
package client
