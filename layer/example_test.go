package layer_test

import (
	"fmt"

	"plimsoll"
	"plimsoll/layer"
	"plimsoll/pathlist"
)

// findings is a kind of finding: layer.Fold has to know the paths of its reports only.
type findings struct{}

func (findings) Paths(r *plimsoll.LayerReport, about func(path string)) {
	for _, f := range r.Findings {
		about(f.Path)
	}
}

// Two layers are folded. A whiteout of the upper layer hides a file of the lower one.
func ExampleFold() {
	var lower, upper plimsoll.Tree
	for _, path := range []string{"srv/", "srv/kept", "srv/removed"} {
		lower.Paths.Add(pathlist.Entry{Path: path, Kind: pathlist.KindNone})
	}
	upper.Whiteouts = []string{"srv/removed"} // from the entry srv/.wh.removed

	layers := [][]plimsoll.LayerReport{
		{{Tree: &lower, Findings: []plimsoll.FileFinding{{Path: "srv/kept"}, {Path: "srv/removed"}}}},
		{{Tree: &upper}},
	}
	view, err := layer.Fold(layers, plimsoll.DefaultBudget(), []layer.Kind{findings{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for index, report := range view.Reports() {
		for _, f := range report.Findings {
			path, visible := view.Place(index, f.Path)
			fmt.Println(path, visible)
		}
	}
	// Output:
	// srv/kept true
	// srv/removed false
}
