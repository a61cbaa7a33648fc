package storetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/store"
)

func artifactRoundTrip(t *testing.T, s *store.Store, _ *Clock) {
	ctx := context.Background()
	r := AddRegistry(t, s, plimsoll.Registry{Name: "hub"})
	one, two := Artifact("one"), Artifact("two")
	two.Platform.Variant, two.Subject = "v8", Digest("subject")
	both := Index("both", one, two)
	both.Children[1].Unscannable = plimsoll.ReasonNotLinux
	Push(t, s, r, "a/b", map[string]plimsoll.Artifact{"1": both}, one, two)

	tenant := plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "0"}
	for _, want := range []plimsoll.Artifact{one, two, both} {
		got, err := s.Artifact(ctx, tenant, want.Digest)
		same(t, got, want, err)
	}
	_, err := s.Artifact(ctx, plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "1"}, one.Digest)
	isCode(t, err, plimsoll.NotFound)

	many := []plimsoll.Digest{one.Digest, Digest("absent")}
	for n := range 1500 {
		many = append(many, Digest(strings.Repeat("x", n)))
	}
	known, err := s.KnownArtifacts(ctx, tenant, append(many, both.Digest))
	same(t, known, map[plimsoll.Digest]bool{one.Digest: true, both.Digest: true}, err)
	known, err = s.KnownArtifacts(ctx, plimsoll.Tenant{ProjectID: "p2", EnterpriseProject: "0"}, many)
	same(t, len(known), 0, err)
}

func newTags(t *testing.T, s *store.Store, clock *Clock) {
	ctx := context.Background()
	r := AddRegistry(t, s, plimsoll.Registry{Name: "hub", Kind: plimsoll.RegistrySWREnterprise, Tenant: plimsoll.Tenant{EnterpriseProject: "ep1"},
		InstanceID: "i", InstanceName: "inst", InstanceURL: "https://i.example", Owner: "acme", ShareExpires: clock.Now().Add(time.Hour)})
	Push(t, s, r, "team/sub/app", map[string]plimsoll.Artifact{"1": Artifact("one")})
	Push(t, s, r, "busybox", map[string]plimsoll.Artifact{"2": Artifact("two")})

	got, err := s.FindImage(ctx, plimsoll.ImageLookup{ProjectID: "p1", Ref: plimsoll.ImageRef{Tag: "1"}})
	want := plimsoll.Image{
		ID: got.ID, Tenant: plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "ep1"}, RegistryID: r.ID, Origin: plimsoll.OriginInstance,
		Repository: "team/sub/app", Namespace: "team", Name: "sub/app", Tag: "1", Digest: Digest("one"), Size: 1000,
		UpdatedAt: Artifact("one").Created, FirstSeen: clock.Now(), Latest: true, State: plimsoll.ScanNone,
		Source: plimsoll.ImageSource{Registry: "hub", Kind: plimsoll.RegistrySWREnterprise, InstanceID: "i", InstanceName: "inst",
			InstanceURL: "https://i.example", Owner: "acme", ShareExpires: r.ShareExpires},
	}
	same(t, got, want, err)
	two, err := s.FindImage(ctx, plimsoll.ImageLookup{ProjectID: "p1", Ref: plimsoll.ImageRef{Namespace: "library", Name: "busybox"}})
	same(t, two.Repository, "busybox", err)

	clock.Advance(2 * time.Hour)
	got, err = s.Image(ctx, "p1", nil, got.ID)
	want.Unscannable = plimsoll.ReasonShareExpired
	same(t, got, want, err)

	tags, err := s.KnownTags(ctx, r.ID, "team/sub/app")
	same(t, tags, map[string]plimsoll.Digest{"1": Digest("one")}, err)
	names, err := s.KnownRepositories(ctx, r.ID)
	same(t, names, []string{"busybox", "team/sub/app"}, err)
	tags, err = s.KnownTags(ctx, 99, "busybox")
	same(t, len(tags), 0, err)
}

