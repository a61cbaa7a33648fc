package layer

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

// TestFoldMembers: what is in an archive is visible as long as the archive is, whatever it is called.
func TestFoldMembers(t *testing.T) {
	layerOf := func(diff plimsoll.Digest, tree *plimsoll.Tree, secrets ...string) []plimsoll.LayerReport {
		r := plimsoll.LayerReport{DiffID: diff, Tree: tree}
		for _, path := range secrets {
			r.Secrets = append(r.Secrets, plimsoll.Secret{Path: path})
			r.Malware = append(r.Malware, plimsoll.Malware{Path: path})
		}
		return []plimsoll.LayerReport{r}
	}
	bottom := &plimsoll.Tree{
		Paths: listed([]string{"a!/", "a!/z.zip", "gone.zip", "opt/", "opt/b.jar", "srv"}),
		Links: []plimsoll.Link{{Path: "srv", Target: "opt"}},
	}
	top := &plimsoll.Tree{Paths: listed([]string{"srv/c.zip"}), Whiteouts: []string{"gone.zip"}}
	f, err := Fold([][]plimsoll.LayerReport{
		layerOf("one", bottom, "a!/z.zip!/k", "gone.zip!/x!/y", "opt/b.jar!/in.zip!/k"), layerOf("two", top, "srv/c.zip!/k"),
	}, plimsoll.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	want := []plimsoll.Secret{
		{Path: "a!/z.zip!/k", Layer: "one"}, {Path: "gone.zip!/x!/y", Layer: "one", Shadowed: true},
		{Path: "opt/b.jar!/in.zip!/k", Layer: "one"}, {Path: "opt/c.zip!/k", Layer: "two"},
	}
	if diff := cmp.Diff(want, f.Secrets); diff != "" {
		t.Error(diff)
	}
	for i, m := range f.Malware {
		if m.Path != want[i].Path || m.Shadowed != want[i].Shadowed {
			t.Errorf("malware %+v", m)
		}
	}
}
