package storetest

import (
	"context"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/store"
)

func syncScans(t *testing.T, s *store.Store, _ *Clock) {
	ctx := context.Background()
	r := AddRegistry(t, s, plimsoll.Registry{Name: "hub", ScanOnSync: true})
	silent := AddRegistry(t, s, plimsoll.Registry{Name: "silent", Tenant: plimsoll.Tenant{EnterpriseProject: "ep1"}})
	task := plimsoll.Task{Tenant: plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "0"}, Kind: plimsoll.WorkScan, By: "sync"}
	c := Change()
	if err := s.ApplySync(ctx, silent, c, &task); err != nil {
		t.Fatal(err)
	}
	if task.ID != 0 || count(t, s, "backlog") != 0 {
		t.Error("a registry that does not scan on sync asked for scans")
	}
	no := Artifact("no")
	no.Unscannable = plimsoll.ReasonNotLinux
	c.Artifacts, c.Tags = append(c.Artifacts, no), append(c.Tags, plimsoll.TagSeen{Tag: "no", Digest: no.Digest})
	if err := s.ApplySync(ctx, r, c, &task); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{string(Digest("both")): "pending", string(Digest("one")): "pending", string(Digest("plain")): "pending"}
	same(t, units(t, s), want, nil)
	if task.ID == 0 || task.Total != 3 {
		t.Errorf("task %d has %d units: want 3", task.ID, task.Total)
	}

	// What was looked at already is not asked for again, and a task that ended is followed by another.
	Exec(t, s, `UPDATE artifact SET scan_state = 'done' WHERE enterprise_project_id = '0'`)
	Exec(t, s, `UPDATE backlog SET state = 'done'`)
	Exec(t, s, `UPDATE task SET state = 'finished', done = 3`)
	first := task.ID
	Push(t, s, r, "team/other", map[string]plimsoll.Artifact{"1": Artifact("plain")})
	next := plimsoll.RepositoryChange{Repository: "team/third", Artifacts: []plimsoll.Artifact{Artifact("new")},
		Tags: []plimsoll.TagSeen{{Tag: "1", Digest: Digest("plain")}, {Tag: "2", Digest: Digest("new")}}}
	if err := s.ApplySync(ctx, r, next, &task); err != nil {
		t.Fatal(err)
	}
	if task.ID == first || task.Total != 1 || task.By != "sync" {
		t.Errorf("task %+v: want a new one with one unit", task)
	}
	same(t, units(t, s)[string(Digest("new"))], "pending", nil)
	if err := s.ApplySync(ctx, r, plimsoll.RepositoryChange{Repository: "team/none", Artifacts: []plimsoll.Artifact{Artifact("quiet")},
		Tags: []plimsoll.TagSeen{{Tag: "2", Digest: Digest("quiet")}}}, nil); err != nil {
		t.Fatal(err)
	}
	if _, asked := units(t, s)[string(Digest("quiet"))]; asked {
		t.Error("a sync without a task asked for scans")
	}
}

func indexes(t *testing.T, s *store.Store, _ *Clock) {
	ctx := context.Background()
	r := AddRegistry(t, s, plimsoll.Registry{Name: "hub"})
	one, two := Artifact("one"), Artifact("two")
	two.Unscannable = plimsoll.ReasonForeignLayer
	all := Index("all", one, two, Artifact("unread"), Artifact("proof"))
	all.Children[3].Unscannable = plimsoll.ReasonAttestation
	all.Children[3].Platform = plimsoll.Platform{OS: "unknown", Architecture: "unknown"}
	Push(t, s, r, "a/b", map[string]plimsoll.Artifact{"1": all, "2": all, "3": Artifact("plain")}, one, two)
	check := func(index plimsoll.ScanState, members ...plimsoll.ScanState) {
		t.Helper()
		page, err := s.Images(ctx, plimsoll.ImageFilter{ProjectID: "p1"})
		if err != nil || len(page.Items) != 3 {
			t.Fatalf("%d images, %v", len(page.Items), err)
		}
		for _, i := range page.Items {
			if i.Tag == "3" {
				same(t, len(i.Platforms), 0, nil)
				continue
			}
			want := make([]plimsoll.ImagePlatform, 4)
			for n, m := range all.Children {
				want[n] = plimsoll.ImagePlatform{Digest: m.Digest, Platform: m.Platform, Unscannable: m.Unscannable, State: members[n]}
			}
			want[1].Unscannable = plimsoll.ReasonForeignLayer
			same(t, i.Platforms, want, nil)
			same(t, i.State, index, nil)
		}
	}
	const none, pending, running, done = plimsoll.ScanNone, plimsoll.ScanPending, plimsoll.ScanRunning, plimsoll.ScanDone
	check(none, none, none, none, none)
	task := plimsoll.Task{Tenant: plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "0"}, Kind: plimsoll.WorkScan}
	if err := s.CreateTask(ctx, &task, []plimsoll.Work{{Kind: plimsoll.WorkScan, Key: string(all.Digest)}}); err != nil {
		t.Fatal(err)
	}
	check(pending, pending, none, pending, none)
	Exec(t, s, `UPDATE backlog SET state = 'running'`)
	Exec(t, s, `UPDATE artifact SET scan_state = 'done' WHERE digest = ?`, string(one.Digest))
	check(running, done, none, running, none)
	Exec(t, s, `UPDATE backlog SET state = 'done'`)
	check(none, done, none, none, none)
}