func updateTimes(t *testing.T, s *store.Store, clock *Clock) {
	ctx := context.Background()
	r := AddRegistry(t, s, plimsoll.Registry{Name: "hub"})
	created := func(word string, at time.Time) plimsoll.Artifact {
		a := Artifact(word)
		a.Created, a.Settings.Created = at, at
		return a
	}
	now, good := clock.Now(), time.Date(2023, 4, 5, 6, 7, 8, 0, time.UTC)
	old, fresh := created("old member", good.Add(-time.Hour)), created("fresh member", good)
	var c plimsoll.RepositoryChange
	wants := map[string]time.Time{}
	add := func(tag string, a plimsoll.Artifact, pushed, want time.Time) {
		c.Artifacts = append(c.Artifacts, a)
		c.Tags = append(c.Tags, plimsoll.TagSeen{Tag: tag, Digest: a.Digest, PushedAt: pushed})
		wants[tag] = want
	}
	add("pushed", created("pushed", good), now.Add(-time.Minute), now.Add(-time.Minute))
	add("pushed-in-future", created("pushed-in-future", good), now.Add(time.Hour), good)
	add("config", created("config", good), time.Time{}, good)
	add("absent", created("absent", time.Time{}), time.Time{}, now)
	add("epoch", created("epoch", time.Unix(1, 0).UTC()), time.Time{}, now)
	add("zip", created("zip", time.Date(1980, 1, 1, 0, 0, 1, 0, time.UTC)), time.Time{}, now)
	add("future", created("future", now.Add(time.Second)), time.Time{}, now)
	add("index", Index("index", old, fresh), time.Time{}, good)
	c.Repository, c.Artifacts = "a/b", append(c.Artifacts, old, fresh)
	if err := s.ApplySync(ctx, r, c, nil); err != nil {
		t.Fatal(err)
	}
	for tag, want := range wants {
		got, err := s.FindImage(ctx, plimsoll.ImageLookup{ProjectID: "p1", Ref: plimsoll.ImageRef{Tag: tag}})
		if err != nil || !got.UpdatedAt.Equal(want) {
			t.Errorf("%s: updated at %v, %v: want %v", tag, got.UpdatedAt, err, want)
		}
	}
}

func movedTag(t *testing.T, s *store.Store, clock *Clock) {
	ctx := context.Background()
	r := AddRegistry(t, s, plimsoll.Registry{Name: "hub"})
	Push(t, s, r, "a/b", map[string]plimsoll.Artifact{"1": Artifact("one"), "x": Artifact("scanned")})
	Exec(t, s, `UPDATE artifact SET scan_state = 'done', scanned_at = 77, raw_vulnerabilities = 3, raw_settings = 2, raw_malware = 1,
failure = 'malware', failure_detail = 'why', size = 4444 WHERE digest = ?`, string(Digest("scanned")))
	before, err := s.FindImage(ctx, plimsoll.ImageLookup{ProjectID: "p1", Ref: plimsoll.ImageRef{Tag: "1"}})
	if err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Hour)
	Push(t, s, r, "a/b", map[string]plimsoll.Artifact{"1": Artifact("scanned")})

	want := before
	want.Digest, want.Size, want.UpdatedAt, want.Latest = Digest("scanned"), 4444, clock.Now(), true
	want.State, want.ScannedAt = plimsoll.ScanDone, time.UnixMilli(77).UTC()
	want.Failure, want.Detail = plimsoll.FailureMalware, "why"
	want.Counts = &plimsoll.Counts{Vulnerabilities: 3, Settings: 2, Malware: 1}
	got, err := s.Image(ctx, "p1", nil, before.ID)
	same(t, got, want, err)
	if n := count(t, s, "artifact"); n != 1 {
		t.Errorf("%d artifacts are stored: want only the one that tags point to", n)
	}
	if n := count(t, s, "artifact_layer"); n != 2 {
		t.Errorf("%d layers are stored: want those of one artifact", n)
	}
}

