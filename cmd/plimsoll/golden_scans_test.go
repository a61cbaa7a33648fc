package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"plimsoll"
	"plimsoll/app/imagescan"
)

// goldenScan is what the golden file keeps of a scan: nothing of the test material itself,
// but a checksum of the whole normalised output, and counts that explain a difference.
type goldenScan struct {
	SHA256          string                         `json:"sha256"`
	Exit            int                            `json:"exit"`
	Failure         plimsoll.FailureCode           `json:"failure,omitempty"`
	Packages        int                            `json:"packages"`
	Vulnerabilities int                            `json:"vulnerabilities"`
	Settings        map[plimsoll.SettingResult]int `json:"settings"`
	Malware         int                            `json:"malware"`
	Secrets         int                            `json:"secrets"`
	NotJudged       int                            `json:"not_judged"`

	// Members are the first digits of a checksum per member of the output.
	Members map[string]string `json:"members"`
}

// rpmDatabases are the databases of the corpus and where an image keeps each.
var rpmDatabases = map[string]string{
	"centos7-bdb/Packages.gz":         "var/lib/rpm/Packages",
	"fedora35-sqlite/rpmdb.sqlite.gz": "var/lib/rpm/rpmdb.sqlite",
	"sle15-ndb/Packages.db.gz":        "var/lib/rpm/Packages.db",
	"hostile-never-ends.Packages.gz":  "var/lib/rpm/Packages",
}

// TestGoldenScans scans an image of every root and every rpm database of the corpus by the
// command line, and compares each output with testdata/golden/scans.json.
func TestGoldenScans(t *testing.T) {
	requireCorpus(t)
	data := t.TempDir()
	for _, zip := range []string{"Alpine", "Debian", "Ubuntu", "AlmaLinux"} {
		cli(t, "", "--data", data, "advisories", "import", filepath.Join(sharedData, "osv", zip+".zip"))
	}
	got := map[string]goldenScan{}
	for key, archive := range corpusArchives(t) {
		got[key] = scanForGolden(t, data, key, archive)
	}
	compareGolden(t, "scans.json", got)
}

// corpusArchives composes the images and returns their archives.
func corpusArchives(t *testing.T) map[string]string {
	t.Helper()
	archives := map[string]string{}
	dir := t.TempDir()
	roots, err := os.ReadDir(filepath.Join(sharedData, "roots"))
	if err != nil {
		t.Fatal(err)
	}
	for _, root := range roots {
		file := filepath.Join(dir, root.Name()+".tar")
		ref, err := name.NewTag("registry.example.org/roots/" + root.Name() + ":1")
		if err != nil {
			t.Fatal(err)
		}
		if err := tarball.WriteToFile(file, ref, rootImage(t, root.Name())); err != nil {
			t.Fatal(err)
		}
		archives["roots/"+root.Name()] = file
	}
	for _, pattern := range []string{"*.gz", "*/*.gz"} {
		databases, err := filepath.Glob(filepath.Join(sharedData, "rpmdb", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range databases {
			database, err := filepath.Rel(filepath.Join(sharedData, "rpmdb"), file)
			if err != nil {
				t.Fatal(err)
			}
			if rpmDatabases[database] == "" {
				t.Errorf("add the database %s to rpmDatabases", database)
				continue
			}
			archives["rpmdb/"+database] = rpmArchive(t, rpmDatabases[database], database)
		}
	}
	return archives
}

// advisoryAge is the member that counts the seconds since the import of the advisories.
var advisoryAge = regexp.MustCompile(`"age": ?\d+`)

// normalScan replaces what differs between two scans of one image:
//   - advisories.age, seconds on a clock, becomes 0;
//   - the directory of the archive, which is temporary, becomes {dir}.
func normalScan(raw, archive string) string {
	raw = advisoryAge.ReplaceAllString(raw, `"age": 0`)
	return strings.ReplaceAll(raw, filepath.Dir(archive), "{dir}")
}

// scanForGolden scans without flags that change the exit status, which the entry keeps.
func scanForGolden(t *testing.T, data, key, archive string) goldenScan {
	t.Helper()
	var out, errs bytes.Buffer
	code := runProgram(t.Context(), []string{"--data", data, "scan", "--archive", archive, "--output", "json"}, strings.NewReader(""), &out, &errs)
	text := normalScan(out.String(), archive)
	var got imagescan.Result
	var members map[string]json.RawMessage
	for _, into := range []any{&got, &members} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatalf("%s: exit %d, %v\n%s\n%s", key, code, err, text, errs.String())
		}
	}
	entry := goldenScan{
		SHA256: checksum(text), Exit: code, Failure: got.Failure, Packages: len(got.Packages), Vulnerabilities: len(got.Vulnerabilities),
		Settings: map[plimsoll.SettingResult]int{}, Malware: len(got.Malware), Secrets: len(got.Secrets), NotJudged: len(got.NotJudged),
		Members: map[string]string{},
	}
	for _, s := range got.Settings {
		entry.Settings[s.Result]++
	}
	for member, value := range members {
		entry.Members[member] = checksum(string(value))[:12]
	}
	keepScan(t, key, text)
	return entry
}

func checksum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// keepScan leaves the normalised output in the test's artifacts: run the test with -artifacts
// at two commits to compare the outputs themselves.
func keepScan(t *testing.T, key, text string) {
	t.Helper()
	file := strings.ReplaceAll(key, "/", "-") + ".json"
	if err := os.WriteFile(filepath.Join(t.ArtifactDir(), file), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
