package packages

import (
	"strings"

	"plimsoll"
)

// purlTypes contains, by format, the type of package URLs and whether names in them are lower case.
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

// purlNamespaces contains, by ID of os-release, the namespace where it is not the ID.
var purlNamespaces = map[string]string{
	"sles": "suse", "sled": "suse", "sle-micro": "suse", "opensuse-leap": "opensuse", "opensuse-tumbleweed": "opensuse",
	"mariner": "azurelinux", "rhel": "redhat",
}

// Complete sets the ecosystem and the package URL of a system package, which are known only after
// folding. A nil release means that the image has no os-release; then the URL has neither namespace
// nor distro. A package in a format other than the distribution's has no ecosystem, because the
// distribution's advisories are not about it.
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

// formatPURL returns a package URL (purl specification, ECMA-427). The epoch of rpm is a qualifier,
// not part of the version. Qualifiers are sorted.
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

// writeEscaped percent-encodes all bytes but letters, digits, ". - _ ~" and the colon
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
