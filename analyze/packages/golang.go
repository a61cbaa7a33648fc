package packages

import (
	"context"

	"github.com/google/osv-scalibr/extractor/filesystem/language/golang/gobinary"

	"plimsoll"
	"plimsoll/analyze"
)

// readGo reads the build information of a Go program: its modules, and the standard library by its
// name in advisories. Other programs have no packages.
func readGo(ctx context.Context, f analyze.File, limit int) ([]plimsoll.Package, error) {
	list, err := extractPackages(ctx, gobinary.Extractor{}, f, limit)
	for i := range list {
		if list[i].Name == "go" {
			list[i].Name, list[i].PURL = "stdlib", "pkg:golang/stdlib@"+list[i].Version
		}
	}
	return list, err
}
