package layer

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/pathlist"
)

// l is one layer in these tests.
type l struct {
	paths     []string
	whiteouts []string
	links     map[string]string
	marks     []string // files that marks reports
}

func (x l) reports(n int) []plimsoll.LayerReport {
	diff := plimsoll.DigestOf([]byte(strconv.Itoa(n)))
	tree := &plimsoll.Tree{Whiteouts: x.whiteouts}
	paths := slices.Clone(x.paths)
	r := plimsoll.LayerReport{DiffID: diff}
	for path, target := range x.links {
		paths = append(paths, path)
		tree.Links = append(tree.Links, plimsoll.Link{Path: path, Target: target})
	}
	for _, path := range x.marks {
		paths = append(paths, path)
		r.Findings = append(r.Findings, plimsoll.FileFinding{Path: path})
	}
	slices.Sort(paths)
	tree.Paths = pathsOf(slices.Compact(paths))
	return []plimsoll.LayerReport{{DiffID: diff, Tree: tree}, r}
}

// pathsOf makes a list of paths; a file is as many bytes as its path.
func pathsOf(paths []string) pathlist.List {
	var out pathlist.List
	for _, p := range paths {
		e := pathlist.Entry{Path: p, Kind: pathlist.KindNone}
		if !strings.HasSuffix(p, "/") {
			e.Size, e.Kind = int64(len(p)), pathlist.KindText
		}
		out.Add(e)
	}
	return out
}

// marks is the kind of finding of these tests.
type marks struct{}

func (marks) Paths(r *plimsoll.LayerReport, about func(path string)) {
	for _, f := range r.Findings {
		OuterPaths(f.Path, about)
	}
}

// mark is a finding in the folded image.
type mark struct {
	layer   int
	path    string
	visible bool
}

func marksOf(v *View) (list []mark) {
	for i, r := range v.Reports() {
		for _, f := range r.Findings {
			path, visible := v.Place(i, f.Path)
			list = append(list, mark{i, path, visible})
		}
	}
	return list
}

