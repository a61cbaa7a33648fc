package packages

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"path"
	"strings"

	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/packagejson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/wheelegg"
	"github.com/google/osv-scalibr/extractor/filesystem/language/ruby/gemspec"

	"plimsoll"
	"plimsoll/analyze"
)

// isNodeModule matches node_modules/name/package.json and node_modules/@scope/name/package.json, not
// the package.json of a folder inside a package.
func isNodeModule(p string) bool {
	dir, ok := strings.CutSuffix("/"+p, "/package.json")
	if !ok {
		return false
	}
	parent := path.Dir(dir)
	if strings.HasPrefix(path.Base(parent), "@") {
		parent = path.Dir(parent)
	}
	return path.Base(parent) == "node_modules"
}

func readPackageJSON(ctx context.Context, f analyze.File, limit int) ([]plimsoll.Package, error) {
	return extractPackages(ctx, packagejson.Extractor{}, f, limit)
}

// isPythonMetadata matches the core metadata of an installed distribution (PyPA, "Recording installed
// projects") and of the older eggs.
func isPythonMetadata(p string) bool {
	return strings.HasSuffix(p, ".dist-info/METADATA") || strings.HasSuffix(p, ".egg-info/PKG-INFO") ||
		strings.HasSuffix(p, ".egg-info") || strings.HasSuffix(p, "EGG-INFO/PKG-INFO")
}

func isPythonArchive(p string) bool { return strings.HasSuffix(p, ".egg") }

// readPython returns names in the normal form of PEP 503, as advisories do.
func readPython(ctx context.Context, f analyze.File, limit int) ([]plimsoll.Package, error) {
	list, err := extractPackages(ctx, wheelegg.Extractor{}, f, limit)
	for i := range list {
		list[i].Name = pythonName(list[i].Name)
	}
	return list, err
}

func pythonName(name string) string {
	var out strings.Builder
	dash := false
	for _, c := range strings.ToLower(name) {
		if c == '-' || c == '_' || c == '.' {
			dash = true
			continue
		}
		if dash {
			out.WriteByte('-')
			dash = false
		}
		out.WriteRune(c)
	}
	if dash {
		out.WriteByte('-')
	}
	return out.String()
}

// isInstalledGem matches specifications/name-1.0.gemspec of a gem directory, not the gemspec inside a
// gem's source.
func isInstalledGem(p string) bool {
	dir := path.Dir(p)
	return strings.HasSuffix(p, ".gemspec") && (path.Base(dir) == "specifications" ||
		path.Base(dir) == "default" && path.Base(path.Dir(dir)) == "specifications")
}

func readGemspec(ctx context.Context, f analyze.File, limit int) ([]plimsoll.Package, error) {
	return extractPackages(ctx, gemspec.Extractor{}, f, limit)
}

// readDepsJSON reads the libraries a .NET program was published with, except projects, which are parts
// of the program. Other tools write files of this name too: a JSON value of another shape has no
// packages.
func readDepsJSON(_ context.Context, f analyze.File, limit int) ([]plimsoll.Package, error) {
	var deps struct {
		RuntimeTarget any `json:"runtimeTarget"`
		Libraries     map[string]struct {
			Type string `json:"type"`
		} `json:"libraries"`
	}
	if err := json.NewDecoder(f).Decode(&deps); err != nil {
		if strings.HasPrefix(err.Error(), "json: cannot unmarshal") {
			return nil, nil
		}
		return nil, plimsoll.Errorf(plimsoll.Invalid, "read deps.json: %w", err)
	}
	var list []plimsoll.Package
	for key, library := range deps.Libraries {
		if name, version, ok := strings.Cut(key, "/"); ok && library.Type != "project" {
			list = append(list, newLanguagePackage("NuGet", "nuget", name, version))
		}
	}
	return sortAndLimit(list, limit)
}

// readInstalledJSON reads vendor/composer/installed.json: an object since Composer 2, a list in
// Composer 1.
func readInstalledJSON(_ context.Context, f analyze.File, limit int) ([]plimsoll.Package, error) {
	raw, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	type entry struct{ Name, Version string }
	var two struct{ Packages []entry }
	entries := &two.Packages
	if strings.HasPrefix(strings.TrimSpace(string(raw[:min(len(raw), 64)])), "[") {
		err = json.Unmarshal(raw, entries)
	} else {
		err = json.Unmarshal(raw, &two)
	}
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "read installed.json: %w", err)
	}
	var list []plimsoll.Package
	for _, e := range *entries {
		list = append(list, newLanguagePackage("Packagist", "composer", strings.ToLower(e.Name), e.Version))
	}
	return sortAndLimit(list, limit)
}

func isConda(p string) bool {
	return strings.HasSuffix(p, ".json") && path.Base(path.Dir(p)) == "conda-meta"
}

// readConda reads the record of one package. Conda has its own names: its "openssl" is not that of
// PyPI, so the library's extractor is not used.
func readConda(_ context.Context, f analyze.File, limit int) ([]plimsoll.Package, error) {
	var record struct{ Name, Version string }
	if err := json.NewDecoder(f).Decode(&record); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "read conda record: %w", err)
	}
	return sortAndLimit([]plimsoll.Package{newLanguagePackage("Conda", "conda", record.Name, record.Version)}, limit)
}

// isRLibrary matches …/library/name/DESCRIPTION and …/site-library/name/DESCRIPTION.
func isRLibrary(p string) bool {
	if path.Base(p) != "DESCRIPTION" {
		return false
	}
	library := path.Base(path.Dir(path.Dir(p)))
	return library == "library" || library == "site-library"
}

// readDescription reads name and version of an R package (Debian control format).
func readDescription(_ context.Context, f analyze.File, limit int) ([]plimsoll.Package, error) {
	var name, version string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		switch key {
		case "Package":
			name = strings.TrimSpace(value)
		case "Version":
			version = strings.TrimSpace(value)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "read DESCRIPTION: %w", err)
	}
	return sortAndLimit([]plimsoll.Package{newLanguagePackage("CRAN", "cran", name, version)}, limit)
}
