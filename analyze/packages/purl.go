package packages

import (
	"strings"

	"plimsoll"
)

// purlTypes are the types of package URLs by format, and whether names are lower case there.
var purlTypes = map[plimsoll.PackageFormat]struct {
	name  string
	lower bool
}{
	plimsoll.FormatAPK:     {"apk", true},
	plimsoll.FormatDpkg:    {"deb", true},
	plimsoll.FormatRPM:     {"rpm", false},
	plimsoll.FormatPacman:  {"alpm", true},
	plimsoll.FormatPortage: {"ebuild", false},
}

// purlNamespaces are distributions whose packages have the name of their vendor.
var purlNamespaces = map[string]string{
	"sles": "suse", "sled": "suse", "sle-micro": "suse", "opensuse-leap": "opensuse", "opensuse-tumbleweed": "opensuse",
	"mariner": "azurelinux", "rhel": "redhat",
}

// Complete adds what is known after folding: the ecosystem and the package URL. release is
// nil if the image has no os-release; then the URL has neither namespace nor distribution.
// A package of a format that is not the distribution's own has no ecosystem: advisories of
// the distribution do not speak of it.
func Complete(p plimsoll.Package, kind plimsoll.PackageFormat, release *plimsoll.OSRelease) plimsoll.Package {
	var namespace, distro string
	p.Ecosystem = ""
	if release != nil {
		if distributions[release.ID].format == kind {
			p.Ecosystem = Ecosystem(*release)
		}
		namespace, distro = release.ID, release.ID
		if vendor, ok := purlNamespaces[release.ID]; ok {
			namespace = vendor
		}
		if release.ID != "" && release.VersionID != "" {
			distro += "-" + release.VersionID
		}
	}
	p.PURL = formatPURL(kind, namespace, p, distro)
	return p
}

// formatPURL writes a package URL (purl specification, ECMA-427). The epoch of rpm is a
// qualifier, not a part of the version; qualifiers are sorted.
func formatPURL(kind plimsoll.PackageFormat, namespace string, p plimsoll.Package, distro string) string {
	var out strings.Builder
	scheme := purlTypes[kind]
	out.WriteString("pkg:" + scheme.name + "/")
	if namespace != "" {
		writeEscaped(&out, strings.ToLower(namespace))
		out.WriteByte('/')
	}
	name, version, epoch := p.Name, p.Version, ""
	if scheme.lower {
		name = strings.ToLower(name)
	}
	if before, after, ok := strings.Cut(version, ":"); ok && kind == plimsoll.FormatRPM {
		epoch, version = before, after
	}
	writeEscaped(&out, name)
	out.WriteByte('@')
	writeEscaped(&out, version)
	separator := byte('?')
	for _, q := range [...][2]string{{"arch", p.Arch}, {"distro", distro}, {"epoch", epoch}} {
		if q[1] == "" {
			continue
		}
		out.WriteByte(separator)
		out.WriteString(q[0] + "=")
		writeEscaped(&out, q[1])
		separator = '&'
	}
	return out.String()
}

// writeEscaped percent-encodes all but letters, digits, ". - _ ~" and the colon
// (purl specification, "Character encoding").
func writeEscaped(out *strings.Builder, s string) {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte(".-_~:", c) >= 0:
			out.WriteByte(c)
		default:
			out.WriteByte('%')
			out.WriteByte(hex[c>>4])
			out.WriteByte(hex[c&15])
		}
	}
}