func sharedArtifact(t *testing.T, s *store.Store, _ *Clock) {
	ctx := context.Background()
	r, other := AddRegistry(t, s, plimsoll.Registry{Name: "hub"}), AddRegistry(t, s, plimsoll.Registry{Name: "other"})
	Push(t, s, r, "a/b", map[string]plimsoll.Artifact{"1": Artifact("one")})
	Push(t, s, r, "a/b", map[string]plimsoll.Artifact{"2": Artifact("one")})
	Push(t, s, other, "c", map[string]plimsoll.Artifact{"1": Artifact("one")})
	if n := count(t, s, "artifact"); n != 1 {
		t.Errorf("%d artifacts: want one behind three tags", n)
	}
	task, err := s.ScanImages(ctx, "me", plimsoll.PriorityInteractive, plimsoll.ImageFilter{ProjectID: "p1", RegistryID: r.ID}, nil)
	same(t, task.Total, 1, err)
	if err := s.ApplySync(ctx, r, plimsoll.RepositoryChange{Repository: "a/b", Gone: []string{"1", "2"}}, nil); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, "artifact"); n != 1 {
		t.Errorf("%d artifacts: another registry's tag still points to the one", n)
	}
	// The scan goes on with the bytes of the other registry.
	var repository string
	var registry int64
	if err := s.DB().Reader.QueryRow(`SELECT registry_id, repository FROM backlog WHERE state = 'pending'`).Scan(&registry, &repository); err != nil {
		t.Fatal(err)
	}
	if registry != other.ID || repository != "c" {
		t.Errorf("the scan reads %s of registry %d: want c of %d", repository, registry, other.ID)
	}
}

func syncGone(t *testing.T, s *store.Store, _ *Clock) {
	ctx := context.Background()
	r := AddRegistry(t, s, plimsoll.Registry{Name: "hub"})
	before := Dump(t, s, stored()...)
	task := plimsoll.Task{Tenant: plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "0"}, Kind: plimsoll.WorkScan}
	r.ScanOnSync = true
	err := s.ApplySync(ctx, r, plimsoll.RepositoryChange{
		Repository: "a/b", Artifacts: []plimsoll.Artifact{Artifact("there")},
		Tags: []plimsoll.TagSeen{{Tag: "1", Digest: Digest("there")}, {Tag: "2", Digest: Digest("not stored")}},
	}, &task)
	isCode(t, err, plimsoll.Unavailable)
	same(t, Dump(t, s, stored()...), before, nil)
	if task.ID != 0 {
		t.Error("the task has an id of a row that was rolled back")
	}
	for _, broken := range []plimsoll.Registry{{ID: 99, Tenant: plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "0"}}, {ID: r.ID, Tenant: plimsoll.Tenant{ProjectID: "p2", EnterpriseProject: "0"}}} {
		isCode(t, s.ApplySync(ctx, broken, Change(), nil), plimsoll.NotFound)
	}
	if err := s.ApplySync(ctx, plimsoll.Registry{ID: 99}, plimsoll.RepositoryChange{Repository: "a/b"}, nil); err != nil {
		t.Errorf("an empty change asked the database: %v", err)
	}
	// Artifacts that no tag came to use do not stay.
	err = s.ApplySync(ctx, r, plimsoll.RepositoryChange{Repository: "a/b", Artifacts: []plimsoll.Artifact{Artifact("stray")}}, nil)
	same(t, count(t, s, "artifact"), 0, err)
}

