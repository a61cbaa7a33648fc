package sqlite

import (
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"plimsoll"
)

// TestUpgradeFromJobTables opens a database of a version that ran units as jobs of a library. The
// library's tables are dropped; units that it had not begun are pending, those that ran are
// reclaimed; open units are still joined.
func TestUpgradeFromJobTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plimsoll.db")
	writeJobTables(t, path)

	s, err := Inventory(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test ends
	var tables int
	if err := s.DB().Reader.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'river%'`).Scan(&tables); err != nil || tables != 0 {
		t.Errorf("%d tables and indexes of the library are left, %v", tables, err)
	}
	counts, err := s.PendingCounts(t.Context())
	if diff := cmp.Diff(map[plimsoll.WorkState]int{plimsoll.WorkPending: 2, plimsoll.WorkRunning: 1}, counts); diff != "" || err != nil {
		t.Fatalf("open units, %v (-want +got):\n%s", err, diff)
	}
	if n, err := s.Sweep(t.Context()); err != nil || n != 1 {
		t.Fatalf("took back %d, %v; want the one that ran", n, err)
	}
	task := plimsoll.Task{Tenant: plimsoll.Tenant{ProjectID: "p", EnterpriseProject: "0"}, Kind: plimsoll.WorkScan, By: "ann"}
	if err := s.CreateTask(t.Context(), &task, []plimsoll.Work{{Kind: plimsoll.WorkScan, Key: "queued"}}); err != nil {
		t.Fatal(err)
	}
	claimed, err := s.Claim(t.Context(), 9, time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	type claim struct {
		ID, TaskID, Generation int64
		Key                    string
		Attempts               int
	}
	var got []claim
	for _, w := range claimed {
		got = append(got, claim{w.ID, w.TaskID, w.Generation, w.Key, w.Attempts})
		if err := s.Finish(t.Context(), w.ID, w.Generation, "", ""); err != nil {
			t.Error(err)
		}
	}
	want := []claim{{1, 1, 1, "pending", 1}, {2, 1, 2, "queued", 1}, {3, 1, 2, "running", 2}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("claimed (-want +got):\n%s", diff)
	}
	for _, id := range []int64{1, task.ID} {
		if task, err := s.Task(t.Context(), "p", id); err != nil || task.State != plimsoll.TaskFinished || task.Done != task.Total {
			t.Errorf("task is %+v, %v; want it finished", task, err)
		}
	}
}

// writeJobTables writes a database of the last version that had the library's tables, with a task
// of three units: pending, queued and running.
func writeJobTables(t *testing.T, path string) {
	t.Helper()
	old, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close() //nolint:errcheck // statements report their errors
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, old, sub, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	river, err := os.ReadFile(filepath.Join("testdata", "river_tables.sql"))
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{
		string(river),
		`INSERT INTO task (id, project_id, enterprise_project_id, kind, requested_by, state, total, done, failed, created_at, finished_at)
			VALUES (1, 'p', '0', 'scan', 'ann', 'running', 3, 0, 0, 1, 0)`,
		`INSERT INTO backlog (id, project_id, enterprise_project_id, kind, key, priority, generation, state, attempts, lease_until, created_at) VALUES
			(1, 'p', '0', 'scan', 'pending', 0, 0, 'pending', 0, 0, 1),
			(2, 'p', '0', 'scan', 'queued', 0, 1, 'queued', 0, 0, 1),
			(3, 'p', '0', 'scan', 'running', 0, 1, 'running', 1, 99999999999999, 1)`,
		`INSERT INTO task_work (task_id, backlog_id) VALUES (1, 1), (1, 2), (1, 3)`,
	} {
		if _, err := old.ExecContext(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
}
