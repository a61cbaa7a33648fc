package analyze_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/pathlist"
)

// probe is an analyzer that writes down what it is given.
type probe struct {
	name string
	want string // base name of files it reads
	do   func(analyze.File) error
}

func (p probe) ID() plimsoll.AnalyzerID       { return plimsoll.AnalyzerID{Name: p.name, Version: "1"} }
func (p probe) Failure() plimsoll.FailureCode { return plimsoll.FailurePackages }
func (p probe) Wants(e plimsoll.Entry) bool   { return strings.HasSuffix(e.Path, p.want) }
func (p probe) Analyze(_ context.Context, f analyze.File, out *plimsoll.LayerReport) error {
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err != nil || n != f.Size() || n != f.Entry.Size {
		return errors.Join(err, errors.New("size differs"))
	}
	out.Malware = append(out.Malware, plimsoll.Malware{Path: f.Path, Size: n, SHA256: hex.EncodeToString(sum.Sum(nil))})
	if p.do == nil {
		return nil
	}
	return p.do(f)
}

// hashes writes down every sum.
type hashes struct{ probe }

func (hashes) Wants(plimsoll.Entry) bool { return false }
func (hashes) File(f analyze.Summed, out *plimsoll.LayerReport) bool {
	out.Malware = append(out.Malware, plimsoll.Malware{Path: f.Path, Size: f.Size, SHA256: hex.EncodeToString(f.Sum[:])})
	return true
}

type given struct {
	plimsoll.Entry
	body string
}

func regular(path, body string) given {
	return given{plimsoll.Entry{Path: path, Size: int64(len(body))}, body}
}

func hardlink(path, target string) given {
	return given{plimsoll.Entry{Path: path, Type: plimsoll.EntryHardlink, Link: target}, ""}
}

func runOver(t *testing.T, analyzers []analyze.Analyzer, aliases []string, entries ...given) ([]plimsoll.LayerReport, []string) {
	t.Helper()
	r := ready(t, analyzers).Run(t.Context(), plimsoll.DefaultBudget(), aliases)
	defer r.Close()
	for _, e := range entries {
		if err := r.Visit(e.Entry, strings.NewReader(e.body)); err != nil {
			t.Fatal(err)
		}
	}
	return r.Reports()
}

func found(r plimsoll.LayerReport) []string {
	var out []string
	for _, m := range r.Malware {
		out = append(out, m.Path+" "+m.SHA256[:8])
	}
	return out
}

func short(body string) string { return plimsoll.DigestOf([]byte(body)).Hex()[:8] }

func TestAnAnalyzersFailureIsItsOwn(t *testing.T) {
	list := []analyze.Analyzer{
		probe{name: "good", want: "x"},
		probe{name: "bad", want: "x", do: func(analyze.File) error { return errors.New("line 1:\x1b[31m no") }},
		probe{name: "coded", want: "x", do: func(analyze.File) error {
			return plimsoll.Fail(plimsoll.FailureOversized, errors.New("too big"))
		}},
		probe{name: "panics", want: "x", do: func(f analyze.File) error { return []error{}[f.Size()] }},
		hashes{probe{name: "hashes"}},
	}
	reports, _ := runOver(t, list, nil, regular("a/x", "1"), regular("b/x", "2"), regular("c", "3"))
	want := [][]string{
		nil,
		{"packages a/x line 1:?[31m no", "packages b/x line 1:?[31m no"},
		{"oversized a/x too big", "oversized b/x too big"},
		{"packages a/x panic: runtime error: index out of range [1] with length 0", "packages b/x panic: runtime error: index out of range [1] with length 0"},
		nil,
	}
	for i, r := range reports {
		var got []string
		for _, f := range r.Failures {
			got = append(got, string(f.Code)+" "+f.Path+" "+f.Detail)
		}
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("%s: %s", r.Analyzer.Name, diff)
		}
		files := []string{"a/x " + short("1"), "b/x " + short("2")}
		if i == len(reports)-1 {
			files = append(files, "c "+short("3"))
		}
		if diff := cmp.Diff(files, found(r)); diff != "" {
			t.Errorf("%s saw: %s", r.Analyzer.Name, diff)
		}
	}
}

