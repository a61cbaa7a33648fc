package conformance

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	hss "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/hss/v5"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/hss/v5/model"
)

type (
	imageRow = model.PrivateImageRepositoryInfo
	imageAsk = model.ListSwrImageRepositoryRequest
)

// filter is one value of one parameter: how it is asked for, and what it means by hand.
type filter struct {
	name, value string
	set         func(*imageAsk)
	keep        func(imageRow) bool

	// from and to are set by time bounds, to know when they contradict.
	from, to int64
}

// testImages asks for every value of every parameter alone, and for every pair of two parameters.
func testImages(t *testing.T, _ *server, c *hss.HssClient) {
	for _, kind := range imageTypes() {
		t.Run(kind, func(t *testing.T) {
			whole := images(t, c, kind)
			checkRows(t, kind, whole)
			filters := filtersFor(whole)
			for i, f := range filters {
				compare(t, c, kind, whole, f)
				for _, g := range filters[i+1:] {
					if g.name != f.name {
						compare(t, c, kind, whole, f, g)
					}
				}
			}
		})
	}
}

// checkRows holds rows to what they promise whatever is asked.
func checkRows(t *testing.T, kind string, rows []imageRow) {
	t.Helper()
	newest := map[string]int{}
	for _, r := range rows {
		if *r.ImageType != kind || *r.ImageDigest != "sha256:"+*r.ImageId || *r.Id <= 0 {
			t.Errorf("row %s", r)
		}
		if *r.LatestVersion {
			newest[*r.Namespace+"/"+*r.ImageName]++
		} else {
			newest[*r.Namespace+"/"+*r.ImageName] += 0
		}
		if (r.VulNum != nil) != (*r.ScanStatus == "success") && *r.ScanStatus != "failed" {
			t.Errorf("counts of an image that is %s: %s", *r.ScanStatus, r)
		}
	}
	for name, n := range newest {
		if n != 1 {
			t.Errorf("%s has %d newest versions", name, n)
		}
	}
	sorted := slices.IsSortedFunc(rows, func(a, b imageRow) int {
		return cmp.Or(cmp.Compare(*b.LatestUpdateTime, *a.LatestUpdateTime), cmp.Compare(*b.Id, *a.Id))
	})
	if !sorted {
		t.Errorf("%s is not in order", kind)
	}
}

// compare asks with filters and expects what is left of the whole list by hand.
func compare(t *testing.T, c *hss.HssClient, kind string, whole []imageRow, filters ...filter) {
	t.Helper()
	limit := int32(200)
	r := &imageAsk{ImageType: kind, Limit: &limit}
	var from, to int64
	var what string
	for _, f := range filters {
		f.set(r)
		from, to = from+f.from, to+f.to
		what += fmt.Sprintf(" %s=%s", f.name, f.value)
	}
	if from > 0 && to > 0 && from > to && sameClock(filters) {
		_, err := c.ListSwrImageRepository(r)
		wantError(t, what, err, 400, "HSS.0001")
		return
	}
	var want []int64
	for _, row := range whole {
		if !slices.ContainsFunc(filters, func(f filter) bool { return !f.keep(row) }) {
			want = append(want, *row.Id)
		}
	}
	rows, total := list(t, c, r)
	var got []int64
	for _, row := range rows {
		got = append(got, *row.Id)
	}
	if !slices.Equal(got, want) || total != len(want) {
		t.Errorf("%s%s: %v of %d, want %v", kind, what, got, total, want)
	}
}

// sameClock reports whether two time bounds are about the same time.
func sameClock(filters []filter) bool {
	return len(filters) == 2 && filters[0].name[len("start_"):] == filters[1].name[len("end_"):]
}

func equal[T comparable](field func(imageRow) *T, value T) func(imageRow) bool {
	return func(r imageRow) bool {
		have := field(r)
		return have != nil && *have == value
	}
}

// filtersFor takes the values to ask for from rows, and adds some that no row has.
func filtersFor(rows []imageRow) []filter {
	filters := slices.Concat(textFilters(rows), timeFilters(rows), countFilters())
	add := func(name, value string, set func(*imageAsk), keep func(imageRow) bool) {
		filters = append(filters, filter{name: name, value: value, set: set, keep: keep})
	}
	all := func(imageRow) bool { return true }
	yes, no := true, false
	add("latest_version", "true", func(r *imageAsk) { r.LatestVersion = &yes }, func(r imageRow) bool { return *r.LatestVersion })
	add("latest_version", "false", func(r *imageAsk) { r.LatestVersion = &no }, all)
	for _, status := range []string{"unscan", "success", "scanning", "failed", "download_failed", "image_oversized", "waiting_for_scan"} {
		add("scan_status", status, func(r *imageAsk) { r.ScanStatus = &status }, equal(func(r imageRow) *string { return r.ScanStatus }, status))
	}
	sizes := []int64{1}
	if len(rows) > 0 {
		sizes = append(sizes, *rows[0].ImageSize)
	}
	for _, size := range sizes {
		add("image_size", fmt.Sprint(size), func(r *imageAsk) { r.ImageSize = &size }, equal(func(r imageRow) *int64 { return r.ImageSize }, size))
	}
	none := int64(0)
	add("image_size", "0", func(r *imageAsk) { r.ImageSize = &none }, all)
	for _, id := range []string{"0", "all_granted_eps"} {
		add("enterprise_project_id", id, func(r *imageAsk) { r.EnterpriseProjectId = &id }, all)
	}
	region := "cn-north-4"
	add("region", region, func(r *imageAsk) { r.Region = &region }, all)
	return filters
}

