package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/api/base"
	"plimsoll/store/sqlite"
	"plimsoll/store/storetest"
)

// The inventory of filter tests: 12,000 images, of which 10,000 in the project that asks.
const (
	filterRepositories = 1200
	filterTags         = 10
	filterProject      = "p1"
)

// oneCaller is an administrator of the project, whatever is sent.
type oneCaller struct{ base.Callers }

func (oneCaller) Token(context.Context, string) (plimsoll.Token, plimsoll.Principal, error) {
	grants := []plimsoll.Grant{{ProjectID: filterProject, Role: plimsoll.RoleAdmin}}
	return plimsoll.Token{ExpiresAt: testNow().AddDate(100, 0, 0)},
		plimsoll.Principal{Project: plimsoll.Project{ID: filterProject}, Grants: grants, Method: "token"}, nil
}

func (oneCaller) ForProject(_ context.Context, p plimsoll.Principal, _ string) (plimsoll.Principal, error) {
	return p, nil
}

// filterAPI is the API over a real store that is filled.
func filterAPI(t testing.TB, repositories int) *API {
	t.Helper()
	s, err := sqlite.Inventory(t.Context(), filepath.Join(t.TempDir(), "inventory.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	storetest.Fill(t, s, storetest.UseClock(s), repositories, filterTags)
	w := newFakes()
	roles := w.roles()
	roles.Callers, roles.HSS.Images, roles.HSS.Vulnerabilities = oneCaller{}, s, s
	cfg := DefaultConfig()
	cfg.Now, cfg.Log, cfg.TempDir = testNow, slog.New(slog.DiscardHandler), t.TempDir()
	return New(cfg, roles)
}

// wireRow is a row as a client sees it, with the enterprise project it was listed in.
type wireRow struct {
	ID           int64  `json:"id"`
	Namespace    string `json:"namespace"`
	Name         string `json:"image_name"`
	Version      string `json:"image_version"`
	Type         string `json:"image_type"`
	Latest       bool   `json:"latest_version"`
	Status       string `json:"scan_status"`
	Size         int64  `json:"image_size"`
	Updated      int64  `json:"latest_update_time"`
	Scanned      int64  `json:"latest_scan_time"`
	Vul          *int   `json:"vul_num"`
	Unsafe       *int   `json:"unsafe_setting_num"`
	Malware      *int   `json:"malicious_file_num"`
	InstanceName string `json:"instance_name"`
	InstanceID   string `json:"instance_id"`

	enterprise string
	family     string // the image_type it was asked with
}

type wirePage struct {
	Total int       `json:"total_num"`
	Rows  []wireRow `json:"data_list"`
}

func listPage(t testing.TB, a *API, query string) wirePage {
	t.Helper()
	rec := ask(a, http.MethodGet, "/v5/"+filterProject+"/image/swr-repository?"+query, "token", "")
	if rec.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", query, rec.Code, rec.Body)
	}
	var page wirePage
	if err := json.Unmarshal(rec.Body.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	return page
}

// everything reads the unfiltered list page by page, in its order.
func everything(t *testing.T, a *API) []wireRow {
	t.Helper()
	var all []wireRow
	for _, family := range []string{"private_image", "shared_image", "instance_image", "local_image"} {
		for _, enterprise := range []string{"0", "ep1"} {
			query := "limit=200&image_type=" + family + "&enterprise_project_id=" + enterprise
			count := 0
			for {
				page := listPage(t, a, query+"&offset="+strconv.Itoa(count))
				for _, r := range page.Rows {
					r.enterprise, r.family = enterprise, family
					all = append(all, r)
				}
				if count += len(page.Rows); len(page.Rows) == 0 {
					if count != page.Total {
						t.Fatalf("%s: %d rows, total %d", query, count, page.Total)
					}
					break
				}
			}
		}
	}
	slices.SortFunc(all, func(x, y wireRow) int {
		if x.Updated != y.Updated {
			return int(y.Updated - x.Updated)
		}
		return int(y.ID - x.ID)
	})
	return all
}

// parameter is one query parameter with values and what it keeps, by hand.
type parameter struct {
	name   string
	values []string
	keep   func(r wireRow, value string) bool
}

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func has(count *int, value string) bool {
	return count != nil && (*count > 0) == (value == "true")
}

// parameters are all that the operation has, but paging. Values are drawn from the
// data, with a miss each.
func parameters(all []wireRow) []parameter {
	some, other := all[len(all)/3], all[len(all)/2]
	scanned := some
	for _, r := range all[len(all)/4:] {
		if r.Scanned != 0 {
			scanned = r
			break
		}
	}
	booleans := []string{"true", "false"}
	ms := func(n int64) string { return strconv.FormatInt(n, 10) }
	return []parameter{
		{"image_type", []string{"private_image", "shared_image", "instance_image", "local_image"}, func(r wireRow, v string) bool { return r.family == v }},
		{"enterprise_project_id", []string{"0", "ep1", "all_granted_eps", "nowhere"}, func(r wireRow, v string) bool { return v == "all_granted_eps" || r.enterprise == v }},
		{"namespace", []string{some.Namespace, "library", "missing"}, func(r wireRow, v string) bool { return r.Namespace == v }},
		{"image_name", []string{some.Name, other.Name, "missing"}, func(r wireRow, v string) bool { return r.Name == v }},
		{"image_version", []string{some.Version, "v0", "missing"}, func(r wireRow, v string) bool { return r.Version == v }},
		{"latest_version", booleans, func(r wireRow, v string) bool { return v == "false" || r.Latest }},
		{"scan_status", []string{"unscan", "success", "scanning", "failed", "download_failed", "image_oversized", "waiting_for_scan"},
			func(r wireRow, v string) bool { return r.Status == v }},
		{"instance_name", []string{"inst", "missing"}, func(r wireRow, v string) bool { return r.InstanceName == v }},
		{"instance_id", []string{"i-4", "i-5", "missing"}, func(r wireRow, v string) bool { return r.InstanceID == v }},
		{"image_size", []string{ms(some.Size), "0", "7"}, func(r wireRow, v string) bool { return v == "0" || r.Size == number(v) }},
		{"start_latest_update_time", []string{ms(some.Updated), "0", "4070880000000"}, func(r wireRow, v string) bool { return r.Updated >= number(v) }},
		{"end_latest_update_time", []string{ms(some.Updated), "0", "4070880000000"}, func(r wireRow, v string) bool { return v == "0" || r.Updated <= number(v) }},
		{"start_latest_scan_time", []string{ms(scanned.Scanned), "0", "4070880000000"},
			func(r wireRow, v string) bool { return v == "0" || (r.Scanned != 0 && r.Scanned >= number(v)) }},
		{"end_latest_scan_time", []string{ms(scanned.Scanned), "0", "4070880000000"},
			func(r wireRow, v string) bool { return v == "0" || (r.Scanned != 0 && r.Scanned <= number(v)) }},
		{"has_malicious_file", booleans, func(r wireRow, v string) bool { return has(r.Malware, v) }},
		{"has_unsafe_setting", booleans, func(r wireRow, v string) bool { return has(r.Unsafe, v) }},
		{"has_vul", booleans, func(r wireRow, v string) bool { return has(r.Vul, v) }},
	}
}

// asked is a parameter with a value.
type asked struct {
	parameter
	value string
}

// byHand applies parameters to the unfiltered list, then the paging.
func byHand(all []wireRow, with []asked, offset, limit int) (total int, ids []int64) {
	ids = []int64{}
	for _, r := range all {
		if slices.ContainsFunc(with, func(a asked) bool { return !a.keep(r, a.value) }) {
			continue
		}
		if total >= offset && len(ids) < limit {
			ids = append(ids, r.ID)
		}
		total++
	}
	return total, ids
}

// contradicts reports ranges that start after their end, which are refused, not empty.
func contradicts(with []asked) bool {
	value := map[string]int64{}
	for _, a := range with {
		switch a.name {
		case "start_latest_update_time", "end_latest_update_time", "start_latest_scan_time", "end_latest_scan_time":
			value[a.name] = number(a.value)
		}
	}
	for _, kind := range []string{"update", "scan"} {
		start, end := value["start_latest_"+kind+"_time"], value["end_latest_"+kind+"_time"]
		if end != 0 && start > end {
			return true
		}
	}
	return false
}

// defaults adds what the operation requires, or assumes, where the parameters do not say.
func defaults(params []parameter, with []asked) []asked {
	out := slices.Clone(with)
	for _, d := range []struct{ name, value string }{{"image_type", "private_image"}, {"enterprise_project_id", "all_granted_eps"}} {
		if !slices.ContainsFunc(with, func(a asked) bool { return a.name == d.name }) {
			i := slices.IndexFunc(params, func(p parameter) bool { return p.name == d.name })
			out = append(out, asked{params[i], d.value})
		}
	}
	return out
}

func checkFilter(t *testing.T, a *API, all []wireRow, params []parameter, offset, limit int, with ...asked) {
	t.Helper()
	with = defaults(params, with)
	q := url.Values{"offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(limit)}}
	for _, p := range with {
		q.Set(p.name, p.value)
	}
	if contradicts(with) {
		rec := ask(a, http.MethodGet, "/v5/"+filterProject+"/image/swr-repository?"+q.Encode(), "token", "")
		if rec.Code != http.StatusBadRequest {
			t.Errorf("%s: %d, want 400", q.Encode(), rec.Code)
		}
		return
	}
	page := listPage(t, a, q.Encode())
	total, ids := byHand(all, with, offset, limit)
	got := []int64{}
	for _, r := range page.Rows {
		got = append(got, r.ID)
	}
	if page.Total != total || !slices.Equal(got, ids) {
		t.Errorf("%s: total %d, by hand %d; rows %s", q.Encode(), page.Total, total, cmp.Diff(ids, got))
	}
}

// TestFiltersEqualFilteringByHand asks with every parameter alone and every pair of
// them, over 10,000 images.
func TestFiltersEqualFilteringByHand(t *testing.T) {
	a := filterAPI(t, filterRepositories)
	all := everything(t, a)
	if len(all) != filterRepositories*filterTags*5/6 {
		t.Fatalf("%d images", len(all))
	}
	params := parameters(all)
	t.Run("alone", func(t *testing.T) {
		for _, p := range params {
			for _, v := range p.values {
				checkFilter(t, a, all, params, 0, 200, asked{p, v})
			}
		}
	})
	t.Run("pairs", func(t *testing.T) {
		for i, p := range params {
			for _, q := range params[i+1:] {
				for k, v := range p.values {
					// Every value of one meets two of the other: all values of both occur.
					for _, w := range []string{q.values[k%len(q.values)], q.values[(k+1)%len(q.values)]} {
						checkFilter(t, a, all, params, 0, 20, asked{p, v}, asked{q, w})
					}
				}
			}
		}
	})
	t.Run("paging", func(t *testing.T) {
		for _, p := range params {
			for _, paging := range [][2]int{{0, 1}, {1, 200}, {137, 10}, {9_000, 200}, {2_000_000, 10}} {
				checkFilter(t, a, all, params, paging[0], paging[1], asked{p, p.values[0]})
			}
		}
	})
	t.Run("bare and empty", func(t *testing.T) {
		base := "image_type=private_image&enterprise_project_id=all_granted_eps&limit=5"
		want := listPage(t, a, base)
		for _, p := range params {
			if p.name == "image_type" || p.name == "enterprise_project_id" {
				continue
			}
			for _, form := range []string{"", "="} {
				if d := cmp.Diff(want, listPage(t, a, base+"&"+p.name+form), cmp.AllowUnexported(wireRow{})); d != "" {
					t.Errorf("%s%s filters: %s", p.name, form, d)
				}
			}
		}
	})
}

func TestOutsideOfPagingBoundsIsRefused(t *testing.T) {
	a := filterAPI(t, 5)
	for _, query := range []string{"limit=0", "limit=201", "limit=-1", "limit=x", "offset=-1", "offset=2000001"} {
		rec := ask(a, http.MethodGet, "/v5/"+filterProject+"/image/swr-repository?image_type=private_image&"+query, "token", "")
		var body struct {
			Code string `json:"error_code"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil || rec.Code != http.StatusBadRequest || body.Code != "HSS.0001" {
			t.Errorf("%s: %d %s", query, rec.Code, rec.Body)
		}
	}
	if n := len(listPage(t, a, "image_type=private_image").Rows); n != 10 {
		t.Errorf("the default page has %d rows", n)
	}
}
