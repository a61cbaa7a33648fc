package client_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"plimsoll"
	"plimsoll/client"
)

// everyCall calls each method of a client once.
func everyCall(ctx context.Context, c *client.Client, zip string) {
	const id = "1"
	_, _ = c.Images(ctx, plimsoll.ImageFilter{Limit: 1})
	_, _ = c.Image(ctx, id)
	_, _ = c.ScanImages(ctx, []plimsoll.ImageRef{{Namespace: "a", Name: "b", Tag: "c"}})
	_, _ = c.ImageFiles(ctx, id)
	_, _ = c.BaseImages(ctx, id)
	_, _ = c.ImagePackages(ctx, id, false)
	_, _ = c.ImageVulnerabilities(ctx, id, false)
	_, _ = c.ImageSettings(ctx, id)
	_, _ = c.ImageSecrets(ctx, id, client.ProfileAll)
	_, _ = c.ImageHistory(ctx, id, plimsoll.HistoryFilter{Limit: 1})
	_, _ = c.ImageFindingsAt(ctx, id, plimsoll.HistoryFilter{Limit: 1})
	_, _ = c.Explain(ctx, plimsoll.Image{ID: 1}, "CVE-1")
	_, _ = c.SoftwarePolicy(ctx)
	_, _ = c.SetSoftwarePolicy(ctx, nil)
	_, _ = c.Registries(ctx)
	_, _ = c.AddRegistry(ctx, plimsoll.RegistrySpec{})
	_ = c.RemoveRegistry(ctx, "r")
	_, _ = c.RequestSync(ctx, "r")
	_, _ = c.Tasks(ctx, plimsoll.WorkScan, 1)
	_, _ = c.Task(ctx, 1)
	_, _ = c.AdvisoryStatus(ctx)
	_, _ = c.UploadAdvisories(ctx, "feed", zip)
	_, _ = c.Decisions(ctx, plimsoll.DecisionFilter{Limit: 1})
	_, _ = c.AddDecision(ctx, plimsoll.Decision{})
	_ = c.RemoveDecision(ctx, 1)
	_, _ = c.ImportVEX(ctx, []byte("{}"))
	_, _ = c.ExportVEX(ctx, id)
	_, _ = c.Users(ctx)
	_, _ = c.AddUser(ctx, "u", "p", nil)
	_ = c.SetPassword(ctx, "u", "p")
	_ = c.RemoveUser(ctx, "u")
	_, _ = c.Keys(ctx, "u")
	_, _, _ = c.CreateKey(ctx, "u", "")
	_ = c.RevokeKey(ctx, "u", "a")
	_, _ = c.Version(ctx)
}

// TestEveryOperationHasAMethod compares the requests of a client with the operations under /api/v1 that a server
// describes in its OpenAPI document.
func TestEveryOperationHasAMethod(t *testing.T) {
	resp, err := http.Get(demoConfig().Endpoint + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.NewDecoder(resp.Body).Decode(&document); err != nil {
		t.Fatal(err)
	}
	zip := filepath.Join(t.TempDir(), "feed.zip")
	if err := os.WriteFile(zip, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := &fake{}
	everyCall(t.Context(), signedIn(t, f), zip)
	var asked [][]string // method and segments of the path
	for _, request := range f.asked {
		method, rest, _ := strings.Cut(request, " ")
		path, _, _ := strings.Cut(rest, " ")
		asked = append(asked, append([]string{method}, strings.Split(path, "/")...))
	}
	described := 0
	for path, methods := range document.Paths {
		if !strings.HasPrefix(path, "/api/v1/") {
			continue
		}
		for method := range methods {
			described++
			operation := append([]string{strings.ToUpper(method)}, strings.Split(path, "/")...)
			if i := slices.IndexFunc(asked, func(a []string) bool { return isRequestOf(a, operation) }); i < 0 {
				t.Errorf("no method calls %s %s", strings.ToUpper(method), path)
			}
		}
	}
	if described < 30 || len(asked) != described {
		t.Errorf("%d operations are described, %d requests were made", described, len(asked))
	}
}

// isRequestOf reports whether a request is one of an operation, whose path has parameters in braces.
func isRequestOf(request, operation []string) bool {
	return slices.EqualFunc(request, operation, func(r, o string) bool { return r == o || strings.HasPrefix(o, "{") })
}