func TestLargeFilesSpillWithoutAName(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	body := strings.Repeat("0123456789abcdef", 17<<20/16)
	names := 0
	look := probe{name: "p", want: "x", do: func(analyze.File) error {
		list, err := os.ReadDir(dir)
		names += len(list)
		return err
	}}
	reports, _ := runOver(t, []analyze.Analyzer{look, hashes{}}, nil, regular("x", body))
	for _, r := range reports {
		if diff := cmp.Diff([]string{"x " + short(body)}, found(r)); diff != "" || len(r.Failures) > 0 {
			t.Error(diff, r.Failures)
		}
	}
	if names != 0 {
		t.Errorf("%d names in the temporary directory", names)
	}
}

func TestWhiteoutsAreNotFiles(t *testing.T) {
	reports, _ := runOver(t, []analyze.Analyzer{probe{name: "p", want: "x"}, hashes{}}, nil,
		regular("a/.wh.x", "1"), regular(".wh..wh..opq", ""), regular(".wh..wh.plnk", "2"), regular("b.wh.x", "3"))
	want := []string{"b.wh.x " + short("3")}
	for _, r := range reports {
		if diff := cmp.Diff(want, found(r)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWantedHardLinksAskForASecondRead(t *testing.T) {
	list := []analyze.Analyzer{probe{name: "p", want: "x"}}
	entries := []given{
		regular("old", "content"), hardlink("a/x", "old"), hardlink("b/x", "old"), hardlink("c", "old"),
		hardlink("d/x", "lower"), hardlink("e/x", "late"), regular("late", "?"),
	}
	_, need := runOver(t, list, nil, entries...)
	if diff := cmp.Diff([]string{"old", "lower", "late"}, need); diff != "" {
		t.Fatal(diff)
	}
	reports, again := runOver(t, list, need, entries...)
	if again != nil {
		t.Errorf("asks again for %v", again)
	}
	want := []string{"a/x " + short("content"), "b/x " + short("content")}
	if diff := cmp.Diff(want, found(reports[0])); diff != "" {
		t.Error(diff)
	}
	var failed []string
	for _, f := range reports[0].Failures {
		failed = append(failed, f.Path)
	}
	if diff := cmp.Diff([]string{"d/x", "e/x"}, failed); diff != "" {
		t.Error(diff)
	}
}

func TestAReaderThatFailsEndsTheRun(t *testing.T) {
	r := ready(t, []analyze.Analyzer{hashes{}}).Run(t.Context(), plimsoll.DefaultBudget(), nil)
	mine := errors.New("cut")
	err := r.Visit(plimsoll.Entry{Path: "a", Size: 5}, io.MultiReader(bytes.NewReader([]byte("12")), failing{mine}))
	if !errors.Is(err, mine) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestFailuresAreBounded(t *testing.T) {
	var out plimsoll.LayerReport
	for range 1000 {
		analyze.AddFailure(&out, "p", plimsoll.FailurePackages, strings.Repeat("ä", 1000))
	}
	if n := len(out.Failures); n != 101 || out.Failures[100].Path != "" {
		t.Errorf("%d failures, the last %+v", n, out.Failures[n-1])
	}
	if d := out.Failures[0].Detail; len(d) > 210 {
		t.Errorf("detail of %d bytes", len(d))
	}
}

func TestTree(t *testing.T) {
	const program = "\x7fELF\x02\x01\x01\x00...."
	dir := func(path string) given { return given{plimsoll.Entry{Path: path, Type: plimsoll.EntryDir}, ""} }
	link := func(path, target string) given {
		return given{plimsoll.Entry{Path: path, Type: plimsoll.EntrySymlink, Link: target}, ""}
	}
	reports, _ := runOver(t, []analyze.Analyzer{analyze.Tree{}}, nil,
		dir("usr"), regular("usr/z", ""), regular("usr/a", program), regular("usr-b", ""),
		link("lib", "usr/lib"), regular("lib/through", ""), // written through the link
		regular("d/gone", ""), dir("d/e"), link("d", "usr"), regular("d/stays", ""), // d/gone went with the directory
		link("twice", "a"), regular("twice", "text"),
		regular("usr/.wh.old", ""), regular("usr/.wh..wh..opq", ""), regular(".wh..wh..opq", ""), regular("usr/.wh.old", ""),
		regular(".wh...", ""), hardlink("h", "usr/a"),
	)
	tree := *reports[0].Tree
	var paths []string
	for listed := range tree.Paths.All() {
		paths = append(paths, fmt.Sprintf("%s %d %s", listed.Path, listed.Size, listed.Kind))
	}
	if diff := cmp.Diff([]string{
		"d 0 none", "d/stays 0 empty", "h 0 none", "lib 0 none", "lib/through 0 empty", "twice 4 text",
		"usr/ 0 none", "usr/a 12 elf", "usr/z 0 empty", "usr-b 0 empty",
	}, paths); diff != "" {
		t.Error(diff)
	}
	tree.Paths = pathlist.List{}
	want := plimsoll.Tree{
		Whiteouts: []string{"/", "usr/", "usr/old"},
		Links:     []plimsoll.Link{{Path: "d", Target: "usr"}, {Path: "lib", Target: "usr/lib"}},
		Largest: []plimsoll.FileFact{
			{Path: "usr/a", Size: 12, Kind: "elf", SHA256: plimsoll.DigestOf([]byte(program)).Hex()},
			{Path: "twice", Size: 4, Kind: "text", SHA256: plimsoll.DigestOf([]byte("text")).Hex()},
		},
		Entries: 18,
	}
	tree.Largest = slices.DeleteFunc(tree.Largest, func(f plimsoll.FileFact) bool { return f.Size == 0 })
	if diff := cmp.Diff(want, tree); diff != "" {
		t.Error(diff)
	}
}

// TestTreeKeepsTheLargest: the list is bounded, and has only files that the layer keeps.
func TestTreeKeepsTheLargest(t *testing.T) {
	var entries []given
	for i := range 2 * plimsoll.LargestFiles {
		entries = append(entries, regular(fmt.Sprint("f", i), strings.Repeat("x", i)))
	}
	entries = append(entries, regular(fmt.Sprint("f", 2*plimsoll.LargestFiles-1), "small now"))
	reports, _ := runOver(t, []analyze.Analyzer{analyze.Tree{}}, nil, entries...)
	largest := reports[0].Tree.Largest
	if n := len(largest); n != plimsoll.LargestFiles-1 || largest[0].Size != 2*plimsoll.LargestFiles-2 || largest[n-1].Size != plimsoll.LargestFiles {
		t.Errorf("%d files, %+v to %+v", n, largest[0], largest[n-1])
	}
}

// peeker wants every file, and then those with some first bytes.
type peeker struct {
	probe
	magic string
}

func (p peeker) Peek(_ plimsoll.Entry, head []byte) bool {
	if string(head) == "boom" {
		panic("at a glance")
	}
	return strings.HasPrefix(string(head), p.magic)
}

func TestPeek(t *testing.T) {
	var read []string
	note := func(f analyze.File) error {
		raw, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
		read = append(read, f.Path+"="+string(raw))
		return err
	}
	run := ready(t, []analyze.Analyzer{peeker{probe{name: "p", do: note}, "PK"}}).Run(t.Context(), plimsoll.Budget{WantedFile: 8}, nil)
	for _, f := range []struct{ path, body string }{{"a", "PK"}, {"b", "PK1234"}, {"c", "text"}, {"d", ""}, {"e", "a text over the budget"}, {"f", "PK over the budget"}, {"g", "boom"}} {
		if err := run.Visit(plimsoll.Entry{Path: f.path, Size: int64(len(f.body))}, strings.NewReader(f.body)); err != nil {
			t.Fatal(err)
		}
	}
	reports, _ := run.Reports()
	if diff := cmp.Diff([]string{"a=PK", "b=PK1234"}, read); diff != "" {
		t.Error(diff)
	}
	var failed []string
	for _, f := range reports[0].Failures {
		failed = append(failed, f.Path+" "+string(f.Code))
	}
	if diff := cmp.Diff([]string{"f oversized", "g packages"}, failed); diff != "" {
		t.Error(diff)
	}
}

func ready(t *testing.T, analyzers []analyze.Analyzer) *analyze.Set {
	t.Helper()
	set, err := analyze.NewSet(analyzers)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
