package packages

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/layer"
)

// Kind declares packages: the package sets of an image and its release.
type Kind struct {
	// CountDeclared makes what only a lock file names count like what is installed.
	CountDeclared bool
}

// Name implements analyze.Kind.
func (Kind) Name() string { return Name }

// Paths implements analyze.Kind.
func (Kind) Paths(r *plimsoll.LayerReport, about func(path string)) {
	for i := range r.Releases {
		about(r.Releases[i].Path)
	}
	for i := range r.Packages {
		about(r.Packages[i].Path)
	}
}

// rpmKey is the key of the image's rpm database among the files to follow. It stays the same
// when a layer moves the database.
const rpmKey = "rpm"

// Follow implements layer.Follower: the package databases, by path. Two usual paths may lead to one file.
func (Kind) Follow(v *layer.View) map[string]*layer.Node {
	found := usualDatabases(v)
	maps.Copy(found, statusFiles(v))
	return found
}

func usualDatabases(v *layer.View) map[string]*layer.Node {
	found := map[string]*layer.Node{}
	for _, path := range databasePaths {
		if n, err := v.Resolve(path); err == nil && n != nil && n.IsFile() {
			found[v.Path(n)] = n
		}
	}
	if n := newestRPM(v); n != nil {
		found[rpmKey] = n
	}
	return found
}

// statusFiles returns the files of dpkg's directory of databases of one package each.
func statusFiles(v *layer.View) map[string]*layer.Node {
	found := map[string]*layer.Node{}
	for _, n := range v.FilesIn(strings.TrimSuffix(dpkgStatusDir, "/")) {
		if path := v.Path(n); !strings.HasSuffix(path, md5sumsEnd) {
			found[path] = n
		}
	}
	return found
}

// newestRPM returns the rpm database that counts, or nil: the one of the uppermost layer.
func newestRPM(v *layer.View) *layer.Node {
	var newest *layer.Node
	for path := range rpmPaths() {
		n, err := v.Resolve(path)
		if err == nil && n != nil && n.IsFile() && (newest == nil || n.Layer() > newest.Layer()) {
			newest = n
		}
	}
	return newest
}

// Fold implements analyze.Kind. A database or os-release file that no report describes is unread.
func (k Kind) Fold(in analyze.FoldInput, record *plimsoll.ScanRecord) []plimsoll.FileFailure {
	folded, unread := FoldPackages(in.View)
	if len(unread) == 0 && lacksDatabase(in.View, folded) {
		unread = append(unread, missingDatabase(*folded.Release))
	}
	if record.Facts == nil {
		record.Facts = &plimsoll.ImageFacts{}
	}
	record.Facts.Release = folded.Release
	record.Sets = append([]plimsoll.PlacedSet{}, folded.Sets(k.CountDeclared)...)
	return unread
}

// lacksDatabase reports whether os-release names a distribution and no database lists a package of it: there is none,
// it was removed by an upper layer, or it is empty. A database that could not be read is a failure of its own.
func lacksDatabase(v *layer.View, f Folded) bool {
	if f.Release == nil || f.Release.ID == "" || len(f.System) > 0 {
		return false
	}
	for _, n := range (Kind{}).Follow(v) {
		if v.Failed(n) {
			return false
		}
	}
	return true
}

// missingDatabase is the failure of an image for which lacksDatabase is true. What the system contains is not known.
func missingDatabase(r plimsoll.OSRelease) plimsoll.FileFailure {
	name := r.ID
	if r.VersionID != "" {
		name += " " + r.VersionID
	}
	return plimsoll.FileFailure{Path: r.Path, Code: plimsoll.FailurePackages,
		Detail: fmt.Sprintf("the system is %.80q and has no package database", name)}
}

// Withhold implements analyze.Kind: half a package database must not look like half the findings.
func (Kind) Withhold(record *plimsoll.ScanRecord) { record.Sets, record.Judgements = nil, nil }

// Folded is the packages of an image.
type Folded struct {
	// Release is the content of /etc/os-release, else of /usr/lib/os-release; nil if there is none.
	Release *plimsoll.OSRelease

	System   []SystemPackage // by path of the database, then as in the database
	Language []LanguageFile  // by layer, then path
}

// SystemPackage is a package of a visible database of the operating system.
type SystemPackage struct {
	plimsoll.Package
	Format plimsoll.PackageFormat

	// Layer is the index of the layer, bottom = 0, since which the package is in every version of
	// the database.
	Layer int
	Path  string // of the database
}

