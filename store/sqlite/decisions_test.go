package sqlite_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/store/storetest"
)

// TestNamesOfOlderVerdicts: what the migration makes of stored verdicts is what saving them writes.
func TestNamesOfOlderVerdicts(t *testing.T) {
	s := openInventory(t)
	storeImage(t, s, "a")
	scan := largeScan("a", 20, 10, 1)
	scan.Judgements[0].Vulnerabilities[0].Aliases = []string{"GHSA-x", "it's \"quoted\""}
	if _, err := s.SaveScan(t.Context(), scan); err != nil {
		t.Fatal(err)
	}
	want := storetest.Dump(t, s, "verdict_name")
	raw, err := os.ReadFile("migrations/00004_decisions.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, statement, ok := strings.Cut(string(raw), "INSERT OR IGNORE INTO verdict_name")
	statement, _, ok2 := strings.Cut(statement, ";")
	if !ok || !ok2 {
		t.Fatal("the migration fills no names")
	}
	storetest.Exec(t, s, `DELETE FROM verdict_name`)
	storetest.Exec(t, s, `INSERT OR IGNORE INTO verdict_name`+statement)
	if diff := cmp.Diff(want, storetest.Dump(t, s, "verdict_name")); diff != "" || !strings.Contains(want, "GHSA-x") {
		t.Errorf("-saved +migrated\n%s", diff)
	}
	if page, err := s.VulnerabilitiesNamed(t.Context(), costTenant.ProjectID, nil, "GHSA-x"); err != nil || len(page) != 1 || !plimsoll.IsCVE(page[0].ID) {
		t.Errorf("%v %+v", err, page)
	}
}
