package app_test

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/app"
	"plimsoll/app/apptest"
)

// tenants are two projects of one server, each with a registry of its own.
type tenants struct {
	*servedSite
	ours, theirs           *apptest.Registry
	ourProject             string
	theirProject           string
	ourRegistry, theirsReg plimsoll.Registry
}

func newTenants(t *testing.T) *tenants {
	t.Helper()
	te := &tenants{ours: apptest.NewRegistry(t), theirs: apptest.NewRegistry(t)}
	te.servedSite = serveSite(t, te.ours, te.theirs)
	te.ourProject = te.Project.ID
	other, err := te.Users.AddProject(t.Context(), te.Domain.ID, "other")
	if err != nil {
		t.Fatal(err)
	}
	te.theirProject = other.ID
	te.ourRegistry = te.add(t, te.ourProject, "ours", te.ours, false)
	te.theirsReg = te.add(t, te.theirProject, "theirs", te.theirs, false)
	return te
}

func (te *tenants) add(t *testing.T, project, name string, e *apptest.Registry, shared bool) plimsoll.Registry {
	t.Helper()
	reg, err := te.Registries.Add(t.Context(), plimsoll.RegistrySpec{Registry: plimsoll.Registry{
		Tenant: plimsoll.Tenant{ProjectID: project}, Name: name, URL: e.URL, ScanOnSync: true, SharedBytes: shared,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

func (te *tenants) sync(t *testing.T, reg plimsoll.Registry) {
	t.Helper()
	if _, err := te.Registries.Sync(t.Context(), reg.ProjectID, reg.Name, func(plimsoll.Task) {}); err != nil {
		t.Fatal(err)
	}
}

func (te *tenants) image(t *testing.T, project, repository string) plimsoll.Image {
	t.Helper()
	page, err := te.Inventory().Images(t.Context(), plimsoll.ImageFilter{ProjectID: project, Repository: repository})
	if err != nil || page.Total != 1 {
		t.Fatalf("%s: %d images, %v", repository, page.Total, err)
	}
	return page.Items[0]
}

// findsNothing fails if anything is stored about what is inside an image.
func (te *tenants) findsNothing(t *testing.T, i plimsoll.Image) {
	t.Helper()
	if i.Counts != nil {
		t.Errorf("%s has counts: %+v", i.Repository, i.Counts)
	}
	rows := apptest.Query(t, te.Inventory().DB().Reader, fmt.Sprintf(`SELECT s.set_id FROM artifact_set s JOIN artifact a ON a.id = s.artifact_id
		WHERE a.project_id = '%s' AND a.digest = '%s'`, i.ProjectID, i.Digest))
	if len(rows) > 0 {
		t.Errorf("%s has package sets %v", i.Repository, rows)
	}
}

// TestForeignLayersCannotBeClaimed has images that name the diff ID of another project's
// layer, to be told what is in it. Without its bytes they are told nothing.
func TestForeignLayersCannotBeClaimed(t *testing.T) {
	te := newTenants(t)
	secret := apptest.Tar(t, apptest.File("etc/os-release", apptest.DebianRelease), apptest.File("var/lib/dpkg/status", apptest.Dpkg("openssl", "3.0.11-1~deb12u2")))
	te.ours.PushLayer(t, "team/secret", secret)
	te.sync(t, te.ourRegistry)
	if i := te.image(t, te.ourProject, "team/secret"); i.State != plimsoll.ScanDone || i.Counts == nil {
		t.Fatalf("our image: %+v", i)
	}

	known, blob := plimsoll.DigestOf(secret), apptest.Gzip(t, secret)
	own := goodLayer(t, "their own")
	te.theirs.Push(t, "spy/other-blob", [][]byte{apptest.Gzip(t, own)}, []plimsoll.Digest{known}, nil)
	te.theirs.Push(t, "spy/own-and-other", [][]byte{apptest.Gzip(t, own), apptest.Gzip(t, goodLayer(t, "more"))}, []plimsoll.Digest{plimsoll.DigestOf(own), known}, nil)
	te.theirs.Push(t, "spy/no-blob", [][]byte{blob}, []plimsoll.Digest{known}, nil)
	te.theirs.Answer("/v2/spy/no-blob/blobs/"+string(plimsoll.DigestOf(blob)), http.NotFound)
	te.theirs.Push(t, "spy/wrong-blob", [][]byte{blob}, []plimsoll.Digest{known}, nil)
	te.theirs.Answer("/v2/spy/wrong-blob/blobs/"+string(plimsoll.DigestOf(blob)), func(w http.ResponseWriter, _ *http.Request) {
		w.Write(bytes.Repeat([]byte("x"), len(blob))) //nolint:errcheck // the client reports it
	})
	te.sync(t, te.theirsReg)
	for repository, want := range map[string]plimsoll.FailureCode{
		"spy/other-blob": plimsoll.FailureDownload, "spy/own-and-other": plimsoll.FailureDownload,
		"spy/no-blob": plimsoll.FailureNotFound, "spy/wrong-blob": plimsoll.FailureDownload,
	} {
		i := te.image(t, te.theirProject, repository)
		if i.Failure != want {
			t.Errorf("%s: %q %s, want %q", repository, i.Failure, i.Detail, want)
		}
		te.findsNothing(t, i)
	}
	if proofs := apptest.Query(t, te.Inventory().DB().Reader, fmt.Sprintf(`SELECT 1 FROM layer_proof WHERE project_id = '%s' AND diff_id = '%s'`, te.theirProject, known)); len(proofs) > 0 {
		t.Error("the other project has a proof of bytes that it never had")
	}
}

// TestBytesAreProvenOnceAProject scans the same layer in two projects: each fetches it once,
// and then never again, not even for another image.
func TestBytesAreProvenOnceAProject(t *testing.T) {
	te := newTenants(t)
	base := goodLayer(t, "base")
	blob := plimsoll.DigestOf(apptest.Gzip(t, base))
	te.ours.PushLayer(t, "team/one", base)
	te.theirs.PushLayer(t, "team/one", base)
	te.sync(t, te.ourRegistry)
	if n := apptest.Fetched(te.ours.Since(), blob); n != 1 {
		t.Errorf("our first scan fetched the layer %d times", n)
	}
	te.sync(t, te.theirsReg)
	if n := apptest.Fetched(te.theirs.Since(), blob); n != 1 {
		t.Errorf("the other project's first scan fetched the layer %d times", n)
	}
	if n := len(apptest.Query(t, te.Inventory().DB().Reader, `SELECT DISTINCT project_id FROM layer_proof`)); n != 2 {
		t.Errorf("%d projects have proofs", n)
	}
	top := goodLayer(t, "top")
	te.theirs.Push(t, "team/two", [][]byte{apptest.Gzip(t, base), apptest.Gzip(t, top)}, []plimsoll.Digest{plimsoll.DigestOf(base), plimsoll.DigestOf(top)}, nil)
	te.sync(t, te.theirsReg)
	asked := te.theirs.Since()
	if base, top := apptest.Fetched(asked, blob), apptest.Fetched(asked, plimsoll.DigestOf(apptest.Gzip(t, top))); base != 0 || top != 1 {
		t.Errorf("the next image fetched the proven layer %d times and its own %d times", base, top)
	}
	for _, repository := range []string{"team/one", "team/two"} {
		if i := te.image(t, te.theirProject, repository); i.State != plimsoll.ScanDone || i.Counts == nil {
			t.Errorf("%s: %+v", repository, i)
		}
	}
}

// TestSharedRegistryNeedsNoProof reuses reports of layers of a registry that an administrator vouched for.
func TestSharedRegistryNeedsNoProof(t *testing.T) {
	te := newTenants(t)
	base := goodLayer(t, "base")
	te.ours.PushLayer(t, "team/one", base)
	te.sync(t, te.ourRegistry)
	te.ours.Since()
	te.sync(t, te.add(t, te.theirProject, "vouched", te.ours, true))
	if n := apptest.Fetched(te.ours.Since(), plimsoll.DigestOf(apptest.Gzip(t, base))); n != 0 {
		t.Errorf("the layer of a shared registry was fetched %d times", n)
	}
	ours, theirs := te.image(t, te.ourProject, "team/one"), te.image(t, te.theirProject, "team/one")
	if d := cmp.Diff(ours.Counts, theirs.Counts); d != "" || theirs.State != plimsoll.ScanDone {
		t.Errorf("%s: %s", theirs.State, d)
	}
}

// TestAnotherTenantsThingsAreUnknown asks, as an administrator of one project, for what is in
// another: the answers are those about things that were never there.
func TestAnotherTenantsThingsAreUnknown(t *testing.T) {
	te := newTenants(t)
	digest := te.ours.PushLayer(t, "team/secret", goodLayer(t, "ours"))
	te.sync(t, te.ourRegistry)
	te.theirs.PushLayer(t, "team/own", goodLayer(t, "theirs"))
	te.sync(t, te.theirsReg)
	tasks, err := te.Inventory().Tasks(t.Context(), te.ourProject, nil, "", 10, "")
	if err != nil || tasks.Total == 0 {
		t.Fatalf("%d tasks, %v", tasks.Total, err)
	}
	const password = "correct horse battery staple"
	_, err = te.Users.Add(t.Context(), app.NewUser{Domain: te.Domain.ID, Name: "eve", Password: password,
		Grants: []plimsoll.Grant{{ProjectID: te.theirProject, Role: plimsoll.RoleAdmin}}})
	if err != nil {
		t.Fatal(err)
	}
	token := te.signIn(t, "eve", password, "other").Token()
	record := te.image(t, te.ourProject, "team/secret").ID
	never := strings.Repeat("0", 64)
	v5, v1 := "/v5/%s/image/", "/api/v1/"
	for _, c := range []struct{ method, theirs, never, body string }{
		{"GET", v5 + digest.Hex() + "/vulnerabilities?image_type=private_image", v5 + never + "/vulnerabilities?image_type=private_image", ""},
		{"GET", v5 + fmt.Sprint(record) + "/vulnerabilities?image_type=private_image", v5 + "999999/vulnerabilities?image_type=private_image", ""},
		{"GET", v5 + "swr-repository?image_type=private_image&image_name=secret", v5 + "swr-repository?image_type=private_image&image_name=never", ""},
		{"GET", v1 + "images?project=%s&name=secret", v1 + "images?project=%s&name=never", ""},
		{"GET", v1 + "tasks/" + fmt.Sprint(tasks.Items[0].ID) + "?project=%s", v1 + "tasks/999999?project=%s", ""},
		{"POST", v1 + "registries/ours/sync?project=%s", v1 + "registries/never/sync?project=%s", ""},
		{"DELETE", v1 + "registries/ours?project=%s", v1 + "registries/never?project=%s", ""},
	} {
		got := te.ask(t, token, c.method, fmt.Sprintf(c.theirs, te.theirProject), c.body)
		want := te.ask(t, token, c.method, fmt.Sprintf(c.never, te.theirProject), c.body)
		if d := cmp.Diff(removeWords(want, "never", "task 999999"), removeWords(got, "ours", fmt.Sprint("task ", tasks.Items[0].ID))); d != "" {
			t.Errorf("%s %s: differs from what is not there (-want +got):\n%s", c.method, c.theirs, d)
		}
		// Their own token does not open our project, and nobody's project looks the same.
		got = te.ask(t, token, c.method, fmt.Sprintf(c.theirs, te.ourProject), c.body)
		want = te.ask(t, token, c.method, fmt.Sprintf(c.theirs, strings.Repeat("f", 32)), c.body)
		if d := cmp.Diff(removeWords(want), removeWords(got)); d != "" || strings.HasPrefix(got, "2") {
			t.Errorf("%s %s in our project: %s\n%s", c.method, c.theirs, got, d)
		}
	}
	if i := te.image(t, te.ourProject, "team/secret"); i.State != plimsoll.ScanDone {
		t.Errorf("our image after all that: %+v", i)
	}
}

// ask returns status and body of an answer.
func (te *tenants) ask(t *testing.T, token, method, path, body string) string {
	t.Helper()
	status, answer := te.request(t, token, method, path, body)
	return fmt.Sprint(status, "\n", answer)
}

var requestID = regexp.MustCompile(`"request_id":"[0-9a-f]*"`)

// removeWords takes out what answers repeat of a question, and the number of the request.
func removeWords(answer string, words ...string) string {
	answer = requestID.ReplaceAllString(answer, "")
	for _, w := range words {
		answer = strings.ReplaceAll(answer, w, "…")
	}
	return answer
}