func goneTags(t *testing.T, s *store.Store, _ *Clock) {
	ctx := context.Background()
	r := AddRegistry(t, s, plimsoll.Registry{Name: "hub"})
	one, two, kept := Artifact("one"), Artifact("two"), Artifact("kept")
	Push(t, s, r, "a/b", map[string]plimsoll.Artifact{"1": Index("both", one, two), "2": Artifact("plain")}, one, two)
	Push(t, s, r, "a/c", map[string]plimsoll.Artifact{"1": Index("half", two, kept)}, two, kept)
	task := plimsoll.Task{Tenant: plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "0"}, Kind: plimsoll.WorkScan, By: "me"}
	if err := s.CreateTask(ctx, &task, []plimsoll.Work{
		{Kind: plimsoll.WorkScan, Key: string(Digest("both")), RegistryID: r.ID, Repository: "a/b"},
		{Kind: plimsoll.WorkScan, Key: string(Digest("half")), RegistryID: r.ID, Repository: "a/c"},
	}); err != nil {
		t.Fatal(err)
	}
	gone := func(repository string, tags ...string) {
		t.Helper()
		if err := s.ApplySync(ctx, r, plimsoll.RepositoryChange{Repository: repository, Gone: tags}, nil); err != nil {
			t.Fatal(err)
		}
	}
	gone("a/b", "1", "2", "never was")
	known, err := s.KnownArtifacts(ctx, plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "0"},
		[]plimsoll.Digest{Digest("both"), Digest("plain"), one.Digest, two.Digest, kept.Digest, Digest("half")})
	same(t, known, map[plimsoll.Digest]bool{two.Digest: true, kept.Digest: true, Digest("half"): true}, err)
	want := map[string]string{string(Digest("both")): "stopped", string(Digest("half")): "pending"}
	same(t, units(t, s), want, nil)

	gone("a/c", "1")
	want[string(Digest("half"))] = "stopped"
	same(t, units(t, s), want, nil)
	for _, table := range []string{"image", "artifact", "artifact_layer", "artifact_child"} {
		if n := count(t, s, table); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
	if dump := Dump(t, s, "task"); !strings.Contains(dump, "state=finished total=2 done=0 failed=2") {
		t.Errorf("the task waits for work that will not come:\n%s", dump)
	}
}

// units returns the state of all work by key.
func units(t *testing.T, s *store.Store) map[string]string {
	t.Helper()
	rows, err := s.DB().Reader.Query(`SELECT key, state FROM backlog`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]string{}
	for rows.Next() {
		var key, state string
		if err := rows.Scan(&key, &state); err != nil {
			t.Fatal(err)
		}
		out[key] = state
	}
	return out
}

func latest(t *testing.T, s *store.Store, clock *Clock) {
	ctx := context.Background()
	r, other := AddRegistry(t, s, plimsoll.Registry{Name: "hub"}), AddRegistry(t, s, plimsoll.Registry{Name: "other"})
	marked := func(want ...string) {
		t.Helper()
		page, err := s.Images(ctx, plimsoll.ImageFilter{ProjectID: "p1", RegistryID: r.ID, LatestOnly: true})
		got := []string{}
		for _, i := range page.Items {
			got = append(got, i.Repository+":"+i.Tag)
		}
		same(t, got, want, err)
	}
	Push(t, s, other, "a/b", map[string]plimsoll.Artifact{"9": Artifact("one")})
	Push(t, s, r, "a/b", map[string]plimsoll.Artifact{"1": Artifact("one")})
	Push(t, s, r, "a/b", map[string]plimsoll.Artifact{"2": Artifact("two")}) // same time, larger id
	marked("a/b:2")
	clock.Advance(time.Hour)
	Push(t, s, r, "a/b", map[string]plimsoll.Artifact{"1": Artifact("one moved")})
	Push(t, s, r, "a/c", map[string]plimsoll.Artifact{"1": Artifact("c")})
	marked("a/b:1", "a/c:1")
	if err := s.ApplySync(ctx, r, plimsoll.RepositoryChange{Repository: "a/b", Gone: []string{"1"}}, nil); err != nil {
		t.Fatal(err)
	}
	marked("a/c:1", "a/b:2")
	if err := s.ApplySync(ctx, r, plimsoll.RepositoryChange{Repository: "a/b", Gone: []string{"2"}}, nil); err != nil {
		t.Fatal(err)
	}
	marked("a/c:1")
}

func syncTwice(t *testing.T, s *store.Store, clock *Clock) {
	r := AddRegistry(t, s, plimsoll.Registry{Name: "hub"})
	c := Change()
	if err := s.ApplySync(context.Background(), r, c, nil); err != nil {
		t.Fatal(err)
	}
	before := Dump(t, s, stored()...)
	clock.Advance(time.Hour)
	if err := s.ApplySync(context.Background(), r, c, nil); err != nil {
		t.Fatal(err)
	}
	same(t, Dump(t, s, stored()...), before, nil)
}

// Change is a sync's find with everything in it: plain images, an index, a tag that is gone.
func Change() plimsoll.RepositoryChange {
	one, two := Artifact("one"), Artifact("two")
	return plimsoll.RepositoryChange{
		Repository: "team/app",
		Artifacts:  []plimsoll.Artifact{one, two, Index("both", one, two), Artifact("plain")},
		Tags: []plimsoll.TagSeen{
			{Tag: "1", Digest: Digest("both")}, {Tag: "1-amd64", Digest: one.Digest},
			{Tag: "2", Digest: Digest("plain")}, {Tag: "latest", Digest: Digest("plain")},
		},
		Gone: []string{"0"},
	}
}
