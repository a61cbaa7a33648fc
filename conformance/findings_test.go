package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	hss "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/hss/v5"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/hss/v5/model"
)

type (
	vulRow = model.ImageVulInfo
	vulAsk = model.ListImageVulnerabilitiesRequest
)

// about names an image as the client's model demands.
func about(img imageRow) *vulAsk {
	limit := int32(200)
	return &vulAsk{ImageType: *img.ImageType, ImageId: *img.ImageId, Namespace: *img.Namespace, ImageName: *img.ImageName, TagName: *img.ImageVersion, Limit: &limit}
}

func vulnerabilities(t *testing.T, c *hss.HssClient, r *vulAsk) (rows []vulRow, total int) {
	t.Helper()
	got, err := c.ListImageVulnerabilities(r)
	if err != nil {
		t.Fatalf("%s: %v", r, err)
	}
	if got.HttpStatusCode != 200 || got.TotalNum == nil || got.DataList == nil {
		t.Fatalf("%s: %s", r, got)
	}
	return *got.DataList, int(*got.TotalNum)
}

// testVulnerabilities holds counts to lists, and each filter, alone and in pairs, to the whole list.
func testVulnerabilities(t *testing.T, _ *server, c *hss.HssClient) {
	looked := 0
	for _, kind := range imageTypes() {
		for _, img := range images(t, c, kind) {
			whole, total := vulnerabilities(t, c, about(img))
			if total != len(whole) {
				t.Fatalf("%s: %d rows of %d", img, len(whole), total)
			}
			ids := map[string]bool{}
			for _, row := range whole {
				ids[*row.VulId] = true
			}
			if img.VulNum != nil && int(*img.VulNum) != len(ids) {
				t.Errorf("%s/%s:%s counts %d, lists %d", *img.Namespace, *img.ImageName, *img.ImageVersion, *img.VulNum, len(ids))
			}
			filters := vulFilters(whole)
			for i, f := range filters {
				compareVuls(t, c, img, whole, f)
				for _, g := range filters[i+1:] {
					if f.name != g.name {
						compareVuls(t, c, img, whole, f, g)
					}
				}
			}
			if len(whole) > 0 {
				looked++
				pageVuls(t, c, img, whole)
			}
		}
	}
	if looked < 5 {
		t.Errorf("only %d images have vulnerabilities", looked)
	}
}

type vulFilter struct {
	name, value string
	set         func(*vulAsk)
	keep        func(vulRow) bool
}

func vulFilters(rows []vulRow) (filters []vulFilter) {
	add := func(name, value string, set func(*vulAsk), keep func(vulRow) bool) {
		filters = append(filters, vulFilter{name, value, set, keep})
	}
	ids, apps := []string{"no such"}, []string{"no such"}
	if len(rows) > 0 {
		last := rows[len(rows)-1]
		ids = append(ids, *rows[0].VulId, strings.ToLower(*last.VulId), (*last.VulId)[4:8])
		apps = append(apps, *rows[0].AppName, *last.AppName)
	}
	for _, v := range ids {
		add("vul_id", v, func(r *vulAsk) { r.VulId = &v }, func(r vulRow) bool { return strings.Contains(strings.ToLower(*r.VulId), strings.ToLower(v)) })
	}
	for _, v := range slices.Compact(apps) {
		add("app_name", v, func(r *vulAsk) { r.AppName = &v }, func(r vulRow) bool { return *r.AppName == v })
	}
	for _, v := range []string{"immediate_repair", "delay_repair", "not_needed_repair"} {
		add("repair_necessity", v, func(r *vulAsk) { r.RepairNecessity = &v }, func(r vulRow) bool { return *r.RepairNecessity == v })
	}
	linux, unhandled, handled := "linux_vul", "unhandled", "handled"
	add("type", linux, func(r *vulAsk) { r.Type = &linux }, func(r vulRow) bool { return r.AppPath == nil || *r.AppPath == "" })
	app := "app_vul"
	add("type", app, func(r *vulAsk) { r.Type = &app }, func(r vulRow) bool { return r.AppPath != nil && *r.AppPath != "" })
	add("handle_status", unhandled, func(r *vulAsk) { r.HandleStatus = &unhandled }, func(vulRow) bool { return true })
	add("handle_status", handled, func(r *vulAsk) { r.HandleStatus = &handled }, func(vulRow) bool { return false })
	return filters
}

