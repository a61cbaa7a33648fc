package registry_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"plimsoll"
	"plimsoll/registry"
)

// A client lists the tags of a repository and resolves each to the digest of its manifest.
func ExampleClient() {
	manifest := []byte(`{"schemaVersion":2,"manifests":[]}`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v2/team/web/tags/list":
			fmt.Fprint(w, `{"name":"team/web","tags":["1.4.0"]}`)
		case "/v2/team/web/manifests/1.4.0":
			w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
			w.Write(manifest)
		}
	}))
	defer server.Close()
	client, err := registry.New(registry.Options{URL: server.URL, Transport: http.DefaultTransport, Budget: plimsoll.DefaultBudget()})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	tags, err := client.Tags(ctx, "team/web")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, tag := range tags {
		d, err := client.Resolve(ctx, "team/web", tag.Tag)
		fmt.Println(tag.Tag, d.Digest.Short(), d.Size, err)
	}
	// Output: 1.4.0 bc5857ac9458 34 <nil>
}
