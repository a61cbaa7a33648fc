package sqlite_test

import (
	"path/filepath"
	"testing"

	"plimsoll/store"
	"plimsoll/store/sqlite"
	"plimsoll/store/storetest"
)

func TestStore(t *testing.T) { storetest.Run(t, inventory) }

// inventory opens an empty inventory that the suite closes.
func inventory(t *testing.T) *store.Store {
	t.Helper()
	s, err := sqlite.Inventory(t.Context(), filepath.Join(t.TempDir(), "inventory.db"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
