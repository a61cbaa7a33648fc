package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/store"
)

// Images is the suite of registries, artifacts and images.
func Images(t *testing.T, open func(t *testing.T) *store.Store) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, *store.Store, *Clock)
	}{
		{"registry round trip", registryRoundTrip},
		{"last sync of a registry", lastSync},
		{"remove a registry", removeRegistry},
		{"remove a registry that shares artifacts", removeSharing},
		{"artifact round trip", artifactRoundTrip},
		{"new tags", newTags},
		{"time of update", updateTimes},
		{"moved tag", movedTag},
		{"gone tags", goneTags},
		{"latest", latest},
		{"sync twice", syncTwice},
		{"sync asks for scans", syncScans},
		{"index", indexes},
		{"one artifact behind many tags", sharedArtifact},
		{"sync of what is gone", syncGone},
		{"every filter", everyFilter},
		{"every pair of filters", everyPair},
		{"pages", pages},
		{"cursors", imageCursors},
		{"list while syncs write", listWhileSyncing},
		{"tenancy", tenancy},
		{"find an image", findImage},
		{"ask for scans", scanImages},
		{"a scan that kills its process", interruptedScans},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			c.run(t, s, UseClock(s))
		})
	}
}

// stored are the tables that a sync writes.
func stored() []string {
	return []string{"registry", "artifact", "artifact_layer", "artifact_child", "image"}
}

func registryRoundTrip(t *testing.T, s *store.Store, clock *Clock) {
	ctx := context.Background()
	want := plimsoll.Registry{
		Tenant: plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "ep1"}, Name: "hub", URL: "https://hub.example:5000", Kind: plimsoll.RegistrySWREnterprise,
		Username: "robot", AuthHosts: []string{"auth.example:443"}, Repositories: []string{"a/b", "c"}, ScanOnSync: true,
		SharedBytes: true, InstanceID: "i-1", InstanceName: "inst", InstanceURL: "https://inst.example", Owner: "acme",
		ShareExpires: clock.Now().Add(time.Hour),
	}
	if err := s.AddRegistry(ctx, &want); err != nil {
		t.Fatal(err)
	}
	if want.ID == 0 || !want.CreatedAt.Equal(clock.Now()) {
		t.Errorf("id %d, created %v: want an id and the clock's time", want.ID, want.CreatedAt)
	}
	if err := s.SealRegistry(ctx, want.ID, []byte{0, 1, 2}); err != nil {
		t.Fatal(err)
	}
	want.SealedSecret = []byte{0, 1, 2}
	plain := AddRegistry(t, s, plimsoll.Registry{Name: "a plain one"})
	if plain.EnterpriseProject != plimsoll.DefaultEnterpriseProject {
		t.Errorf("enterprise project %q: want the default", plain.EnterpriseProject)
	}

	got, err := s.Registry(ctx, "p1", want.ID)
	same(t, got, want, err)
	got, err = s.RegistryByName(ctx, "p1", "a plain one")
	same(t, got, plain, err)
	all, err := s.Registries(ctx, "p1", nil)
	same(t, all, []plimsoll.Registry{plain, want}, err)
	all, err = s.Registries(ctx, "p1", []string{"ep1", "ep2"})
	same(t, all, []plimsoll.Registry{want}, err)
	all, err = s.Registries(ctx, "p1", []string{})
	same(t, len(all), 0, err)

	_, err = s.Registry(ctx, "p2", want.ID)
	isCode(t, err, plimsoll.NotFound)
	_, err = s.RegistryByName(ctx, "p2", "hub")
	isCode(t, err, plimsoll.NotFound)
	isCode(t, s.RemoveRegistry(ctx, "p2", want.ID), plimsoll.NotFound)
	isCode(t, s.SealRegistry(ctx, 999, nil), plimsoll.NotFound)
	isCode(t, s.AddRegistry(ctx, &plimsoll.Registry{Tenant: plimsoll.Tenant{ProjectID: "p1"}, Name: "hub"}), plimsoll.Conflict)
	AddRegistry(t, s, plimsoll.Registry{Tenant: plimsoll.Tenant{ProjectID: "p2"}, Name: "hub"})
}

func lastSync(t *testing.T, s *store.Store, clock *Clock) {
	ctx := context.Background()
	r := AddRegistry(t, s, plimsoll.Registry{Name: "hub"})
	other := AddRegistry(t, s, plimsoll.Registry{Name: "other"})
	ended := func(registry int64, kind plimsoll.WorkKind, state plimsoll.WorkState, at time.Time, failure plimsoll.FailureCode) {
		Exec(t, s, `INSERT INTO backlog (project_id, enterprise_project_id, kind, key, registry_id, priority, state, failure, failure_detail, created_at, finished_at)
VALUES ('p1', '0', ?, 'k', ?, 0, ?, ?, ?, 1, ?)`, string(kind), registry, string(state), string(failure), string(failure), at.UnixMilli())
	}
	ended(r.ID, plimsoll.WorkSync, plimsoll.WorkDone, clock.Now().Add(time.Minute), "")
	ended(r.ID, plimsoll.WorkSync, plimsoll.WorkFailed, clock.Now().Add(2*time.Minute), plimsoll.FailureAuth)
	ended(r.ID, plimsoll.WorkSync, plimsoll.WorkStopped, clock.Now().Add(3*time.Minute), "")
	ended(r.ID, plimsoll.WorkScan, plimsoll.WorkDone, clock.Now().Add(4*time.Minute), "")
	ended(other.ID, plimsoll.WorkSync, plimsoll.WorkDone, clock.Now().Add(5*time.Minute), "")

	got, err := s.Registry(ctx, "p1", r.ID)
	same(t, got.LastSync, &plimsoll.SyncOutcome{
		At: clock.Now().Add(2 * time.Minute), Failure: plimsoll.FailureAuth, Detail: string(plimsoll.FailureAuth),
	}, err)
}

func same(t *testing.T, got, want any, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func isCode(t *testing.T, err error, want plimsoll.Code) {
	t.Helper()
	if got := plimsoll.ErrorCode(err); got != want {
		t.Errorf("error %v has code %q: want %q", err, got, want)
	}
}

func count(t *testing.T, s *store.Store, table string) int {
	t.Helper()
	var n int
	if err := s.DB().Reader.QueryRow(`SELECT COUNT(*) FROM ` + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
