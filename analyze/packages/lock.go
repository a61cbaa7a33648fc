package packages

import (
	"context"

	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/packageslockjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/elixir/mixlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/packagelockjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/pnpmlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/yarnlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/php/composerlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/ruby/gemfilelock"

	"plimsoll"
	"plimsoll/analyze"
)

func isNPMLock(p string) bool { return hasBaseName("package-lock.json", "npm-shrinkwrap.json")(p) }

func readNPMLock(ctx context.Context, f analyze.File, limit int) ([]plimsoll.Package, error) {
	return extractPackages(ctx, packagelockjson.Extractor{}, f, limit)
}

func readYarnLock(ctx context.Context, f analyze.File, limit int) ([]plimsoll.Package, error) {
	return extractPackages(ctx, yarnlock.Extractor{}, f, limit)
}

func readPnpmLock(ctx context.Context, f analyze.File, limit int) ([]plimsoll.Package, error) {
	return extractPackages(ctx, pnpmlock.Extractor{}, f, limit)
}

func readComposerLock(ctx context.Context, f analyze.File, limit int) ([]plimsoll.Package, error) {
	return extractPackages(ctx, composerlock.Extractor{}, f, limit)
}

func readGemLock(ctx context.Context, f analyze.File, limit int) ([]plimsoll.Package, error) {
	return extractPackages(ctx, gemfilelock.Extractor{}, f, limit)
}

func readNuGetLock(ctx context.Context, f analyze.File, limit int) ([]plimsoll.Package, error) {
	return extractPackages(ctx, packageslockjson.Extractor{}, f, limit)
}

func readMixLock(ctx context.Context, f analyze.File, limit int) ([]plimsoll.Package, error) {
	return extractPackages(ctx, mixlock.Extractor{}, f, limit)
}
