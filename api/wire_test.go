package api

import (
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/api/hss"
	"plimsoll/api/hss/contracttest"
)

func bareImage() plimsoll.Image {
	return plimsoll.Image{
		ID: 7, Tenant: plimsoll.Tenant{ProjectID: project, EnterpriseProject: "0"}, Origin: plimsoll.OriginPrivate,
		Repository: "team/app", Namespace: "team", Name: "app", Tag: "1.0", Digest: digestA, Size: 1234,
		UpdatedAt: time.UnixMilli(1700000000123), State: plimsoll.ScanNone,
	}
}

func with(change func(*plimsoll.Image)) plimsoll.Image {
	img := bareImage()
	change(&img)
	return img
}

// always are the members of every row.
func always() map[string]any {
	return map[string]any{
		"id": 7.0, "namespace": "team", "image_name": "app", "image_version": "1.0",
		"image_id": digestA.Hex(), "image_digest": string(digestA), "image_type": "private_image",
		"latest_version": false, "scan_status": "unscan", "image_size": 1234.0, "latest_update_time": 1700000000123.0,
		"scannable": true, "instance_name": "", "instance_id": "", "instance_url": "",
	}
}

func TestImageRows(t *testing.T) {
	past, future := testNow().Add(-time.Second), testNow().Add(time.Second)
	cases := []struct {
		name  string
		image plimsoll.Image
		want  map[string]any // added to or changed in always
	}{
		{"never judged", bareImage(), nil},
		{"judged and clean", with(func(i *plimsoll.Image) {
			i.State, i.Counts, i.ScannedAt, i.Latest = plimsoll.ScanDone, &plimsoll.Counts{}, time.UnixMilli(5), true
		}), map[string]any{"scan_status": "success", "vul_num": 0.0, "unsafe_setting_num": 0.0, "malicious_file_num": 0.0, "latest_scan_time": 5.0, "latest_version": true}},
		{"failed rescan keeps its counts", with(func(i *plimsoll.Image) {
			i.State, i.Failure, i.Counts = plimsoll.ScanFailed, plimsoll.FailurePackages, &plimsoll.Counts{Vulnerabilities: 3, Settings: 2, Malware: 1}
		}), map[string]any{"scan_status": "failed", "scan_failed_desc": "failed_to_scan_software", "vul_num": 3.0, "unsafe_setting_num": 2.0, "malicious_file_num": 1.0}},
		{"waiting after a failure", with(func(i *plimsoll.Image) {
			i.State, i.Failure = plimsoll.ScanPending, plimsoll.FailurePackages
		}), map[string]any{"scan_status": "waiting_for_scan"}},
		{"running", with(func(i *plimsoll.Image) { i.State = plimsoll.ScanRunning }), map[string]any{"scan_status": "scanning"}},
		{"unreachable", with(func(i *plimsoll.Image) {
			i.State, i.Failure = plimsoll.ScanUnreachable, plimsoll.FailureDownload
		}), map[string]any{"scan_status": "download_failed", "scan_failed_desc": "download_failed"}},
		{"oversized", with(func(i *plimsoll.Image) {
			i.State, i.Failure = plimsoll.ScanOversized, plimsoll.FailureOversized
		}), map[string]any{"scan_status": "image_oversized", "scan_failed_desc": "image_oversized"}},
		{"unscannable", with(func(i *plimsoll.Image) { i.Unscannable = plimsoll.ReasonNotLinux }), map[string]any{"scannable": false}},
		{"shared without end", with(func(i *plimsoll.Image) {
			i.Origin, i.Source.Owner = plimsoll.OriginShared, "quay"
		}), map[string]any{"image_type": "shared_image", "domain_name": "quay", "shared_status": "effective"}},
		{"shared and holding", with(func(i *plimsoll.Image) {
			i.Origin, i.Source.ShareExpires = plimsoll.OriginShared, future
		}), map[string]any{"image_type": "shared_image", "domain_name": "", "shared_status": "effective"}},
		{"share expired", with(func(i *plimsoll.Image) {
			i.Origin, i.Source.ShareExpires = plimsoll.OriginShared, past
		}), map[string]any{"image_type": "shared_image", "domain_name": "", "shared_status": "expired", "scannable": false}},
		{"share expires now", with(func(i *plimsoll.Image) {
			i.Origin, i.Source.ShareExpires = plimsoll.OriginShared, testNow()
		}), map[string]any{"image_type": "shared_image", "domain_name": "", "shared_status": "expired", "scannable": false}},
		{"owner of a private image is not shown", with(func(i *plimsoll.Image) { i.Source.Owner = "quay" }), nil},
		{"of an instance", with(func(i *plimsoll.Image) {
			i.Origin = plimsoll.OriginInstance
			i.Source.InstanceID, i.Source.InstanceName, i.Source.InstanceURL = "i1", "north", "https://north.example"
		}), map[string]any{"image_type": "instance_image", "instance_id": "i1", "instance_name": "north", "instance_url": "https://north.example"}},
		{"local", with(func(i *plimsoll.Image) { i.Origin = plimsoll.OriginLocal }), map[string]any{"image_type": "local_image"}},
		{"index", with(func(i *plimsoll.Image) {
			i.Platforms = []plimsoll.ImagePlatform{
				{Digest: digestB, Platform: plimsoll.Platform{OS: "linux", Architecture: "amd64"}, State: plimsoll.ScanDone},
				{Digest: digestC, Unscannable: plimsoll.ReasonAttestation, State: plimsoll.ScanNone},
			}
		}), map[string]any{"association_images": []any{map[string]any{
			"image_name": "app", "image_version": "1.0", "image_type": "private_image", "namespace": "team",
			"image_digest": string(digestB), "scan_status": "success",
		}}}},
	}
	contract := contracttest.Read(t, "hss/testdata/contract.json")
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newFakes()
			w.page = plimsoll.Page[plimsoll.Image]{Total: 41, Items: []plimsoll.Image{c.image}}
			got := answer(t, w, contract, "ListSwrImageRepository", seed)
			want := always()
			for k, v := range c.want {
				want[k] = v
			}
			if diff := cmp.Diff(map[string]any{"total_num": 41.0, "data_list": []any{want}}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// answer calls an operation and compares the answer with the contract.
func answer(t *testing.T, w *fakes, contract contracttest.Document, operation, url string) map[string]any {
	t.Helper()
	rec := ask(w.api(t, nil), "GET", url, "t-reader", "")
	if rec.Code != 200 {
		t.Fatalf("%d: %s", rec.Code, rec.Body)
	}
	var got map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	_, _, op := contract.Find(operation)
	schema, _ := op.Answer()
	for _, bad := range contract.Check(schema, got, func(where, what string) bool {
		return slices.ContainsFunc(hss.Differences(), func(d hss.Difference) bool {
			return d.Operation == operation && d.Where == where && d.What == what
		})
	}) {
		t.Error(bad)
	}
	return got
}

func TestVulnerabilityRows(t *testing.T) {
	contract := contracttest.Read(t, "hss/testdata/contract.json")
	long := strings.Repeat("long ", 100)
	w := newFakes()
	w.found = with(func(i *plimsoll.Image) { i.Platforms = []plimsoll.ImagePlatform{{Digest: digestB}} })
	w.placed = plimsoll.Page[plimsoll.Placed]{Total: 2, Items: []plimsoll.Placed{
		{OS: true, Layer: digestB, Platform: plimsoll.Platform{OS: "linux", Architecture: "arm64"}, Vulnerability: plimsoll.Vulnerability{
			ID: "CVE-1", Severity: plimsoll.SeverityCritical, Urgency: plimsoll.UrgencyNow, Summary: long, URL: "https://a.example",
			Package: plimsoll.Package{Name: "openssl", Version: "3.0.1-1"}, FixedVersion: "3.0.2-1", Score: 9.8,
		}},
		{Path: "app/package-lock.json", Layer: digestC, Platform: plimsoll.Platform{OS: "linux", Architecture: "amd64"}, Vulnerability: plimsoll.Vulnerability{
			ID: "CVE-2", Severity: plimsoll.SeverityUnknown, Urgency: plimsoll.UrgencySoon, Package: plimsoll.Package{Name: "left-pad", Version: "1.0.0"},
		}},
	}}
	got := answer(t, w, contract, "ListImageVulnerabilities", vuls)
	want := map[string]any{"total_num": 2.0, "data_list": []any{
		map[string]any{"vul_id": "CVE-1", "repair_necessity": "immediate_repair", "description": long, "position": string(digestB),
			"app_name": "openssl", "version": "3.0.1-1", "solution": "Upgrade openssl to 3.0.2-1 or later.", "url": "https://a.example", "platform": "linux/arm64"},
		map[string]any{"vul_id": "CVE-2", "repair_necessity": "delay_repair", "description": "", "position": string(digestC),
			"app_name": "left-pad", "app_path": "app/package-lock.json", "version": "1.0.0", "solution": "No version that fixes this is known yet.", "url": "", "platform": "linux/amd64"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	w.found.Platforms = nil
	rows := answer(t, w, contract, "ListImageVulnerabilities", vuls)["data_list"].([]any)
	if _, has := rows[0].(map[string]any)["platform"]; has {
		t.Error("a plain image has a platform column")
	}
}

func TestSeedFilter(t *testing.T) {
	yes, no := true, false
	w := newFakes()
	h := w.api(t, nil)
	rec := ask(h, "GET", "/v5/p1/image/swr-repository?enterprise_project_id=e7&namespace=ns&image_name=na%2Fme&image_version=v1&latest_version=true"+
		"&offset=20&limit=30&image_type=instance_image&scan_status=waiting_for_scan&instance_name=in&image_size=99"+
		"&start_latest_update_time=1&end_latest_update_time=2&start_latest_scan_time=3&end_latest_scan_time=4"+
		"&has_malicious_file=true&has_unsafe_setting=false&has_vul=true&instance_id=i1", "t-reader", "", "region", "north-1")
	if rec.Code != 200 {
		t.Fatal(rec.Body)
	}
	ms := func(n int64) time.Time { return time.UnixMilli(n).UTC() }
	want := plimsoll.ImageFilter{
		ProjectID: project, EnterpriseProjects: []string{"e7"}, Origins: []plimsoll.Origin{plimsoll.OriginInstance},
		Namespace: "ns", Name: "na/me", Tag: "v1", LatestOnly: true, States: []plimsoll.ScanState{plimsoll.ScanPending},
		InstanceID: "i1", InstanceName: "in", Size: 99, UpdatedFrom: ms(1), UpdatedTo: ms(2), ScannedFrom: ms(3), ScannedTo: ms(4),
		HasMalware: &yes, HasSetting: &no, HasVulnerability: &yes, Offset: 20, Limit: 30,
	}
	if diff := cmp.Diff(want, w.filters[0]); diff != "" {
		t.Error(diff)
	}
	w.filters = nil
	ask(h, "GET", seed+"&latest_version=false&image_size=0&start_latest_scan_time=0&limit=&has_vul&namespace=&namespace=x", "t-reader", "")
	want = plimsoll.ImageFilter{
		ProjectID: project, EnterpriseProjects: []string{"0"}, Origins: []plimsoll.Origin{plimsoll.OriginPrivate}, Namespace: "x", Limit: 10,
	}
	if diff := cmp.Diff(want, w.filters[0]); diff != "" {
		t.Error(diff)
	}
}

// BenchmarkListImages is a page of 50 rows through the whole handler; the role answers at once.
func BenchmarkListImages(b *testing.B) {
	w := newFakes()
	for range 50 {
		w.page.Items = append(w.page.Items, with(func(i *plimsoll.Image) { i.State, i.Counts = plimsoll.ScanDone, &plimsoll.Counts{} }))
	}
	cfg := DefaultConfig()
	cfg.Now, cfg.Log = testNow, slog.New(slog.DiscardHandler)
	h := New(cfg, w.roles())
	b.ReportAllocs()
	for b.Loop() {
		w.filters = w.filters[:0]
		if rec := ask(h, "GET", seed+"&limit=50", "t-reader", ""); rec.Code != 200 {
			b.Fatal(rec.Body)
		}
	}
}