// LanguageFile is a visible file that names packages of a language.
type LanguageFile struct {
	plimsoll.PackageFile
	Layer int            // index of the layer that contains the file, bottom = 0
	Owner plimsoll.Owner // the zero value if no package of the system installed the file, or if it was changed
}

// FoldPackages returns the packages of an image, and the files that no report describes.
func FoldPackages(v *layer.View) (Folded, []plimsoll.FileFailure) {
	f := folder{
		FileFinder: analyze.FileFinder{View: v, Code: plimsoll.FailurePackages},
		files: layer.CollectItems(v, func(r *plimsoll.LayerReport) []plimsoll.PackageFile { return r.Packages },
			func(p *plimsoll.PackageFile) string { return p.Path }),
	}
	f.otherVendors = map[ownerID]bool{}
	f.addRelease()
	f.addDatabases()
	f.addFiles()
	f.setOwners()
	f.dropConfirmed()
	return f.out, f.Unread
}

// folder is the state of one fold.
type folder struct {
	analyze.FileFinder
	files layer.Items[plimsoll.PackageFile]
	out   Folded

	otherVendors map[ownerID]bool // packages of the system that other vendors made
	ownVendor    bool             // some package of the system is of the distribution
}

// addRelease adds the release. A file that was not read is a failure, not an image without a
// distribution. A file that names no distribution (a link that a tool turned into a file) is
// passed over if there is another.
func (f *folder) addRelease() {
	releases := layer.CollectItems(f.View, func(r *plimsoll.LayerReport) []plimsoll.OSRelease { return r.Releases },
		func(r *plimsoll.OSRelease) string { return r.Path })
	for _, path := range releasePaths {
		n := f.Find(path)
		if n == nil {
			continue
		}
		item := releases.At(n)
		if item == nil {
			f.AddUnread(n)
			return
		}
		if f.out.Release == nil || item.ID != "" {
			release := *item
			release.Path = f.View.Path(n)
			f.out.Release = &release
		}
		if item.ID != "" {
			return
		}
	}
}

// addDatabases adds the packages of the visible databases, each with the layer it comes from.
func (f *folder) addDatabases() {
	for _, path := range databasePaths {
		f.Find(path)
	}
	for path := range rpmPaths() {
		f.Find(path)
	}
	databases := usualDatabases(f.View)
	for path, n := range statusFiles(f.View) {
		if f.files.At(n) != nil {
			databases[path] = n
		}
	}
	for _, key := range slices.Sorted(maps.Keys(databases)) {
		n := databases[key]
		file, path := f.files.At(n), f.View.Path(n)
		if file == nil {
			f.AddUnread(n)
			continue
		}
		for _, name := range file.OtherVendors {
			f.otherVendors[ownerID{file.Format, name}] = true
		}
		f.ownVendor = f.ownVendor || file.OwnVendor
		origins := f.origins(f.View.History(key))
		for _, p := range file.Packages {
			f.out.System = append(f.out.System, SystemPackage{Package: p, Format: file.Format, Layer: origins[identityOf(p)], Path: path})
		}
	}
}

// packageID identifies a package of one database.
type packageID struct{ name, version, arch string }

func identityOf(p plimsoll.Package) packageID { return packageID{p.Name, p.Version, p.Arch} }

// origins replays the versions of a database: a package comes from the layer since which every
// version contains it.
func (f *folder) origins(history []layer.Version) map[packageID]int {
	since := map[packageID]int{}
	for _, v := range history {
		next := map[packageID]int{}
		if file := f.files.At(v.File); file != nil {
			for _, p := range file.Packages {
				key := identityOf(p)
				if layer, ok := since[key]; ok {
					next[key] = layer
				} else {
					next[key] = v.Layer
				}
			}
		}
		since = next
	}
	return since
}

// addFiles adds files that contain one package of the system, or packages of a language: these
// packages come and go with their file.
func (f *folder) addFiles() {
	for n, item := range f.files.Visible() {
		if !n.IsFile() {
			continue
		}
		file := *item
		file.Path = f.View.Path(n)
		switch {
		case !file.Format.OS():
			f.out.Language = append(f.out.Language, LanguageFile{PackageFile: file, Layer: n.Layer()})
		case file.Format == plimsoll.FormatPacman, file.Format == plimsoll.FormatPortage:
			for _, p := range file.Packages {
				f.out.System = append(f.out.System, SystemPackage{Package: p, Format: file.Format, Layer: n.Layer(), Path: file.Path})
			}
		}
	}
}
