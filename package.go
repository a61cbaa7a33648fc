package plimsoll

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"

	"plimsoll/purl"
)

// Package is a piece of software with a version, without a place.
type Package struct {
	// Ecosystem is the OSV ecosystem with release suffix ("Debian:12", "Alpine:v3.20",
	// "Ubuntu:22.04"), or "" if the distribution is not known. In a layer report of an
	// operating system database it is empty: the distribution is known only after folding.
	Ecosystem string `json:"ecosystem"`
	Name      string `json:"name"`
	Version   string `json:"version"`

	// Source is the source package (Debian source, Alpine origin) that advisories name; "" if the same.
	Source        string `json:"source,omitempty"`
	SourceVersion string `json:"source_version,omitempty"`

	Arch string `json:"arch,omitempty"`
	PURL string `json:"purl,omitempty"`

	// Owner is the operating system package that installed the files of a package of a language. It is part of the
	// identity, because the owner's distribution may judge the package: see Owner.
	Owner Owner `json:"owner,omitzero"`
}

// Owner is an operating system package that installed a file which nobody changed since. The zero value is no owner.
type Owner struct {
	Ecosystem string `json:"ecosystem,omitempty"` // as in Package; "" if the distribution is not known
	Name      string `json:"name"`
	Source    string `json:"source"` // the name that advisories use, as AdvisoryName returns it

	// OtherVendor is set if somebody else than the distribution made the package, as far as its database shows. The
	// distribution's advisories then judge its files only if they name the source.
	OtherVendor bool `json:"other_vendor,omitempty"`
}

// Pointer returns a copy, nil for no owner.
func (o Owner) Pointer() *Owner {
	if o == (Owner{}) {
		return nil
	}
	return &o
}

// vendor is OtherVendor as text, for orders and hashes.
func (o Owner) vendor() string {
	if o.OtherVendor {
		return "other"
	}
	return ""
}

// AdvisoryName is the name advisories of operating systems use: the source package if known.
func (p Package) AdvisoryName() string {
	if p.Source != "" {
		return p.Source
	}
	return p.Name
}

// AdvisoryVersion is the version that belongs to AdvisoryName.
func (p Package) AdvisoryVersion() string {
	if p.SourceVersion != "" {
		return p.SourceVersion
	}
	return p.Version
}

// Compare orders packages by every field.
func (p Package) Compare(q Package) int {
	for _, c := range [...][2]string{
		{p.Ecosystem, q.Ecosystem}, {p.Name, q.Name}, {p.Version, q.Version}, {p.Source, q.Source},
		{p.SourceVersion, q.SourceVersion}, {p.Arch, q.Arch}, {p.PURL, q.PURL},
		{p.Owner.Ecosystem, q.Owner.Ecosystem}, {p.Owner.Name, q.Owner.Name}, {p.Owner.Source, q.Owner.Source},
		{p.Owner.vendor(), q.Owner.vendor()},
	} {
		if d := strings.Compare(c[0], c[1]); d != 0 {
			return d
		}
	}
	return 0
}

// ListedPackage is a package at one place of an image.
type ListedPackage struct {
	Package
	Platform   Platform `json:"platform,omitzero"`
	Layer      Digest   `json:"layer,omitempty"`       // diff ID
	Path       string   `json:"path"`                  // of the file that names the package
	OtherPaths []string `json:"other_paths,omitempty"` // of further files that describe the same installation
	Declared   bool     `json:"declared,omitempty"`    // only a lock file names it; not counted
}

// SetKind is the kind of a package set.
type SetKind string

// The kinds of package set.
const (
	SetOS       SetKind = "os"       // the folded image's package database
	SetLanguage SetKind = "language" // language packages that one layer brought

	// SetDeclared is packages of languages that a lock file of one layer names and no installed file confirms. They are
	// listed and judged, but not counted, and never meet a threshold.
	SetDeclared SetKind = "declared"
)

// PackageSet is a set of packages without paths. Its key is the hash of its content.
type PackageSet struct {
	Kind     SetKind
	Packages []Package // sorted by Compare, no duplicates
}

// NewPackageSet sorts a copy of the packages and drops duplicates.
func NewPackageSet(kind SetKind, packages []Package) PackageSet {
	sorted := slices.Clone(packages)
	slices.SortFunc(sorted, Package.Compare)
	sorted = slices.CompactFunc(sorted, func(a, b Package) bool { return a == b })
	return PackageSet{Kind: kind, Packages: sorted}
}

// ownerMark precedes the fields of an owner in a hash. No ecosystem is equal to it.
const ownerMark = "\x00owner"

// Hash is the content key of the set: hex SHA-256 over its kind and every field of
// every package, each preceded by its length. The fields of an owner follow those of its package, after ownerMark.
func (s PackageSet) Hash() string {
	h := sha256.New()
	var size [binary.MaxVarintLen64]byte
	field := func(v string) {
		h.Write(size[:binary.PutUvarint(size[:], uint64(len(v)))])
		h.Write([]byte(v))
	}
	field(string(s.Kind))
	for _, p := range s.Packages {
		for _, v := range [...]string{p.Ecosystem, p.Name, p.Version, p.Source, p.SourceVersion, p.Arch, p.PURL} {
			field(v)
		}
		if p.Owner != (Owner{}) {
			for _, v := range [...]string{ownerMark, p.Owner.Ecosystem, p.Owner.Name, p.Owner.Source, p.Owner.vendor()} {
				field(v)
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// PlacedSet is a package set in an artifact: which layer and path each package came by.
type PlacedSet struct {
	PackageSet
	Places []Place
}

// Place is the layer and path of the package at index Package of a set. A package may have several.
type Place struct {
	Package int    `json:"p"`
	Layer   int    `json:"l"` // index into the artifact's layers, bottom first
	Path    string `json:"f"`
	Low     bool   `json:"w,omitempty"` // low confidence: a lock file names it, and no installed file confirms it

	// Also are the paths of further files that describe the same installation, such as the second of a Python package's
	// metadata files. They are not places of their own.
	Also []string `json:"a,omitempty"`
}

// comparedQualifiers distinguish builds of one package. A qualifier that only one side has is not compared.
var comparedQualifiers = [...]string{"arch", "distro", "epoch"}

// MatchesScope reports whether the package of a decision's scope is p. The scope is a package URL, a name, or
// name@version. A name, or a package URL whose arch is "source" or "src", may be that of the source package.
func (p Package) MatchesScope(scope string) bool {
	if strings.HasPrefix(scope, "pkg:") {
		want, err := purl.Parse(scope)
		have, err2 := purl.Parse(p.PURL)
		return err == nil && err2 == nil && matchesPURL(want, have, p)
	}
	name, version := scope, ""
	if at := strings.LastIndexByte(scope, '@'); at > 0 {
		name, version = scope[:at], scope[at+1:]
	}
	return (name == p.Name && (version == "" || version == p.Version)) ||
		(name == p.AdvisoryName() && (version == "" || version == p.AdvisoryVersion()))
}

func matchesPURL(want, have purl.PackageURL, pkg Package) bool {
	name, version := have.Name, have.Version
	arch := want.Qualifiers["arch"]
	source := arch == "source" || arch == "src"
	if source {
		name, version = pkg.AdvisoryName(), pkg.AdvisoryVersion()
	}
	if want.Type != have.Type || want.Namespace != have.Namespace || want.Name != name || (want.Version != "" && want.Version != version) {
		return false
	}
	for _, key := range comparedQualifiers {
		a, b := want.Qualifiers[key], have.Qualifiers[key]
		if a != "" && b != "" && a != b && !(source && key == "arch") {
			return false
		}
	}
	return true
}
