package match

import (
	"plimsoll"
)

// ecosystemScheme is what an ecosystem does not share with the others.
type ecosystemScheme struct {
	// release normalises what follows the colon in an ecosystem. An advisory speaks of a
	// package if both give the same release; !ok is a release that no plain image has.
	release func(suffix string) (release string, ok bool)

	// version makes a version that can be ordered, or says that it cannot. It is nil if
	// nobody has written down how the ecosystem orders versions: why tells the reason.
	version         func(string) (orderedVersion, error)
	notJudgedReason string

	names advisoryNaming

	// hasModules: packages of module streams carry the mark in their release, and
	// advisories of streams do not speak of packages outside them, or the reverse.
	hasModules bool
}

// advisoryNaming is which names of a package advisories use.
type advisoryNaming int

const (
	byName   advisoryNaming = iota // the package's own: binary packages of AlmaLinux, modules of languages
	bySource                       // the source package's, with its version (Debian source, Alpine origin)
	byEither                       // one or the other: feeds of the distribution differ
)

// schemeOf returns the scheme of a base ecosystem.
func schemeOf(base string) (ecosystemScheme, bool) {
	s, ok := schemeByEcosystem[base]
	return s, ok
}

// advisorySubject is a name and version of a package that advisories may speak of.
type advisorySubject struct{ name, version string }

// subjects are the names of p in the ecosystem's advisories. There is one, or two if
// advisories may use either of its names; second is the zero value then.
func (s ecosystemScheme) subjects(p plimsoll.Package) (first, second advisorySubject) {
	own := advisorySubject{p.Name, p.Version}
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
