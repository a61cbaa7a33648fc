package storetest

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/store"
)

func pages(t *testing.T, s *store.Store, clock *Clock) {
	ctx := context.Background()
	fill(t, s, clock)
	f := plimsoll.ImageFilter{ProjectID: "p1"}
	all := walk(t, s, f, 200)
	for _, limit := range []int{1, 7, 199} {
		if limit == 1 {
			f.Namespace = "team3"
		}
		same(t, len(walk(t, s, f, limit)), len(walk(t, s, f, 200)), nil)
		f.Namespace = ""
	}
	same(t, ids(walk(t, s, f, 7), every), ids(all, every), nil)

	page, err := s.Images(ctx, plimsoll.ImageFilter{ProjectID: "p1"})
	same(t, len(page.Items), plimsoll.MaxLimit, err)
	page, err = s.Images(ctx, plimsoll.ImageFilter{ProjectID: "p1", Offset: len(all), Limit: 10})
	same(t, page, plimsoll.Page[plimsoll.Image]{Total: len(all), Items: []plimsoll.Image{}}, err)
	page, err = s.Images(ctx, plimsoll.ImageFilter{ProjectID: "p1", Offset: plimsoll.MaxOffset})
	same(t, page, plimsoll.Page[plimsoll.Image]{Total: len(all), Items: []plimsoll.Image{}}, err)

	for _, bad := range []plimsoll.ImageFilter{
		{}, {ProjectID: "p1", Limit: plimsoll.MaxLimit + 1}, {ProjectID: "p1", Offset: -1}, {ProjectID: "p1", Size: -1},
		{ProjectID: "p1", UpdatedFrom: time.UnixMilli(2), UpdatedTo: time.UnixMilli(1)},
	} {
		_, err := s.Images(ctx, bad)
		isCode(t, err, plimsoll.Invalid)
	}
	_, err = s.Images(ctx, plimsoll.ImageFilter{ProjectID: "p1", IDs: make([]int64, 20_000)})
	isCode(t, err, plimsoll.TooLarge)
}

