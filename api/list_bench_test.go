package api

import (
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// BenchmarkList times a page of 50 with its total through the HTTP handler, over
// 10,000 images of one project, or PLIMSOLL_BENCH_IMAGES. It prints medians, 99th
// percentiles and how many images match.
func BenchmarkList(b *testing.B) {
	images := 10_000
	if n, err := strconv.Atoi(os.Getenv("PLIMSOLL_BENCH_IMAGES")); err == nil {
		images = n
	}
	a := filterAPI(b, images/filterTags*6/5)
	some := listPage(b, a, "image_type=private_image&enterprise_project_id=all_granted_eps&limit=1&offset="+strconv.Itoa(images/4)).Rows[0]
	for _, shape := range []struct{ name, query string }{
		{"default", "enterprise_project_id=all_granted_eps"},
		{"one-enterprise-project", "enterprise_project_id=0"},
		{"deep-offset", "enterprise_project_id=all_granted_eps&offset=" + strconv.Itoa(images/2-100)},
		{"latest", "enterprise_project_id=all_granted_eps&latest_version=true"},
		{"namespace", "enterprise_project_id=all_granted_eps&namespace=" + some.Namespace},
		{"name-and-version", "enterprise_project_id=all_granted_eps&image_name=" + some.Name + "&image_version=" + some.Version},
		{"version", "enterprise_project_id=all_granted_eps&image_version=" + some.Version},
		{"size", "enterprise_project_id=all_granted_eps&image_size=" + strconv.FormatInt(some.Size, 10)},
		{"updated-since", "enterprise_project_id=all_granted_eps&start_latest_update_time=" + strconv.FormatInt(some.Updated, 10)},
		{"success", "enterprise_project_id=all_granted_eps&scan_status=success"},
		{"waiting", "enterprise_project_id=all_granted_eps&scan_status=waiting_for_scan"},
		{"has-vul", "enterprise_project_id=all_granted_eps&has_vul=true"},
		{"success-with-vul", "enterprise_project_id=all_granted_eps&scan_status=success&has_vul=true"},
	} {
		b.Run(shape.name, func(b *testing.B) {
			url := "/v5/" + filterProject + "/image/swr-repository?image_type=private_image&limit=50&" + shape.query
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				rec := ask(a, http.MethodGet, url, "token", "")
				took = append(took, time.Since(began))
				if rec.Code != http.StatusOK {
					b.Fatalf("%d %s", rec.Code, rec.Body)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(listPage(b, a, "image_type=private_image&"+shape.query).Total), "images")
			b.ReportMetric(0, "ns/op")
		})
	}
}