func compareVuls(t *testing.T, c *hss.HssClient, img imageRow, whole []vulRow, filters ...vulFilter) {
	t.Helper()
	r := about(img)
	var what string
	for _, f := range filters {
		f.set(r)
		what += fmt.Sprintf(" %s=%s", f.name, f.value)
	}
	var want []string
	for _, row := range whole {
		if !slices.ContainsFunc(filters, func(f vulFilter) bool { return !f.keep(row) }) {
			want = append(want, row.String())
		}
	}
	rows, total := vulnerabilities(t, c, r)
	var got []string
	for _, row := range rows {
		got = append(got, row.String())
	}
	if !slices.Equal(got, want) || total != len(want) {
		t.Errorf("%s/%s%s: %d of %d, want %d", *img.Namespace, *img.ImageName, what, len(got), total, len(want))
	}
}

func pageVuls(t *testing.T, c *hss.HssClient, img imageRow, whole []vulRow) {
	t.Helper()
	var got []string
	for {
		r := about(img)
		offset, limit := int32(len(got)), int32(3)
		r.Offset, r.Limit = &offset, &limit
		rows, total := vulnerabilities(t, c, r)
		if total != len(whole) || len(rows) > 3 {
			t.Fatalf("at %d: %d rows of %d", offset, len(rows), total)
		}
		if len(rows) == 0 {
			break
		}
		for _, row := range rows {
			got = append(got, row.String())
		}
	}
	for i, row := range whole {
		if i >= len(got) || got[i] != row.String() {
			t.Errorf("row %d differs when paged", i)
		}
	}
}

// testLookups finds an image by each of the ways that clients know.
func testLookups(t *testing.T, _ *server, c *hss.HssClient) {
	for _, img := range images(t, c, "private_image") {
		_, want := vulnerabilities(t, c, about(img))
		for name, r := range map[string]*vulAsk{
			"record id":            {ImageType: *img.ImageType, ImageId: fmt.Sprint(*img.Id)},
			"image id":             {ImageType: *img.ImageType, ImageId: *img.ImageId},
			"record id and names":  {ImageType: *img.ImageType, ImageId: fmt.Sprint(*img.Id), Namespace: *img.Namespace, ImageName: *img.ImageName, TagName: *img.ImageVersion},
			"all enterprise parts": {ImageType: *img.ImageType, ImageId: *img.ImageId, EnterpriseProjectId: text("all_granted_eps")},
		} {
			if _, total := vulnerabilities(t, c, r); total != want {
				t.Errorf("%s/%s by %s: %d, want %d", *img.Namespace, *img.ImageName, name, total, want)
			}
		}
	}
}

func text(s string) *string { return &s }

// state is what must be the same after work that changes nothing.
func state(t *testing.T, c *hss.HssClient) (lines []string) {
	t.Helper()
	for _, kind := range imageTypes() {
		for _, img := range images(t, c, kind) {
			img.LatestScanTime = nil
			lines = append(lines, img.String())
		}
	}
	return lines
}

func testSynchronize(t *testing.T, _ *server, c *hss.HssClient) {
	before := state(t, c)
	for _, kind := range []string{"private_image", "shared_image", "instance_image"} {
		got, err := c.RunImageSynchronize(&model.RunImageSynchronizeRequest{Body: &model.RunImageSynchronizeRequestInfo{ImageType: kind}})
		if err != nil {
			t.Fatal(err)
		}
		if got.HttpStatusCode != 200 || got.ErrorCode == nil || *got.ErrorCode != 0 || got.ErrorDescription == nil {
			t.Errorf("%s: %s", kind, got)
		}
	}
	settle(t, c)
	if after := state(t, c); !slices.Equal(before, after) {
		t.Errorf("the list changed:\n%v\n%v", before, after)
	}
}

