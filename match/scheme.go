package match

import (
	"plimsoll"
)

// scheme is what an ecosystem does not share with the others.
type scheme struct {
	// release normalises what follows the colon in an ecosystem. An advisory speaks of a
	// package if both give the same release; !ok is a release that no plain image has.
	release func(suffix string) (release string, ok bool)

	// version makes a version that can be ordered, or says that it cannot. It is nil if
	// nobody has written down how the ecosystem orders versions: why tells the reason.
	version func(string) (version, error)
	why     string

	names naming

	// modules: packages of module streams carry the mark in their release, and
	// advisories of streams do not speak of packages outside them, or the reverse.
	modules bool
}

// naming is which names of a package advisories use.
type naming int

const (
	byName   naming = iota // the package's own: binary packages of AlmaLinux, modules of languages
	bySource               // the source package's, with its version (Debian source, Alpine origin)
	byEither               // one or the other: feeds of the distribution differ
)

// schemeOf returns the scheme of a base ecosystem.
func schemeOf(base string) (scheme, bool) {
	s, ok := schemes[base]
	return s, ok
}

// subject is a name and version of a package that advisories may speak of.
type subject struct{ name, version string }

// subjects are the names of p in the ecosystem's advisories. There is one, or two if
// advisories may use either of its names; second is the zero value then.
func (s scheme) subjects(p plimsoll.Package) (first, second subject) {
	own := subject{p.Name, p.Version}
	source := subject{p.AdvisoryName(), p.AdvisoryVersion()}
	switch {
	case s.names == bySource:
		return source, subject{}
	case s.names == byEither && source.name != own.name:
		return own, source
	default:
		return own, subject{}
	}
}
