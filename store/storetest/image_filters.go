package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/store"
)

// fill stores over 500 images with many combinations of what filters look at, in
// project p1, and some in p2.
func fill(t testing.TB, s *store.Store, clock *Clock) {
	t.Helper()
	Fill(t, s, clock, 50, 13)
}

// Fill stores repositories × tags images in project p1, some more in p2, spread over
// registries of every origin, with every scan state and with work on some. What it
// stores is the same each time.
func Fill(t testing.TB, s *store.Store, clock *Clock, repositories, tags int) Sample {
	t.Helper()
	registries := []plimsoll.Registry{
		{Name: "one"},
		{Name: "two", Kind: plimsoll.RegistryHarbor, Tenant: plimsoll.Tenant{EnterpriseProject: "ep1"}},
		{Name: "three", Kind: plimsoll.RegistrySWRShared, Owner: "acme", ShareExpires: clock.Now().Add(-time.Hour)},
		{Name: "four", Kind: plimsoll.RegistrySWREnterprise, InstanceID: "i-4", InstanceName: "inst"},
		{Name: "five", Kind: plimsoll.RegistrySWREnterprise, InstanceID: "i-5", InstanceName: "inst", Tenant: plimsoll.Tenant{EnterpriseProject: "ep1"}},
		{Name: "far", Tenant: plimsoll.Tenant{ProjectID: "p2"}},
	}
	for i, r := range registries {
		registries[i] = AddRegistry(t, s, r)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for n := range repositories {
		fillRepository(t, s, clock, random, registries[n%len(registries)], n, tags)
	}
	judge(t, s, random)
	page, err := s.Images(context.Background(), plimsoll.ImageFilter{
		ProjectID: "p1", Origins: []plimsoll.Origin{plimsoll.OriginPrivate}, Limit: 1, Offset: repositories,
	})
	if err != nil || len(page.Items) != 1 {
		t.Fatalf("%d private images, %v", page.Total, err)
	}
	return Sample{Image: page.Items[0], Private: page.Total}
}

// Sample is something to ask for in what Fill stored.
type Sample struct {
	Image   plimsoll.Image // a private one
	Private int            // how many private images p1 has
}

func fillRepository(t testing.TB, s *store.Store, clock *Clock, random *rand.Rand, r plimsoll.Registry, n, tags int) {
	t.Helper()
	repository := fmt.Sprintf("team%d/app%d", n%5, n%9)
	if n%7 == 0 {
		repository = fmt.Sprintf("app%d", n%9)
	}
	if n > 50 {
		repository = fmt.Sprintf("team%d/app%d", n%50, n)
	}
	c := plimsoll.RepositoryChange{Repository: repository}
	for k := range tags {
		a := Artifact(fmt.Sprintf("image %d of repository %d", k, n))
		a.Size = 1000 + 100*random.Int64N(40)
		if k%6 == 5 {
			member := a
			member.Digest = Digest("member of " + string(a.Digest))
			a = Index("index "+string(a.Digest), member)
			c.Artifacts = append(c.Artifacts, member)
		}
		if k%11 == 10 {
			a.Unscannable = plimsoll.ReasonForeignLayer
		}
		c.Artifacts = append(c.Artifacts, a)
		c.Tags = append(c.Tags, plimsoll.TagSeen{
			Tag: fmt.Sprintf("v%d", k), Digest: a.Digest,
			PushedAt: clock.Now().Add(-time.Duration(random.IntN(5000)) * time.Minute),
		})
	}
	if err := s.ApplySync(context.Background(), r, c, nil); err != nil {
		t.Fatal(err)
	}
}

// judge gives images results and open work, as scans would.
func judge(t testing.TB, s *store.Store, random *rand.Rand) {
	t.Helper()
	tx, err := s.DB().Writer.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	rows, err := tx.Query(`SELECT id, digest, project_id, enterprise_project_id FROM image ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		id                                 int64
		digest, project, enterpriseProject string
	}
	var images []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.id, &r.digest, &r.project, &r.enterpriseProject); err != nil {
			t.Fatal(err)
		}
		images = append(images, r)
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	exec := func(query string, args ...any) {
		if _, err := tx.Exec(s.DB().Dialect.Rebind(query), args...); err != nil {
			t.Fatal(err)
		}
	}
	for n, r := range images {
		state := plimsoll.ScanStates()[2+n%5]
		scanned, counts := int64(0), []any{nil, nil, nil}
		if state != plimsoll.ScanNone {
			scanned = Start().Add(-time.Duration(random.IntN(3000)) * time.Minute).UnixMilli()
		}
		if state == plimsoll.ScanDone || state == plimsoll.ScanFailed && n%2 == 0 {
			counts = []any{random.IntN(3), random.IntN(2), random.IntN(2)}
		}
		exec(`UPDATE image SET scan_state = ?, scanned_at = ?, vulnerabilities = ?, settings = ?, malware = ? WHERE id = ?`,
			append([]any{string(state), scanned}, append(counts, r.id)...)...)
		unit := []string{"pending", "queued", "running", "done"}
		if n%8 == 0 {
			exec(`INSERT INTO backlog (project_id, enterprise_project_id, kind, key, priority, state, created_at) VALUES (?, ?, 'scan', ?, 0, ?, 1)`,
				r.project, r.enterpriseProject, r.digest, unit[n/8%4])
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// filterCase is one filter and what it means.
type filterCase struct {
	name  string
	set   func(*plimsoll.ImageFilter)
	match func(plimsoll.Image) bool
}

// filterCases draws the values of filters from the images, and one that none has.
func filterCases(all []plimsoll.Image) []filterCase {
	some := all[len(all)/3]
	var out []filterCase
	add := func(name string, set func(*plimsoll.ImageFilter), match func(plimsoll.Image) bool) {
		out = append(out, filterCase{name, set, match})
	}
	for name, value := range map[string]string{"hit": some.Namespace, "miss": "nowhere"} {
		add("namespace "+name, func(f *plimsoll.ImageFilter) { f.Namespace = value }, func(i plimsoll.Image) bool { return i.Namespace == value })
	}
	for name, value := range map[string]string{"hit": some.Name, "miss": "app"} {
		add("name "+name, func(f *plimsoll.ImageFilter) { f.Name = value }, func(i plimsoll.Image) bool { return i.Name == value })
	}
	for name, value := range map[string]string{"hit": some.Tag, "miss": "V1"} {
		add("tag "+name, func(f *plimsoll.ImageFilter) { f.Tag = value }, func(i plimsoll.Image) bool { return i.Tag == value })
	}
	for name, value := range map[string]string{"hit": some.Repository, "miss": "library/" + some.Name} {
		add("repository "+name, func(f *plimsoll.ImageFilter) { f.Repository = value }, func(i plimsoll.Image) bool { return i.Repository == value })
	}
	for name, value := range map[string]plimsoll.Digest{"hit": some.Digest, "miss": Digest("nothing")} {
		add("digest "+name, func(f *plimsoll.ImageFilter) { f.Digest = value }, func(i plimsoll.Image) bool { return i.Digest == value })
	}
	for name, value := range map[string]int64{"hit": some.Size, "miss": 7} {
		add("size "+name, func(f *plimsoll.ImageFilter) { f.Size = value }, func(i plimsoll.Image) bool { return i.Size == value })
	}
	for name, value := range map[string]int64{"hit": some.RegistryID, "miss": 999} {
		add("registry "+name, func(f *plimsoll.ImageFilter) { f.RegistryID = value }, func(i plimsoll.Image) bool { return i.RegistryID == value })
	}
	for name, values := range map[string][]int64{"hit": {some.ID, all[0].ID, 99999}, "miss": {99999}} {
		add("ids "+name, func(f *plimsoll.ImageFilter) { f.IDs = values }, func(i plimsoll.Image) bool { return slices.Contains(values, i.ID) })
	}
	for _, value := range []string{"i-4", "i-9"} {
		add("instance id "+value, func(f *plimsoll.ImageFilter) { f.InstanceID = value }, func(i plimsoll.Image) bool { return i.Source.InstanceID == value })
	}
	for _, value := range []string{"inst", "ins"} {
		add("instance name "+value, func(f *plimsoll.ImageFilter) { f.InstanceName = value }, func(i plimsoll.Image) bool { return i.Source.InstanceName == value })
	}
	for name, values := range map[string][]string{"one": {"ep1"}, "two": {"0", "ep1"}, "miss": {"ep9"}, "none": {}} {
		add("enterprise project "+name, func(f *plimsoll.ImageFilter) { f.EnterpriseProjects = values },
			func(i plimsoll.Image) bool { return slices.Contains(values, i.EnterpriseProject) })
	}
	for _, values := range [][]plimsoll.Origin{{"private"}, {"shared"}, {"instance", "shared"}, {"local"}} {
		add(fmt.Sprint("origin ", values), func(f *plimsoll.ImageFilter) { f.Origins = values },
			func(i plimsoll.Image) bool { return slices.Contains(values, i.Origin) })
	}
	add("latest", func(f *plimsoll.ImageFilter) { f.LatestOnly = true }, func(i plimsoll.Image) bool { return i.Latest })
	out = append(out, stateCases()...)
	out = append(out, timeCases(some)...)
	return append(out, countCases()...)
}

func stateCases() []filterCase {
	var out []filterCase
	for _, states := range [][]plimsoll.ScanState{
		{plimsoll.ScanPending}, {plimsoll.ScanRunning}, {plimsoll.ScanNone}, {plimsoll.ScanDone}, {plimsoll.ScanFailed},
		{plimsoll.ScanUnreachable}, {plimsoll.ScanOversized}, {plimsoll.ScanPending, plimsoll.ScanRunning},
		{plimsoll.ScanRunning, plimsoll.ScanDone}, {plimsoll.ScanPending, plimsoll.ScanNone, plimsoll.ScanFailed}, plimsoll.ScanStates(),
	} {
		out = append(out, filterCase{fmt.Sprint("state ", states), func(f *plimsoll.ImageFilter) { f.States = states },
			func(i plimsoll.Image) bool { return slices.Contains(states, i.State) }})
	}
	return out
}

func timeCases(some plimsoll.Image) []filterCase {
	at, scan := some.UpdatedAt, Start().Add(-1500*time.Minute)
	scanned := func(i plimsoll.Image) bool { return !i.ScannedAt.IsZero() }
	return []filterCase{
		{"updated from", func(f *plimsoll.ImageFilter) { f.UpdatedFrom = at }, func(i plimsoll.Image) bool { return !i.UpdatedAt.Before(at) }},
		{"updated to", func(f *plimsoll.ImageFilter) { f.UpdatedTo = at }, func(i plimsoll.Image) bool { return !i.UpdatedAt.After(at) }},
		{"updated at", func(f *plimsoll.ImageFilter) { f.UpdatedFrom, f.UpdatedTo = at, at }, func(i plimsoll.Image) bool { return i.UpdatedAt.Equal(at) }},
		{"updated later", func(f *plimsoll.ImageFilter) { f.UpdatedFrom = Start().Add(time.Hour) }, func(plimsoll.Image) bool { return false }},
		{"scanned from", func(f *plimsoll.ImageFilter) { f.ScannedFrom = scan }, func(i plimsoll.Image) bool { return scanned(i) && !i.ScannedAt.Before(scan) }},
		{"scanned to", func(f *plimsoll.ImageFilter) { f.ScannedTo = scan }, func(i plimsoll.Image) bool { return scanned(i) && !i.ScannedAt.After(scan) }},
		{"scanned before all", func(f *plimsoll.ImageFilter) { f.ScannedTo = time.UnixMilli(5) }, func(plimsoll.Image) bool { return false }},
	}
}

func countCases() []filterCase {
	var out []filterCase
	for _, want := range []bool{true, false} {
		has := func(name string, set func(*plimsoll.ImageFilter), of func(plimsoll.Counts) int) {
			out = append(out, filterCase{fmt.Sprint("has ", name, " ", want), set, func(i plimsoll.Image) bool {
				return i.Counts != nil && (of(*i.Counts) > 0) == want
			}})
		}
		has("vulnerability", func(f *plimsoll.ImageFilter) { f.HasVulnerability = &want }, func(c plimsoll.Counts) int { return c.Vulnerabilities })
		has("setting", func(f *plimsoll.ImageFilter) { f.HasSetting = &want }, func(c plimsoll.Counts) int { return c.Settings })
		has("malware", func(f *plimsoll.ImageFilter) { f.HasMalware = &want }, func(c plimsoll.Counts) int { return c.Malware })
	}
	return out
}

// walk reads every page of a list.
func walk(t *testing.T, s *store.Store, f plimsoll.ImageFilter, limit int) []plimsoll.Image {
	t.Helper()
	var out []plimsoll.Image
	for {
		f.Limit, f.Offset = limit, len(out)
		page, err := s.Images(context.Background(), f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, page.Items...)
		if len(page.Items) == 0 {
			if page.Total != len(out) {
				t.Fatalf("total %d, but the pages hold %d images", page.Total, len(out))
			}
			return out
		}
	}
}

func ids(images []plimsoll.Image, match func(plimsoll.Image) bool) []int64 {
	out := []int64{}
	for _, i := range images {
		if match(i) {
			out = append(out, i.ID)
		}
	}
	return out
}

func every(plimsoll.Image) bool { return true }

func everyFilter(t *testing.T, s *store.Store, clock *Clock) {
	fill(t, s, clock)
	all := walk(t, s, plimsoll.ImageFilter{ProjectID: "p1"}, 200)
	if len(all) < 500 {
		t.Fatalf("only %d images", len(all))
	}
	if !slices.IsSortedFunc(all, newestFirst) {
		t.Error("the list is not newest first")
	}
	hits := 0
	for _, c := range filterCases(all) {
		f := plimsoll.ImageFilter{ProjectID: "p1"}
		c.set(&f)
		want := ids(all, c.match)
		hits += min(1, len(want))
		if diff := cmp.Diff(want, ids(walk(t, s, f, 97), every)); diff != "" {
			t.Errorf("%s: -by hand +by filter\n%s", c.name, diff)
		}
	}
	if hits < 35 {
		t.Errorf("only %d filters select anything: the test looks at too little", hits)
	}
}

func everyPair(t *testing.T, s *store.Store, clock *Clock) {
	fill(t, s, clock)
	all := walk(t, s, plimsoll.ImageFilter{ProjectID: "p1"}, 200)
	cases := filterCases(all)
	for n, a := range cases {
		for _, b := range cases[n+1:] {
			f := plimsoll.ImageFilter{ProjectID: "p1"}
			a.set(&f)
			only := f
			b.set(&f)
			if cmp.Equal(only, f) || overwrites(a, b) {
				continue
			}
			want := ids(all, func(i plimsoll.Image) bool { return a.match(i) && b.match(i) })
			page, err := s.Images(context.Background(), f)
			if err != nil {
				if len(want) == 0 && plimsoll.ErrorCode(err) == plimsoll.Invalid {
					continue // a time range that starts after its end
				}
				t.Fatalf("%s, %s: %v", a.name, b.name, err)
			}
			if page.Total != len(want) {
				t.Errorf("%s, %s: total %d, want %d", a.name, b.name, page.Total, len(want))
			}
			if diff := cmp.Diff(want[:min(len(want), plimsoll.MaxLimit)], ids(page.Items, every)); diff != "" {
				t.Errorf("%s, %s: -by hand +by filter\n%s", a.name, b.name, diff)
			}
		}
	}
}

// overwrites reports whether both cases set the same field, so that they are no pair.
func overwrites(a, b filterCase) bool {
	var one, two plimsoll.ImageFilter
	a.set(&one)
	b.set(&one)
	b.set(&two)
	a.set(&two)
	return !cmp.Equal(one, two)
}

func newestFirst(a, b plimsoll.Image) int {
	if c := b.UpdatedAt.Compare(a.UpdatedAt); c != 0 {
		return c
	}
	return int(b.ID - a.ID)
}
