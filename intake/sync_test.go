package intake_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"plimsoll"
	"plimsoll/intake"
)

func TestSyncFollowsTheRegistry(t *testing.T) {
	h := newHub(t)
	first := linuxImage(t, 2)
	h.push(t, "team/web:1", first)
	h.push(t, "team/web:2", linuxImage(t, 1))
	h.push(t, "solo:latest", linuxImage(t, 1))
	s := newSite(t, h)
	if err := s.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"solo:latest pending ", "team/web:1 pending ", "team/web:2 pending "}
	if d := cmp.Diff(want, s.images(t)); d != "" {
		t.Fatal(d)
	}

	h.push(t, "team/web:2", first)
	if err := remote.Delete(h.ref(t, "solo:latest")); err != nil {
		t.Fatal(err)
	}
	h.asked("")
	if err := s.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := h.asked("GET /v2/team/web/manifests/"); len(got) != 0 {
		t.Errorf("a tag moved onto a known digest cost manifests: %v", got)
	}
	if d := cmp.Diff([]string{"team/web:1 pending ", "team/web:2 pending "}, s.images(t)); d != "" {
		t.Error(d)
	}
}

func TestUnchangedRegistryWritesNothing(t *testing.T) {
	h := newHub(t)
	for i := range 5 {
		h.push(t, "team/app:"+strconv.Itoa(i), linuxImage(t, 1))
	}
	s := newSite(t, h)
	if err := s.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := s.written(t)
	h.asked("")
	if err := s.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := s.written(t) - before; n != 0 {
		t.Errorf("%d rows written", n)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.requests {
		if strings.HasPrefix(r, "GET") && (strings.Contains(r, "/manifests/") || strings.Contains(r, "/blobs/")) {
			t.Errorf("an unchanged registry was asked for %s", r)
		}
	}
}

func TestIndexAttestationAndReferrers(t *testing.T) {
	h := newHub(t)
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: linuxImage(t, 1), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: linuxImage(t, 1), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}},
		mutate.IndexAddendum{Add: linuxImage(t, 1), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}}})
	if err := remote.WriteIndex(h.ref(t, "team/multi:1"), index); err != nil {
		t.Fatal(err)
	}
	h.push(t, "team/multi:sha256-"+strings.Repeat("a", 64)+".sig", linuxImage(t, 1))
	s := newSite(t, h)
	if err := s.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	page, err := s.store.Images(t.Context(), plimsoll.ImageFilter{ProjectID: "p"})
	if err != nil {
		t.Fatal(err)
	}
	if page.Total != 1 {
		t.Fatalf("signature tags are not images: %v", s.images(t))
	}
	var reasons []string
	for _, p := range page.Items[0].Platforms {
		reasons = append(reasons, p.Platform.String()+" "+p.Unscannable)
	}
	if d := cmp.Diff([]string{"linux/amd64 ", "linux/arm64 ", "unknown/unknown attestation"}, reasons); d != "" {
		t.Error(d)
	}
	if page.Items[0].Size == 0 {
		t.Error("the size of an index is the sum over its platforms")
	}
}

func TestWhatCannotBeReadIsSaidAndKept(t *testing.T) {
	h := newHub(t)
	h.push(t, "team/good:1", linuxImage(t, 1))
	h.push(t, "team/bad:1", linuxImage(t, 1))
	s := newSite(t, h)
	if err := s.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := s.images(t)
	h.setRefuse(func(r *http.Request) int {
		if strings.HasPrefix(r.URL.Path, "/v2/team/bad/tags") {
			return http.StatusForbidden
		}
		return 0
	})
	h.push(t, "team/good:2", linuxImage(t, 1))
	err := s.sync(t.Context())
	if plimsoll.FailureOf(err) != plimsoll.FailureAuth {
		t.Errorf("error %v", err)
	}
	if d := cmp.Diff(append(slices.Clone(before), "team/good:2 pending "), s.images(t)); d != "" {
		t.Errorf("what could be read is stored, what could not is kept: %s", d)
	}
}

// A manifest that breaks a budget is in the list, and its sync does not fail.
func TestManifestOverTheBudgetIsListed(t *testing.T) {
	h := newHub(t)
	h.push(t, "team/good:1", linuxImage(t, 1))
	h.push(t, "team/wide:1", linuxImage(t, 40))
	s := newSite(t, h)
	s.syncer.Connector.Budget.ManifestBytes, s.syncer.Budget.ManifestBytes = 2000, 2000
	if err := s.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"team/good:1 pending ", "team/wide:1 pending "}, s.images(t)); d != "" {
		t.Error(d)
	}
}

// richSource lists tags with digests and push times, as the own APIs of some registries do.
type richSource struct {
	intake.Source
	tags []plimsoll.TagSeen
}

func (s richSource) Tags(context.Context, string) ([]plimsoll.TagSeen, error) { return s.tags, nil }

func (richSource) Resolve(context.Context, string, string) (plimsoll.Descriptor, error) {
	return plimsoll.Descriptor{}, errors.New("a tag that was listed with its digest is resolved")
}

func TestListedDigestsAndPushTimesAreUsed(t *testing.T) {
	h := newHub(t)
	image := linuxImage(t, 1)
	h.push(t, "team/web:1", image)
	s := newSite(t, h)
	source, reg, err := s.syncer.Connector.Source(t.Context(), "p", s.reg.ID)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	pushed := time.Now().Add(-time.Hour).UTC().Truncate(time.Millisecond)
	rich := richSource{Source: source, tags: []plimsoll.TagSeen{{Tag: "1", Digest: plimsoll.Digest(digest.String()), PushedAt: pushed}}}
	if err := s.syncer.Sync(t.Context(), rich, reg); err != nil {
		t.Fatal(err)
	}
	page, err := s.store.Images(t.Context(), plimsoll.ImageFilter{ProjectID: "p"})
	if err != nil || len(page.Items) != 1 || !page.Items[0].UpdatedAt.Equal(pushed) {
		t.Errorf("images %+v, %v; want one that was updated at %s", page.Items, err, pushed)
	}
}
