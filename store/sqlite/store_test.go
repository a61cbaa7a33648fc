package sqlite_test

import (
	"testing"

	"plimsoll"
	"plimsoll/store"
	"plimsoll/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *store.Store { return openInventory(t) })
}

// totalChanges counts the rows that the writing connection ever wrote.
func totalChanges(t *testing.T, s *store.Store) int {
	t.Helper()
	var n int
	if err := s.DB().Writer.QueryRow(`SELECT total_changes()`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSyncTwiceWritesNothing is truth 6 of the design, for syncs.
func TestSyncTwiceWritesNothing(t *testing.T) {
	s := openInventory(t)
	r := storetest.AddRegistry(t, s, plimsoll.Registry{Name: "hub", ScanOnSync: true})
	task := plimsoll.Task{Tenant: plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "0"}, Kind: plimsoll.WorkScan}
	if err := s.ApplySync(t.Context(), r, storetest.Change(), &task); err != nil {
		t.Fatal(err)
	}
	before := totalChanges(t, s)
	if before == 0 {
		t.Fatal("nothing was written: the test looks at nothing")
	}
	for _, c := range []plimsoll.RepositoryChange{storetest.Change(), {Repository: "team/app"}, {Repository: "team/app", Gone: []string{"none"}}} {
		if err := s.ApplySync(t.Context(), r, c, &task); err != nil {
			t.Fatal(err)
		}
	}
	if n := totalChanges(t, s) - before; n != 0 {
		t.Errorf("a sync that found nothing new wrote %d rows", n)
	}
	c := storetest.Change()
	c.Tags, c.Artifacts = []plimsoll.TagSeen{{Tag: "3", Digest: storetest.Digest("plain")}}, nil
	if err := s.ApplySync(t.Context(), r, c, nil); err != nil {
		t.Fatal(err)
	}
	// The new row, the sum over its registry, the line of its history, and the mark of the latest that passes to it. It counts twice: off and on.
	if n := totalChanges(t, s) - before; n > 5 {
		t.Errorf("one new tag wrote %d rows", n)
	}
}
