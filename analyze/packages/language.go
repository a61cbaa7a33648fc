package packages

import (
	"context"
	"path"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
)

// manifestFormat is a format of files that list installed packages, or, for a lock file, declared
// packages.
type manifestFormat struct {
	format       plimsoll.PackageFormat
	wants        func(path string) bool
	magic        string // first bytes, "" = any
	binary       bool   // no text, so that its first bytes are no byte order mark
	limit        int64  // bytes
	declaredOnly bool   // a lock file: its packages may not be installed
	read         func(ctx context.Context, f analyze.File, limit int) ([]plimsoll.Package, error)
}

const (
	maxManifest   = 16 << 20 // bytes
	maxLock       = 64 << 20
	maxExecutable = 256 << 20
)

// manifestFormats are tried from top to bottom; the first that wants a path reads the file.
var manifestFormats = [...]manifestFormat{
	// Installed packages.
	{format: plimsoll.FormatPacman, wants: isPacman, limit: maxManifest, read: readPacman},
	{format: plimsoll.FormatPortage, wants: isPortage, limit: maxManifest, read: readPortage},
	{format: plimsoll.FormatNPM, wants: isNodeModule, limit: maxManifest, read: readPackageJSON},
	{format: plimsoll.FormatPyPI, wants: isPythonMetadata, limit: maxManifest, read: readPython},
	{format: plimsoll.FormatPyPI, wants: isPythonArchive, magic: "PK", binary: true, limit: maxArchive, read: readPython},
	{format: plimsoll.FormatJar, wants: isJar, binary: true, limit: maxArchive, read: readJar},
	{format: plimsoll.FormatGem, wants: isInstalledGem, limit: maxManifest, read: readGemspec},
	{format: plimsoll.FormatNuGet, wants: hasPathSuffix(".deps.json"), limit: maxManifest, read: readDepsJSON},
	{format: plimsoll.FormatComposer, wants: hasPathSuffix("/composer/installed.json"), limit: maxManifest, read: readInstalledJSON},
	{format: plimsoll.FormatConda, wants: isConda, limit: maxManifest, read: readConda},
	{format: plimsoll.FormatCRAN, wants: isRLibrary, limit: maxManifest, read: readDescription},

	// Declared packages.
	{format: plimsoll.FormatNPMLock, wants: isNPMLock, limit: maxLock, declaredOnly: true, read: readNPMLock},
	{format: plimsoll.FormatYarnLock, wants: hasBaseName("yarn.lock"), limit: maxLock, declaredOnly: true, read: readYarnLock},
	{format: plimsoll.FormatPnpmLock, wants: hasBaseName("pnpm-lock.yaml"), limit: maxLock, declaredOnly: true, read: readPnpmLock},
	{format: plimsoll.FormatComposerLock, wants: hasBaseName("composer.lock"), limit: maxLock, declaredOnly: true, read: readComposerLock},
	{format: plimsoll.FormatGemLock, wants: hasBaseName("Gemfile.lock", "gems.locked"), limit: maxLock, declaredOnly: true, read: readGemLock},
	{format: plimsoll.FormatNuGetLock, wants: hasBaseName("packages.lock.json"), limit: maxLock, declaredOnly: true, read: readNuGetLock},
	{format: plimsoll.FormatMixLock, wants: hasBaseName("mix.lock"), limit: maxLock, declaredOnly: true, read: readMixLock},
}

// manifestOf returns the format of the file at a path, nil if it is none of manifestFormats.
func manifestOf(path string) *manifestFormat {
	for i := range manifestFormats {
		if manifestFormats[i].wants(path) {
			return &manifestFormats[i]
		}
	}
	return nil
}

// hasPathSuffix matches files by the end of their path.
func hasPathSuffix(end string) func(string) bool {
	return func(path string) bool { return strings.HasSuffix("/"+path, end) }
}

// hasBaseName matches files by name, except those inside an installed package, which are not the
// image's own.
func hasBaseName(names ...string) func(string) bool {
	return func(p string) bool { return slices.Contains(names, path.Base(p)) && !isInsidePackage(p) }
}

// isInsidePackage reports whether a path is inside an installed package of a language.
func isInsidePackage(path string) bool {
	for _, dir := range [...]string{"/node_modules/", "/site-packages/", "/dist-packages/", "/gems/", "/vendor/"} {
		if strings.Contains("/"+path, dir) {
			return true
		}
	}
	return false
}

// isExecutable reports whether a file may be a program that lists its modules. A hard link is not
// read: the packages are listed under the first name.
func isExecutable(e plimsoll.Entry) bool {
	return e.Type == plimsoll.EntryFile && (e.Mode&0o111 != 0 || strings.HasSuffix(e.Path, ".exe"))
}

// isProgram recognises programs by their first bytes, those of ELF or PE ("MZ").
func isProgram(head []byte) bool {
	return strings.HasPrefix(string(head), "\x7fELF") || strings.HasPrefix(string(head), "MZ")
}

// readExecutable reads the list of modules in a Go or Rust program.
func readExecutable(ctx context.Context, f analyze.File, limit int) (plimsoll.PackageFormat, []plimsoll.Package, error) {
	list, err := readGo(ctx, f, limit)
	if len(list) > 0 || err != nil {
		return plimsoll.FormatGo, list, err
	}
	list, err = readRust(f, limit)
	return plimsoll.FormatRust, list, err
}