func foldOf(t testing.TB, layers ...l) *View {
	t.Helper()
	var all [][]plimsoll.LayerReport
	for i, x := range layers {
		all = append(all, x.reports(i))
	}
	v, err := Fold(all, plimsoll.DefaultBudget(), []Kind{marks{}})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestFoldShapes(t *testing.T) {
	tests := []struct {
		name   string
		layers []l
		want   []string
	}{
		{"nothing", nil, nil},
		{"empty layers", []l{{}, {}}, nil},
		{"an opaque root", []l{
			{marks: []string{"a", "b/c"}}, {whiteouts: []string{"/"}, marks: []string{"b/d"}},
		}, []string{"hidden a", "hidden b/c", "b/d"}},
		{"a whiteout and a new file of the same name", []l{
			{marks: []string{"a"}}, {whiteouts: []string{"a"}, marks: []string{"a"}},
		}, []string{"hidden a", "a"}},
		{"a file replaces a directory", []l{
			{marks: []string{"d/x"}}, {paths: []string{"d"}}, {paths: []string{"d/"}},
		}, []string{"hidden d/x"}},
		{"a directory over a directory keeps what is inside", []l{
			{marks: []string{"d/x"}}, {paths: []string{"d/"}},
		}, []string{"d/x"}},
		{"parents through links of lower layers", []l{
			{links: map[string]string{"lib": "usr/lib"}, paths: []string{"usr/lib/"}, marks: []string{"usr/lib/x"}},
			{marks: []string{"lib/x", "lib/y"}},
		}, []string{"hidden usr/lib/x", "usr/lib/x", "usr/lib/y"}},
		{"targets do not leave the root", []l{
			{links: map[string]string{"a": "../../../../b", "c/d": "/../../b"}, paths: []string{"b/"}},
			{marks: []string{"a/x", "c/d/y"}},
		}, []string{"b/x", "b/y"}},
		{"a loop", []l{
			{links: map[string]string{"a": "b", "b": "a"}},
			{marks: []string{"a/x"}},
		}, []string{"hidden a/x", "failure layer a/x"}},
		{"a link replaces a directory", []l{
			{marks: []string{"d/x"}, paths: []string{"e/"}},
			{links: map[string]string{"d": "e"}},
			{marks: []string{"d/y"}},
		}, []string{"hidden d/x", "e/y"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := foldOf(t, test.layers...)
			var got []string
			for _, m := range marksOf(v) {
				if !m.visible {
					m.path = "hidden " + m.path
				}
				got = append(got, m.path)
			}
			for _, f := range v.LayerFailures() {
				got = append(got, "failure "+string(f.Code)+" "+f.Path)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestFoldMembers: a member of an archive is visible as long as the archive is, whatever its name.
func TestFoldMembers(t *testing.T) {
	bottom := l{
		paths: []string{"a!/", "a!/z.zip", "gone.zip", "opt/", "opt/b.jar"},
		links: map[string]string{"srv": "opt"},
	}.reports(0)
	top := l{paths: []string{"srv/c.zip"}, whiteouts: []string{"gone.zip"}}.reports(1)
	for _, path := range []string{"a!/z.zip!/k", "gone.zip!/x!/y", "opt/b.jar!/in.zip!/k"} {
		bottom[1].Findings = append(bottom[1].Findings, plimsoll.FileFinding{Path: path})
	}
	top[1].Findings = []plimsoll.FileFinding{{Path: "srv/c.zip!/k"}}
	v, err := Fold([][]plimsoll.LayerReport{bottom, top}, plimsoll.DefaultBudget(), []Kind{marks{}})
	if err != nil {
		t.Fatal(err)
	}
	want := []mark{{0, "a!/z.zip!/k", true}, {0, "gone.zip!/x!/y", false}, {0, "opt/b.jar!/in.zip!/k", true}, {1, "opt/c.zip!/k", true}}
	if got := marksOf(v); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
}

// pointer is a kind that follows one path.
type pointer struct {
	marks
	path string
}

func (p pointer) Follow(v *View) map[string]*Node {
	n, err := v.Resolve(p.path)
	if err != nil || n == nil || !n.IsFile() {
		return nil
	}
	return map[string]*Node{"pointer": n}
}

func TestHistory(t *testing.T) {
	var layers [][]plimsoll.LayerReport
	for i, x := range []l{
		{}, {links: map[string]string{"now": "one"}, paths: []string{"one", "two"}}, {}, {links: map[string]string{"now": "two"}},
		{whiteouts: []string{"two"}}, {paths: []string{"two"}},
	} {
		layers = append(layers, x.reports(i))
	}
	v, err := Fold(layers, plimsoll.DefaultBudget(), []Kind{pointer{path: "now"}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, version := range v.History("pointer") {
		name := strconv.Itoa(version.Layer)
		if n := version.File; n != nil {
			name += " of " + strconv.Itoa(n.Layer())
		}
		got = append(got, name)
	}
	if want := []string{"1 of 1", "3 of 1", "4", "5 of 5"}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestFoldBudgets(t *testing.T) {
	b := plimsoll.DefaultBudget()
	b.Layers, b.LayerEntries = 2, 10
	var many, other l
	for i := range 15 {
		many.paths = append(many.paths, "f"+strconv.Itoa(i))
		other.paths = append(other.paths, "g"+strconv.Itoa(i))
	}
	_, err := Fold([][]plimsoll.LayerReport{many.reports(0), other.reports(1)}, b, nil)
	if plimsoll.FailureOf(err) != plimsoll.FailureOversized {
		t.Errorf("too many paths: %v", err)
	}
	_, err = Fold([][]plimsoll.LayerReport{l{}.reports(0), l{}.reports(1), l{}.reports(2)}, b, nil)
	if plimsoll.FailureOf(err) != plimsoll.FailureLayers {
		t.Errorf("too many layers: %v", err)
	}
	if _, err = Fold([][]plimsoll.LayerReport{{}}, b, nil); plimsoll.ErrorCode(err) != plimsoll.Internal {
		t.Errorf("a layer without a tree: %v", err)
	}
}

func TestFilesAreThoseThatAreVisible(t *testing.T) {
	v := foldOf(t,
		l{paths: []string{"bin", "etc/", "etc/a", "etc/long-name", "gone", "usr/", "usr/bin/"}, links: map[string]string{"bin": "usr/bin"}},
		l{paths: []string{"bin/tool", "etc/a"}, whiteouts: []string{"gone"}},
	)
	top, bottom := plimsoll.DigestOf([]byte("1")), plimsoll.DigestOf([]byte("0"))
	want := plimsoll.FileFacts{
		Count: 3, Bytes: 26,
		Kinds: []plimsoll.KindSum{{Kind: "text", Count: 3, Bytes: 26}},
		Largest: []plimsoll.FileFact{
			{Path: "etc/long-name", Size: 13, Kind: "text", Layer: bottom},
			{Path: "usr/bin/tool", Size: 8, Kind: "text", Layer: top},
			{Path: "etc/a", Size: 5, Kind: "text", Layer: top},
		},
	}
	if diff := cmp.Diff(want, v.Files()); diff != "" {
		t.Error(diff)
	}
}