func textFilters(rows []imageRow) (filters []filter) {
	for _, p := range []struct {
		name  string
		set   func(*imageAsk, *string)
		field func(imageRow) *string
	}{
		{"namespace", func(r *imageAsk, v *string) { r.Namespace = v }, func(r imageRow) *string { return r.Namespace }},
		{"image_name", func(r *imageAsk, v *string) { r.ImageName = v }, func(r imageRow) *string { return r.ImageName }},
		{"image_version", func(r *imageAsk, v *string) { r.ImageVersion = v }, func(r imageRow) *string { return r.ImageVersion }},
		{"instance_name", func(r *imageAsk, v *string) { r.InstanceName = v }, func(r imageRow) *string { return r.InstanceName }},
		{"instance_id", func(r *imageAsk, v *string) { r.InstanceId = v }, func(r imageRow) *string { return r.InstanceId }},
	} {
		values := []string{"no such", "a/b c~d*e+f%g&h=i"}
		for _, row := range rows {
			if v := p.field(row); v != nil && *v != "" && !slices.Contains(values, *v) && len(values) < 5 {
				values = append(values, *v)
			}
		}
		for _, v := range values {
			filters = append(filters, filter{name: p.name, value: v, set: func(r *imageAsk) { p.set(r, &v) }, keep: equal(p.field, v)})
		}
		empty := ""
		filters = append(filters, filter{name: p.name, value: "(bare)", set: func(r *imageAsk) { p.set(r, &empty) }, keep: func(imageRow) bool { return true }})
	}
	return filters
}

func timeFilters(rows []imageRow) (filters []filter) {
	for _, p := range []struct {
		name       string
		start, end func(*imageAsk, *int64)
		field      func(imageRow) *int64
	}{
		{"latest_update_time", func(r *imageAsk, v *int64) { r.StartLatestUpdateTime = v }, func(r *imageAsk, v *int64) { r.EndLatestUpdateTime = v },
			func(r imageRow) *int64 { return r.LatestUpdateTime }},
		{"latest_scan_time", func(r *imageAsk, v *int64) { r.StartLatestScanTime = v }, func(r *imageAsk, v *int64) { r.EndLatestScanTime = v },
			func(r imageRow) *int64 { return r.LatestScanTime }},
	} {
		var times []int64
		for _, row := range rows {
			if v := p.field(row); v != nil {
				times = append(times, *v)
			}
		}
		slices.Sort(times)
		values := []int64{0, 1, 4070880000000}
		if n := len(times); n > 0 {
			values = append(values, times[0], times[n/2], times[n-1])
		}
		for _, v := range values {
			from := filter{name: "start_" + p.name, value: fmt.Sprint(v), from: v, set: func(r *imageAsk) { p.start(r, &v) },
				keep: func(r imageRow) bool { have := p.field(r); return v == 0 || have != nil && *have >= v }}
			to := filter{name: "end_" + p.name, value: fmt.Sprint(v), to: v, set: func(r *imageAsk) { p.end(r, &v) },
				keep: func(r imageRow) bool { have := p.field(r); return v == 0 || have != nil && *have <= v }}
			filters = append(filters, from, to)
		}
	}
	// Starts before ends, so that a pair is (start, end).
	slices.SortStableFunc(filters, func(a, b filter) int { return cmp.Compare(b.name[:3], a.name[:3]) })
	return filters
}

func countFilters() (filters []filter) {
	for _, p := range []struct {
		name  string
		set   func(*imageAsk, *bool)
		field func(imageRow) *int32
	}{
		{"has_malicious_file", func(r *imageAsk, v *bool) { r.HasMaliciousFile = v }, func(r imageRow) *int32 { return r.MaliciousFileNum }},
		{"has_unsafe_setting", func(r *imageAsk, v *bool) { r.HasUnsafeSetting = v }, func(r imageRow) *int32 { return r.UnsafeSettingNum }},
		{"has_vul", func(r *imageAsk, v *bool) { r.HasVul = v }, func(r imageRow) *int32 { return r.VulNum }},
	} {
		for _, v := range []bool{true, false} {
			filters = append(filters, filter{name: p.name, value: fmt.Sprint(v), set: func(r *imageAsk) { p.set(r, &v) },
				keep: func(r imageRow) bool { n := p.field(r); return n != nil && (*n > 0) == v }})
		}
	}
	return filters
}

// testPaging puts pages together, up to the empty one at which clients stop.
func testPaging(t *testing.T, _ *server, c *hss.HssClient) {
	whole := images(t, c, "private_image")
	for _, limit := range []int32{0, 1, 4, 10, 200} {
		var got []int64
		for {
			offset := int32(len(got))
			r := &imageAsk{ImageType: "private_image", Offset: &offset, Limit: &limit}
			if limit == 0 { // left out: ten
				r.Limit = nil
			}
			rows, total := list(t, c, r)
			if total != len(whole) || limit > 0 && len(rows) > int(limit) || limit == 0 && len(rows) > 10 {
				t.Fatalf("limit %d at %d: %d rows of %d", limit, offset, len(rows), total)
			}
			if len(rows) == 0 {
				break
			}
			for _, row := range rows {
				got = append(got, *row.Id)
			}
		}
		if len(got) != len(whole) {
			t.Fatalf("limit %d: %d rows of %d", limit, len(got), len(whole))
		}
		for i, row := range whole {
			if got[i] != *row.Id {
				t.Errorf("limit %d: row %d is %d, want %d", limit, i, got[i], *row.Id)
			}
		}
	}
	far := int32(2000000)
	if rows, total := list(t, c, &imageAsk{ImageType: "private_image", Offset: &far}); len(rows) != 0 || total != len(whole) {
		t.Errorf("past the end: %d rows of %d", len(rows), total)
	}
}
