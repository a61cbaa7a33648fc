package advisory

import (
	"archive/zip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"plimsoll"
)

// standard is a record as the standard library's decoder reads it: slower, and beyond doubt.
type standard struct {
	ID        string             `json:"id"`
	Modified  time.Time          `json:"modified"`
	Published time.Time          `json:"published"`
	Withdrawn time.Time          `json:"withdrawn"`
	Aliases   []string           `json:"aliases"`
	Upstream  []string           `json:"upstream"`
	Related   []string           `json:"related"`
	Summary   string             `json:"summary"`
	Details   string             `json:"details"`
	Severity  []decodedScore     `json:"severity"`
	Affected  []standardAffect   `json:"affected"`
	Refs      []decodedReference `json:"references"`
	Database  standardSpecific   `json:"database_specific"`
}

type standardAffect struct {
	Package  struct{ Ecosystem, Name string }
	Versions []string
	Ranges   []plimsoll.Range
	Severity []decodedScore
	Specific standardSpecific `json:"ecosystem_specific"`
	Database standardSpecific `json:"database_specific"`
}

type standardSpecific struct{ specificFields }

func (s *standardSpecific) UnmarshalJSON(raw []byte) error {
	var v struct{ Severity, Urgency any }
	if json.Unmarshal(raw, &v) == nil {
		s.severity, _ = v.Severity.(string)
		s.urgency, _ = v.Urgency.(string)
	}
	return nil
}

func (s standard) record() decodedRecord {
	r := decodedRecord{
		ID: s.ID, Summary: s.Summary, Details: s.Details, Modified: s.Modified, Published: s.Published, Withdrawn: s.Withdrawn,
		Aliases: s.Aliases, Upstream: s.Upstream, Related: s.Related, Severity: s.Severity, Refs: s.Refs, DatabaseSpecific: s.Database.specificFields,
	}
	for _, a := range s.Affected {
		r.Affected = append(r.Affected, decodedAffected{
			Ecosystem: a.Package.Ecosystem, Name: a.Package.Name, Versions: a.Versions, Ranges: a.Ranges,
			Severity: a.Severity, EcosystemSpecific: a.Specific.specificFields, DatabaseSpecific: a.Database.specificFields,
		})
	}
	return r
}

var sameRecord = []cmp.Option{cmp.AllowUnexported(specificFields{}), cmpopts.EquateEmpty()}

// TestDecodeLikeTheStandardLibrary reads real records both ways.
func TestDecodeLikeTheStandardLibrary(t *testing.T) {
	root := filepath.Join("..", "..", "shared", "data", "osv")
	zips, _ := filepath.Glob(filepath.Join(root, "*.zip"))
	if len(zips) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("the shared test material is absent")
		}
		t.Skip("the shared test material is absent")
	}
	compared, refused := 0, 0
	for _, path := range zips {
		z, err := zip.OpenReader(path)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		for i, f := range z.File {
			if i%20 != 0 { // comparing is slow
				continue
			}
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			var want standard
			if err := json.Unmarshal(raw, &want); err != nil {
				refused++
				continue // a date that is none: TestBrokenDates
			}
			got, err := decodeRecord(string(raw))
			if err != nil {
				t.Fatal(f.Name, err)
			}
			if w := want.record(); !cmp.Equal(w, got, sameRecord...) {
				t.Fatalf("%s %s (-want +got):\n%s", path, f.Name, cmp.Diff(w, got, sameRecord...))
			}
			compared++
		}
	}
	if t.Logf("%d records are read alike", compared); compared < 2000 || refused > 1 {
		t.Errorf("%d compared, %d refused by the standard library", compared, refused)
	}
}

// TestBrokenDates: when a record was published is worth less than the record.
func TestBrokenDates(t *testing.T) {
	a, err := Parse([]byte(`{"id":"A-1","published":"1-01-01T00:00:00Z","modified":"soon"}`))
	if err != nil || !a.Published.IsZero() || !a.Modified.IsZero() {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := Parse([]byte(`{"id":"A-1","withdrawn":"1-01-01T00:00:00Z"}`)); err == nil {
		t.Error("whether a record holds is not guessed")
	}
}

// FuzzDecode: what is accepted is JSON, and strings mean what the standard library says.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"id":"A-1","x":[1,-0.5e+3,true,false,null,{"a":[]}],"details":"\ud83d\ude00\u00e9\n\ud800x"}`,
		`{"affected":[{"package":{"name":"n","ecosystem":"e"},"versions":["1"],"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1"}]}]}]}`,
		`{"id":01}`, `{"id":"` + "\x01" + `"}`, `{"id":"a",}`, `[[[[`, `{"a":"\u12"}`, `{"severity":[{"type":"x","score":"y"}],"withdrawn":null} x`,
		`{"id":"\"\\\/\b\f\r\t"}`, ` null `, `{"database_specific":{"severity":"x","urgency":[1]}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := decodeRecord(s)
		if err != nil {
			return
		}
		if !json.Valid([]byte(s)) {
			t.Errorf("accepted what is no JSON: %q", s)
		}
		var members map[string]json.RawMessage
		if json.Unmarshal([]byte(s), &members) != nil {
			return
		}
		var id string
		if raw, ok := members["id"]; ok && json.Unmarshal(raw, &id) == nil && cleanLine(id) != cleanLine(r.ID) {
			t.Errorf("id %q, the standard library reads %q", r.ID, id)
		}
	})
}