// testScan scans one image by name, then all that a filter selects: what was scanned before, and did not change, stays as it was.
func testScan(t *testing.T, s *server, c *hss.HssClient) {
	before := state(t, c)
	img := images(t, c, "private_image")[0]
	one := &model.BatchScanPrivateImageRequestInfo{ImageType: *img.ImageType, RepoType: text("SWR"), ImageInfoList: &[]model.BatchScanSwrImageInfo{{
		Namespace: img.Namespace, ImageName: img.ImageName, ImageVersion: img.ImageVersion, InstanceId: text(""), InstanceUrl: text(""),
	}}}
	web := &model.BatchScanPrivateImageRequestInfo{ImageType: "shared_image", OperateAll: yes(), ImageName: text("web")}
	for _, step := range []struct {
		body  *model.BatchScanPrivateImageRequestInfo
		total int
	}{{one, 1}, {web, 2}} {
		if got, err := c.BatchScanSwrImage(&model.BatchScanSwrImageRequest{Body: step.body}); err != nil || got.HttpStatusCode != 200 {
			t.Fatalf("%v, %v", got, err)
		}
		settle(t, c)
		if task := s.taskBefore(t, img); task.Kind != "scan" || task.State != "finished" || task.Total != step.total || task.Done != step.total {
			t.Errorf("asked for %d scans: %+v", step.total, task)
		}
	}
	if after := state(t, c); !slices.Equal(before, after) {
		t.Errorf("scanning again changed the list:\n%v\n%v", before, after)
	}
}

type task struct {
	ID          int64
	Kind, State string
	Total, Done int
}

// taskBefore is the newest task. The contract's operations do not tell its id; our own that
// makes another task does.
func (s *server) taskBefore(t *testing.T, img imageRow) (last task) {
	t.Helper()
	const base = "/api/v1"
	var next task
	s.own(t, "POST", base+"/images/scan", map[string]any{"images": []map[string]any{{"namespace": img.Namespace, "name": img.ImageName, "tag": img.ImageVersion}}}, &next)
	await(t, "the scan that was asked for to end", func() bool {
		s.own(t, "GET", fmt.Sprintf("%s/tasks/%d", base, next.ID), nil, &next)
		return next.State == "finished"
	})
	s.own(t, "GET", fmt.Sprintf("%s/tasks/%d", base, next.ID-1), nil, &last)
	return last
}

// testTwins holds images of one content to one judgement, wherever they are listed.
func testTwins(t *testing.T, s *server) {
	c := connect(t, s, byKey(t, s.access, s.secret, s.project), nil)
	private := images(t, c, "private_image")
	pairs := 0
	for _, img := range slices.Concat(images(t, c, "shared_image"), images(t, c, "instance_image")) {
		for _, twin := range private {
			if *twin.ImageDigest != *img.ImageDigest {
				continue
			}
			pairs++
			if *twin.ScanStatus != *img.ScanStatus || *twin.VulNum != *img.VulNum || *twin.UnsafeSettingNum != *img.UnsafeSettingNum || *twin.MaliciousFileNum != *img.MaliciousFileNum {
				t.Errorf("the same bytes are judged differently: %s, %s", img, twin)
			}
		}
	}
	if pairs != 6 {
		t.Errorf("%d pairs", pairs)
	}
	for _, img := range images(t, c, "instance_image") {
		if *img.InstanceName != "dry dock" || *img.InstanceId != "i-1" || *img.InstanceUrl != "https://dock.example" {
			t.Errorf("instance of %s", img)
		}
	}
	for _, img := range images(t, c, "shared_image") {
		if *img.DomainName != "harbour-master" || *img.SharedStatus != "effective" {
			t.Errorf("owner of %s", img)
		}
	}
}