// interruptedScans gives up a scan of an image and one of an index: both show it, keep
// nothing open, and a scan that succeeds later puts it right.
func interruptedScans(t *testing.T, s *store.Store, _ *Clock) {
	ctx := context.Background()
	r := AddRegistry(t, s, plimsoll.Registry{Name: "hub"})
	one, plain := Artifact("one"), Artifact("plain")
	all := Index("all", one)
	Push(t, s, r, "a/b", map[string]plimsoll.Artifact{"plain": plain, "index": all}, one)
	task := plimsoll.Task{Tenant: plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "0"}, Kind: plimsoll.WorkScan}
	work := []plimsoll.Work{
		{Kind: plimsoll.WorkScan, Key: string(plain.Digest)},
		{Kind: plimsoll.WorkScan, Key: string(all.Digest)},
		{Kind: plimsoll.WorkScan, Key: string(Digest("its last tag went away"))},
	}
	if err := s.CreateTask(ctx, &task, work); err != nil {
		t.Fatal(err)
	}
	states := func() map[string]string {
		t.Helper()
		page, err := s.Images(ctx, plimsoll.ImageFilter{ProjectID: "p1"})
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, i := range page.Items {
			out[i.Tag] = string(i.State) + " " + string(i.Failure)
		}
		return out
	}
	for range 3 {
		same(t, states(), map[string]string{"plain": "pending ", "index": "pending "}, nil)
		if claimed, err := s.Claim(ctx, len(work), time.Time{}); err != nil || len(claimed) != len(work) {
			t.Fatalf("claimed %v, %v; want all", claimed, err)
		}
		if n, err := s.Sweep(ctx); err != nil || n != 3 {
			t.Fatalf("took back %d, %v; want 3", n, err)
		}
	}
	same(t, states(), map[string]string{"plain": "failed interrupted", "index": "failed interrupted"}, nil)
	got, err := s.Task(ctx, "p1", task.ID)
	same(t, []any{got.State, got.Failed}, []any{plimsoll.TaskFinished, 3}, err)

	for _, a := range []plimsoll.Artifact{plain, one} {
		tenant := plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "0"}
		if _, err := s.SaveScan(ctx, plimsoll.ScanRecord{Tenant: tenant, Digest: a.Digest, ScannedAt: Start()}); err != nil {
			t.Fatal(err)
		}
	}
	same(t, states(), map[string]string{"plain": "done ", "index": "done "}, nil)
	unrecordedFailure(t, s, plain, states)
}

// unrecordedFailure ends a scan as failed: the failure is recorded if its worker did not, and
// keeps what it did.
func unrecordedFailure(t *testing.T, s *store.Store, a plimsoll.Artifact, states func() map[string]string) {
	t.Helper()
	ctx := context.Background()
	for _, failure := range []plimsoll.FailureCode{"", plimsoll.FailureLayer} {
		task := plimsoll.Task{Tenant: plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "0"}, Kind: plimsoll.WorkScan}
		if err := s.CreateTask(ctx, &task, []plimsoll.Work{{Kind: plimsoll.WorkScan, Key: string(a.Digest)}}); err != nil {
			t.Fatal(err)
		}
		claimed, err := s.Claim(ctx, 1, time.Time{})
		if err != nil || len(claimed) != 1 {
			t.Fatalf("claimed %v, %v; want one", claimed, err)
		}
		w := claimed[0]
		want := "failed unknown"
		if failure != "" {
			want = "failed layer"
			if err := s.FailScan(ctx, plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "0"}, a.Digest, failure, "its worker reported"); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Finish(ctx, w.ID, w.Generation, plimsoll.FailureUnknown, "a defect ended the work"); err != nil {
			t.Fatal(err)
		}
		same(t, states()["plain"], want, nil)
	}
}
