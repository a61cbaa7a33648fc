package packages

import (
	"strings"

	"plimsoll"
)

// Complete adds what is known after folding: the ecosystem and the package URL. release is
// nil if the image has no os-release; then the URL has neither namespace nor distribution.
func Complete(p plimsoll.Package, kind plimsoll.PackageFormat, release *plimsoll.OSRelease) plimsoll.Package {
	var namespace, distro string
	p.Ecosystem = ""
	if release != nil {
		p.Ecosystem = Ecosystem(*release)
		namespace, distro = release.ID, release.ID
		if release.ID != "" && release.VersionID != "" {
			distro += "-" + release.VersionID
		}
	}
	purlType := "deb"
	if kind == plimsoll.FormatAPK {
		purlType = "apk"
	}
	p.PURL = purl(purlType, namespace, p, distro)
	return p
}

// purl writes a package URL (purl specification, ECMA-427). Names of both types are lower case.
func purl(kind, namespace string, p plimsoll.Package, distro string) string {
	var out strings.Builder
	out.WriteString("pkg:" + kind + "/")
	if namespace != "" {
		escapeTo(&out, strings.ToLower(namespace))
		out.WriteByte('/')
	}
	escapeTo(&out, strings.ToLower(p.Name))
	out.WriteByte('@')
	escapeTo(&out, p.Version)
	separator := byte('?')
	for _, q := range [...][2]string{{"arch", p.Arch}, {"distro", distro}} {
		if q[1] == "" {
			continue
		}
		out.WriteByte(separator)
		out.WriteString(q[0] + "=")
		escapeTo(&out, q[1])
		separator = '&'
	}
	return out.String()
}

// escapeTo percent-encodes all but letters, digits, ". - _ ~" and the colon
// (purl specification, "Character encoding").
func escapeTo(out *strings.Builder, s string) {
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
