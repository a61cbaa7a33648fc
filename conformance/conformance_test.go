package conformance

import (
	"testing"

	hss "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/hss/v5"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/hss/v5/model"
)

// TestConformance is everything that one server answers.
func TestConformance(t *testing.T) {
	s := start(t, t.TempDir())
	stock(t, s)
	each := func(test func(t *testing.T, s *server, c *hss.HssClient)) func(t *testing.T) {
		return func(t *testing.T) {
			asEach(t, s, func(t *testing.T, c *hss.HssClient) { test(t, s, c) })
		}
	}
	t.Run("images", each(testImages))
	t.Run("paging", each(testPaging))
	t.Run("vulnerabilities", each(testVulnerabilities))
	t.Run("lookups", each(testLookups))
	t.Run("synchronize", each(testSynchronize))
	t.Run("scan", each(testScan))
	t.Run("errors", each(testErrors))
	t.Run("twins", func(t *testing.T) { testTwins(t, s) })
	t.Run("identity", func(t *testing.T) { testIdentity(t, s) })
	t.Run("callers", func(t *testing.T) { testCallers(t, s) })
}

// stock adds a registry of each other kind over the demo's samples, so that there are images
// of every type, and waits until nothing moves.
func stock(t *testing.T, s *server) {
	t.Helper()
	const path = "/api/v1/registries"
	var have struct {
		Items []struct{ URL string }
	}
	s.own(t, "GET", path, nil, &have)
	for _, r := range []map[string]any{
		{"name": "shared", "kind": "swr-shared", "owner": "harbour-master", "repositories": []string{"shop/web", "shop/api"}},
		{"name": "instance", "kind": "swr-enterprise", "instance_id": "i-1", "instance_name": "dry dock", "instance_url": "https://dock.example",
			"scan_on_sync": false, "repositories": []string{"base/alpine", "base/debian", "shop/frontend"}},
	} {
		r["url"] = have.Items[0].URL
		s.own(t, "POST", path, r, nil)
	}
	c := connect(t, s, &byToken{s.token, s.project}, nil)
	for _, kind := range []string{"shared_image", "instance_image"} {
		if _, err := c.RunImageSynchronize(&model.RunImageSynchronizeRequest{Body: &model.RunImageSynchronizeRequestInfo{ImageType: kind}}); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "the first syncs", func() bool { return len(images(t, c, "shared_image")) == 3 && len(images(t, c, "instance_image")) == 3 })
	settle(t, c)
}

// settle waits until no image is in the queue.
func settle(t *testing.T, c *hss.HssClient) {
	t.Helper()
	await(t, "scans", func() bool {
		for _, kind := range imageTypes() {
			for _, img := range images(t, c, kind) {
				if *img.ScanStatus == "waiting_for_scan" || *img.ScanStatus == "scanning" {
					return false
				}
			}
		}
		return true
	})
}

func imageTypes() []string {
	return []string{"private_image", "shared_image", "instance_image", "local_image"}
}

// list asks for a list and wants what every answer has.
func list(t *testing.T, c *hss.HssClient, r *model.ListSwrImageRepositoryRequest) (rows []model.PrivateImageRepositoryInfo, total int) {
	t.Helper()
	got, err := c.ListSwrImageRepository(r)
	if err != nil {
		t.Fatalf("%s: %v", r, err)
	}
	if got.HttpStatusCode != 200 || got.TotalNum == nil || got.DataList == nil {
		t.Fatalf("%s: %s", r, got)
	}
	return *got.DataList, int(*got.TotalNum)
}

// images is the whole list of a type.
func images(t *testing.T, c *hss.HssClient, kind string) []model.PrivateImageRepositoryInfo {
	t.Helper()
	limit := int32(200)
	rows, total := list(t, c, &model.ListSwrImageRepositoryRequest{ImageType: kind, Limit: &limit})
	if len(rows) != total {
		t.Fatalf("%s: %d rows of %d", kind, len(rows), total)
	}
	return rows
}
