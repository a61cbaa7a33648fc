package sqlite_test

import (
	"path/filepath"
	"testing"

	"plimsoll/store"
	"plimsoll/store/sqlite"
	"plimsoll/store/storetest"
)

func TestAdvisories(t *testing.T) {
	storetest.Advisories(t, func(t *testing.T, dir string) *store.Advisories {
		s, err := sqlite.Advisories(t.Context(), filepath.Join(dir, "advisories.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	})
}