// listWhileSyncing checks that count and page are of one state of the database.
func listWhileSyncing(t *testing.T, s *store.Store, _ *Clock) {
	ctx := context.Background()
	r := AddRegistry(t, s, plimsoll.Registry{Name: "hub"})
	c := Change()
	c.Gone = nil
	gone := plimsoll.RepositoryChange{Repository: c.Repository}
	for _, tag := range c.Tags {
		gone.Gone = append(gone.Gone, tag.Tag)
	}
	written := make(chan error, 1)
	go func() {
		defer close(written)
		for range 20 {
			for _, change := range []plimsoll.RepositoryChange{c, gone} {
				if err := s.ApplySync(ctx, r, change, nil); err != nil {
					written <- err
					return
				}
			}
		}
	}()
	for {
		select {
		case err := <-written:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
		page, err := s.Images(ctx, plimsoll.ImageFilter{ProjectID: "p1"})
		if err != nil {
			t.Fatal(err)
		}
		if page.Total != len(page.Items) || (page.Total != 0 && page.Total != len(c.Tags)) {
			t.Fatalf("total %d with %d images: want 0 or %d of both", page.Total, len(page.Items), len(c.Tags))
		}
	}
}

func tenancy(t *testing.T, s *store.Store, clock *Clock) {
	ctx := context.Background()
	fill(t, s, clock)
	mine := walk(t, s, plimsoll.ImageFilter{ProjectID: "p1"}, 200)
	theirs := walk(t, s, plimsoll.ImageFilter{ProjectID: "p2"}, 200)
	if len(mine) == 0 || len(theirs) == 0 {
		t.Fatalf("%d and %d images: want some in both projects", len(mine), len(theirs))
	}
	for _, i := range mine {
		if i.ProjectID != "p1" || i.Source.Registry == "far" {
			t.Fatalf("image %d of %s is in the list of p1", i.ID, i.ProjectID)
		}
	}
	far := theirs[0]
	for _, l := range []plimsoll.ImageLookup{
		{ProjectID: "p1", ID: strconv.FormatInt(far.ID, 10)}, {ProjectID: "p1", ID: far.Digest.Hex()},
		{ProjectID: "p2", EnterpriseProjects: []string{"ep1"}, ID: far.Digest.Hex()},
		{ProjectID: "p2", EnterpriseProjects: []string{}, ID: far.Digest.Hex()},
	} {
		_, err := s.FindImage(ctx, l)
		isCode(t, err, plimsoll.NotFound)
	}
	_, err := s.Image(ctx, "p1", nil, far.ID)
	isCode(t, err, plimsoll.NotFound)
	got, err := s.Image(ctx, "p2", []string{"0"}, far.ID)
	same(t, got, far, err)
	_, err = s.ScanImages(ctx, "me", 0, plimsoll.ImageFilter{ProjectID: "p1"}, []plimsoll.ImageRef{
		{Namespace: mine[0].Namespace, Name: mine[0].Name, Tag: mine[0].Tag}, {Namespace: "team9", Name: "secret-app", Tag: "v0"}})
	isCode(t, err, plimsoll.NotFound)
	before := Dump(t, s, append(stored(), "backlog")...)
	page, err := s.Images(ctx, plimsoll.ImageFilter{ProjectID: "p1", EnterpriseProjects: []string{}})
	same(t, page.Total, 0, err)
	isCode(t, s.RemoveRegistry(ctx, "p1", far.RegistryID), plimsoll.NotFound)
	same(t, Dump(t, s, append(stored(), "backlog")...), before, nil)
}

func findImage(t *testing.T, s *store.Store, clock *Clock) {
	ctx := context.Background()
	r := AddRegistry(t, s, plimsoll.Registry{Name: "hub"})
	inst := AddRegistry(t, s, plimsoll.Registry{Name: "inst", Kind: plimsoll.RegistrySWREnterprise, InstanceID: "i-1"})
	Push(t, s, r, "team/app", map[string]plimsoll.Artifact{"1": Artifact("one")})
	clock.Advance(time.Hour)
	late := plimsoll.RepositoryChange{Repository: "team/app", Artifacts: []plimsoll.Artifact{Artifact("one")},
		Tags: []plimsoll.TagSeen{{Tag: "1", Digest: Digest("one"), PushedAt: clock.Now()}}}
	if err := s.ApplySync(ctx, inst, late, nil); err != nil {
		t.Fatal(err)
	}
	Push(t, s, r, "team/other", map[string]plimsoll.Artifact{"1": Artifact("two")})
	find := func(l plimsoll.ImageLookup) (plimsoll.Image, error) {
		l.ProjectID = "p1"
		return s.FindImage(ctx, l)
	}
	newest, err := find(plimsoll.ImageLookup{ID: Digest("one").Hex()})
	same(t, newest.RegistryID, inst.ID, err)
	old, err := find(plimsoll.ImageLookup{ID: Digest("one").Hex(), Origins: []plimsoll.Origin{plimsoll.OriginPrivate}})
	same(t, old.RegistryID, r.ID, err)

	for name, c := range map[string]struct {
		lookup plimsoll.ImageLookup
		want   int64
	}{
		"record id":           {plimsoll.ImageLookup{ID: strconv.FormatInt(old.ID, 10)}, old.ID},
		"digest":              {plimsoll.ImageLookup{ID: string(Digest("one"))}, newest.ID},
		"names":               {plimsoll.ImageLookup{Ref: plimsoll.ImageRef{Namespace: "team", Name: "app", Tag: "1"}}, newest.ID},
		"names and instance":  {plimsoll.ImageLookup{Ref: plimsoll.ImageRef{Name: "app", InstanceID: "i-1"}}, newest.ID},
		"id and names":        {plimsoll.ImageLookup{ID: strconv.FormatInt(old.ID, 10), Ref: plimsoll.ImageRef{Name: "app"}}, old.ID},
		"id and other names":  {plimsoll.ImageLookup{ID: strconv.FormatInt(old.ID, 10), Ref: plimsoll.ImageRef{Name: "other"}}, 0},
		"id and other origin": {plimsoll.ImageLookup{ID: strconv.FormatInt(old.ID, 10), Origins: []plimsoll.Origin{plimsoll.OriginShared}}, 0},
		"other instance":      {plimsoll.ImageLookup{Ref: plimsoll.ImageRef{Name: "app", InstanceID: "i-2"}}, 0},
		"not an id":           {plimsoll.ImageLookup{ID: "registries"}, 0},
		"too large":           {plimsoll.ImageLookup{ID: strings.Repeat("9", 30)}, 0},
		"absent digest":       {plimsoll.ImageLookup{ID: Digest("absent").Hex()}, 0},
	} {
		got, err := find(c.lookup)
		if c.want == 0 {
			isCode(t, err, plimsoll.NotFound)
		} else if err != nil || got.ID != c.want {
			t.Errorf("%s: image %d, %v: want %d", name, got.ID, err, c.want)
		}
	}
	_, err = find(plimsoll.ImageLookup{})
	isCode(t, err, plimsoll.Invalid)
}

func scanImages(t *testing.T, s *store.Store, clock *Clock) {
	ctx := context.Background()
	r := AddRegistry(t, s, plimsoll.Registry{Name: "hub"})
	expired := AddRegistry(t, s, plimsoll.Registry{Name: "shared", Tenant: plimsoll.Tenant{EnterpriseProject: "ep1"}, Kind: plimsoll.RegistrySWRShared, ShareExpires: clock.Now().Add(time.Hour)})
	no := Artifact("no")
	no.Unscannable = plimsoll.ReasonForeignLayer
	many := map[string]plimsoll.Artifact{"no": no, "again": Artifact("image 1")}
	for n := range 230 {
		word := "image " + strconv.Itoa(n)
		many["v"+strconv.Itoa(n)] = Artifact(word)
	}
	Push(t, s, r, "team/app", many)
	Push(t, s, expired, "team/app", map[string]plimsoll.Artifact{"1": Artifact("image 1")})

	task, err := s.ScanImages(ctx, "me", plimsoll.PriorityInteractive, plimsoll.ImageFilter{ProjectID: "p1", Limit: 10, Offset: 5}, nil)
	same(t, task.Total, 231, err) // once a tenant and artifact
	if task.ID == 0 || task.State != plimsoll.TaskRunning || task.By != "me" || task.EnterpriseProject != "0" {
		t.Errorf("task %+v", task)
	}
	page, err := s.Images(ctx, plimsoll.ImageFilter{ProjectID: "p1", States: []plimsoll.ScanState{plimsoll.ScanPending}})
	same(t, page.Total, 232, err)

	clock.Advance(2 * time.Hour)
	f := plimsoll.ImageFilter{ProjectID: "p1", EnterpriseProjects: []string{"ep1"}}
	task, err = s.ScanImages(ctx, "me", 0, f, nil)
	same(t, []any{task.Total, task.State, task.EnterpriseProject}, []any{0, plimsoll.TaskFinished, "ep1"}, err)

	before := Dump(t, s, "task", "backlog", "task_work")
	_, err = s.ScanImages(ctx, "me", 0, plimsoll.ImageFilter{ProjectID: "p1"}, []plimsoll.ImageRef{
		{Namespace: "team", Name: "app", Tag: "v1"}, {Namespace: "team", Name: "gone", Tag: "v1"}, {Namespace: "team", Name: "gone2"}})
	isCode(t, err, plimsoll.NotFound)
	if err != nil && !strings.Contains(err.Error(), "team/gone:v1") {
		t.Errorf("error %q does not name the first ref that names nothing", err)
	}
	_, err = s.ScanImages(ctx, "me", 0, plimsoll.ImageFilter{ProjectID: "p1"}, []plimsoll.ImageRef{{}})
	isCode(t, err, plimsoll.Invalid)
	_, err = s.ScanImages(ctx, "me", 0, plimsoll.ImageFilter{}, nil)
	isCode(t, err, plimsoll.Invalid)
	same(t, Dump(t, s, "task", "backlog", "task_work"), before, nil)

	task, err = s.ScanImages(ctx, "me", 0, plimsoll.ImageFilter{ProjectID: "p1", Origins: []plimsoll.Origin{plimsoll.OriginPrivate}},
		[]plimsoll.ImageRef{{Namespace: "team", Name: "app", Tag: "again"}, {Namespace: "team", Name: "app", Tag: "v1"}, {Namespace: "team", Name: "app", Tag: "no"}})
	same(t, task.Total, 1, err)
}

func removeRegistry(t *testing.T, s *store.Store, _ *Clock) {
	ctx := context.Background()
	r := AddRegistry(t, s, plimsoll.Registry{Name: "hub", ScanOnSync: true})
	task := plimsoll.Task{Tenant: plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "0"}, Kind: plimsoll.WorkSync}
	sync := plimsoll.Work{Kind: plimsoll.WorkSync, Key: strconv.FormatInt(r.ID, 10), RegistryID: r.ID}
	if err := s.CreateTask(ctx, &task, []plimsoll.Work{sync}); err != nil {
		t.Fatal(err)
	}
	if err := s.ApplySync(ctx, r, Change(), &task); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveRegistry(ctx, "p1", r.ID); err != nil {
		t.Fatal(err)
	}
	for _, table := range stored() {
		if n := count(t, s, table); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
	for key, state := range units(t, s) {
		if state != "stopped" {
			t.Errorf("work on %s is %s", key, state)
		}
	}
	if dump := Dump(t, s, "task"); !strings.Contains(dump, "state=finished total=4 done=0 failed=4") {
		t.Errorf("the task waits for work that will not come:\n%s", dump)
	}
	isCode(t, s.RemoveRegistry(ctx, "p1", r.ID), plimsoll.NotFound)
}

func removeSharing(t *testing.T, s *store.Store, _ *Clock) {
	ctx := context.Background()
	r, other := AddRegistry(t, s, plimsoll.Registry{Name: "hub"}), AddRegistry(t, s, plimsoll.Registry{Name: "other"})
	far := AddRegistry(t, s, plimsoll.Registry{Name: "hub", Tenant: plimsoll.Tenant{ProjectID: "p2"}})
	for _, to := range []plimsoll.Registry{other, far} {
		if err := s.ApplySync(ctx, to, Change(), nil); err != nil {
			t.Fatal(err)
		}
	}
	before := Dump(t, s, "artifact", "artifact_layer", "artifact_child", "image")
	if err := s.ApplySync(ctx, r, Change(), nil); err != nil {
		t.Fatal(err)
	}
	Push(t, s, r, "only/here", map[string]plimsoll.Artifact{"1": Artifact("here")})
	if _, err := s.ScanImages(ctx, "me", 0, plimsoll.ImageFilter{ProjectID: "p1", RegistryID: r.ID}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveRegistry(ctx, "p1", r.ID); err != nil {
		t.Fatal(err)
	}
	same(t, Dump(t, s, "artifact", "artifact_layer", "artifact_child", "image"), before, nil)
	want := map[string]string{string(Digest("both")): "pending", string(Digest("one")): "pending", string(Digest("plain")): "pending",
		string(Digest("here")): "stopped"}
	same(t, units(t, s), want, nil)
}

// imageCursors reads lists page by page with cursors: the pages together are the list.
func imageCursors(t *testing.T, s *store.Store, clock *Clock) {
	ctx := context.Background()
	fill(t, s, clock)
	for name, f := range map[string]plimsoll.ImageFilter{
		"all": {ProjectID: "p1"}, "filtered": {ProjectID: "p1", Namespace: "team3", LatestOnly: true}, "none": {ProjectID: "p9"},
	} {
		want := ids(walk(t, s, f, 200), every)
		for _, limit := range []int{7, 200, max(1, min(len(want), 200))} {
			got, f := []int64{}, f
			f.Limit = limit
			for {
				page, err := s.Images(ctx, f)
				same(t, page.Total, len(want), err)
				got = append(got, ids(page.Items, every)...)
				if f.After = page.Next; f.After == "" {
					break
				}
				if len(page.Items) != limit {
					t.Fatalf("%s: a page of %d rows is followed by another", name, len(page.Items))
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s in pages of %d: %d rows, want %d", name, limit, len(got), len(want))
			}
		}
	}
	for _, bad := range []string{"x", "MQ", "MS4x=", "MS4xLg", " "} {
		_, err := s.Images(ctx, plimsoll.ImageFilter{ProjectID: "p1", After: bad})
		isCode(t, err, plimsoll.Invalid)
	}
	first, err := s.Images(ctx, plimsoll.ImageFilter{ProjectID: "p1", Limit: 1})
	same(t, len(first.Items), 1, err)
	_, err = s.Images(ctx, plimsoll.ImageFilter{ProjectID: "p1", After: first.Next, Offset: 1})
	isCode(t, err, plimsoll.Invalid)
}
