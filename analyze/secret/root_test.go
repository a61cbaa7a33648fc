package secret

import (
	"bytes"
	"io/fs"
	"os"
	"slices"
	"testing"

	"plimsoll"
	"plimsoll/analyze"
)

// debianVariable is the environment variable with the path of a Debian root directory from debootstrap.
const debianVariable = "PLIMSOLL_DEBIAN_ROOT"

// TestADebianRootIsQuiet scans a whole root directory as one layer. An ordinary one only contains keys that were
// generated when a package was installed.
func TestADebianRootIsQuiet(t *testing.T) {
	path := os.Getenv(debianVariable)
	if path == "" {
		t.Skipf("set %s to a root made with debootstrap", debianVariable)
	}
	set, err := analyze.NewSet([]analyze.Analyzer{NewAnalyzer()})
	if err != nil {
		t.Fatal(err)
	}
	run := set.Run(t.Context(), plimsoll.DefaultBudget(), nil)
	root, err := os.OpenRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := root.ReadFile(path)
		if err != nil {
			return err
		}
		return run.Visit(plimsoll.Entry{Path: path, Type: plimsoll.EntryFile, Size: int64(len(content))}, bytes.NewReader(content))
	})
	if err != nil {
		t.Fatal(err)
	}
	reports, _ := run.Reports()
	all := reports[0].Secrets
	shown := slices.DeleteFunc(slices.Clone(all), plimsoll.DefaultSecretProfile().Excludes)
	t.Logf("%d secrets, %d shown: %+v", len(all), len(shown), shown)
	if len(all) == 0 || len(shown) > 3 || len(reports[0].Failures) > 0 {
		t.Errorf("%d secrets, %d shown, failures %+v", len(all), len(shown), reports[0].Failures)
	}
}
