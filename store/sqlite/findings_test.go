package sqlite_test

import (
	"path/filepath"
	"testing"

	"plimsoll/store"
	"plimsoll/store/sqlite"
)

func openInventory(t testing.TB) *store.Store {
	s, err := sqlite.Inventory(t.Context(), filepath.Join(t.TempDir(), "inventory.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
