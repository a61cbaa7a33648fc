package match

import (
	"plimsoll"
)

// ecosystemScheme contains the rules of one ecosystem.
type ecosystemScheme struct {
	// release normalizes the part of an ecosystem after the colon. An advisory applies to a
	// package if both have the same release. ok is false for a release that ordinary images
	// do not have.
	release func(suffix string) (release string, ok bool)

	// version parses a version, or returns an error if it cannot be ordered. It is nil for an
	// ecosystem that is not judged, for example because its version order is not documented;
	// notJudgedReason is the reason.
	version         func(string) (orderedVersion, error)
	notJudgedReason string

	names advisoryNaming // which of a package's names advisories use

	// toolchain is the name of a package with versions of Go's toolchain; "" = there is none.
	toolchain string

	// unversioned: packages may have no version, such as the main module of a program that was built outside of
	// version control, "(devel)". They are not judged only if an advisory is about them.
	unversioned bool

	// hasModules: packages of module streams carry the mark in their release, and
	// advisories about streams do not apply to other packages, nor the reverse.
	hasModules bool
}

// advisoryNaming is the kind of package name that an ecosystem's advisories use.
type advisoryNaming int

const (
	byName   advisoryNaming = iota // the package's own name: binary packages of AlmaLinux, packages of languages
	bySource                       // the source package's name and version (Debian source, Alpine origin)
	byEither                       // either: the distribution's feeds differ
)

// schemeOf returns the scheme of a base ecosystem.
func schemeOf(base string) (ecosystemScheme, bool) {
	s, ok := schemeByEcosystem[base]
	return s, ok
}

// advisorySubject is a name that advisories may use for a package, with the version to compare.
type advisorySubject struct{ name, version string }

// subjects returns the names of p in the ecosystem's advisories. second is the zero value
// unless advisories may use either name.
func (s ecosystemScheme) subjects(p plimsoll.Package) (first, second advisorySubject) {
	own := advisorySubject{p.Name, p.Version}
	if s.toolchain != "" && p.Name == s.toolchain {
		own.version = goToolchainVersion(p.Version)
	}
	source := advisorySubject{p.AdvisoryName(), p.AdvisoryVersion()}
	switch {
	case s.names == bySource:
		return source, advisorySubject{}
	case s.names == byEither && source.name != own.name:
		return own, source
	default:
		return own, advisorySubject{}
	}
}
