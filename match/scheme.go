package match

import (
	"strings"

	"plimsoll"
)

// scheme is what an ecosystem does not share with the others.
type scheme struct {
	// release normalises what follows the colon in an ecosystem. An advisory speaks of a
	// package if both give the same release; !ok is a release that no plain image has.
	release func(suffix string) (release string, ok bool)

	// version makes a version that can be ordered, or says that it cannot.
	version func(string) (version, error)

	// source: advisories name source packages, with the source's version.
	source bool
}

// schemeOf returns the scheme of a base ecosystem.
func schemeOf(base string) (scheme, bool) {
	switch base {
	case "Alpine":
		return scheme{release: alpineRelease, version: alpineVersion, source: true}, true
	case "Debian":
		return scheme{release: debianRelease, version: debianVersion, source: true}, true
	case "Ubuntu":
		return scheme{release: ubuntuRelease, version: debianVersion, source: true}, true
	default:
		return scheme{}, false
	}
}

// subject is the name and version of p that advisories speak of.
func (s scheme) subject(p plimsoll.Package) (name, version string) {
	if s.source {
		return p.AdvisoryName(), p.AdvisoryVersion()
	}
	return p.Name, p.Version
}

// debianRelease takes "12". Records carry no other suffixes.
func debianRelease(suffix string) (string, bool) {
	return suffix, dottedNumber(suffix)
}

// alpineRelease takes "v3.20"; point releases share the branch's advisories.
func alpineRelease(suffix string) (string, bool) {
	if suffix == "edge" {
		return suffix, true
	}
	branch, ok := strings.CutPrefix(suffix, "v")
	if !ok || !dottedNumber(branch) {
		return "", false
	}
	if parts := strings.SplitN(branch, ".", 3); len(parts) == 3 {
		branch = parts[0] + "." + parts[1]
	}
	return branch, true
}

// ubuntuRelease takes "22.04" and "22.04:LTS". Ubuntu Pro, FIPS, Realtime and vendor
// kernels ("Pro:22.04:LTS", "22.04:LTS:for:NVIDIA:BlueField") are streams of other
// packages; no plain image has them.
func ubuntuRelease(suffix string) (string, bool) {
	suffix = strings.TrimSuffix(suffix, ":LTS")
	return suffix, dottedNumber(suffix)
}

func dottedNumber(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || strings.Trim(part, "0123456789") != "" {
			return false
		}
	}
	return true
}
