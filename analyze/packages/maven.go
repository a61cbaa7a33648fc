package packages

import (
	"cmp"
	"strings"

	"github.com/google/osv-scalibr/extractor/filesystem/language/java/groupid"

	"plimsoll"
)

// newMavenPackage returns the package of a module. Advisories name it group:artifact.
func newMavenPackage(group, artifact, version string) plimsoll.Package {
	p := newLanguagePackage("Maven", "maven", group+"/"+artifact, version)
	p.Name = group + ":" + artifact
	return p
}

// packageOfProperties returns the package of a pom.properties. An unresolved "${revision}" is not a
// version.
func packageOfProperties(properties map[string]string) (plimsoll.Package, bool) {
	group, artifact, version := properties["groupId"], properties["artifactId"], properties["version"]
	if group == "" || artifact == "" || version == "" || strings.Contains(group+artifact+version, "${") {
		return plimsoll.Package{}, false
	}
	return newMavenPackage(group, artifact, version), true
}

// parseProperties parses lines "key=value". Comments begin with # or !.
func parseProperties(raw []byte) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		key, value, ok := strings.Cut(line, "=")
		if ok && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "!") {
			out[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return out
}

// jarManifest is the main section of MANIFEST.MF, by key in lower case.
type jarManifest map[string]string

// parseManifest parses "Key: value" lines up to the first empty line. A line that begins with a space
// continues the previous one (JAR File Specification).
func parseManifest(raw []byte) jarManifest {
	out, last := jarManifest{}, ""
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break
		}
		if rest, ok := strings.CutPrefix(line, " "); ok {
			out[last] += rest
			continue
		}
		key, value, _ := strings.Cut(line, ":")
		last = strings.ToLower(key)
		out[last] = strings.TrimSpace(value)
	}
	return out
}

// packageOfManifest identifies an archive without pom.properties. Artifact and version come from its
// file name, else from its manifest. The group comes from a table of well-known artifacts, else from
// the manifest, else it is the artifact's name, which is right for the oldest ones (junit:junit).
// Without a version there is no package.
func packageOfManifest(m jarManifest, file string) (plimsoll.Package, bool) {
	artifact, version := splitJarName(file)
	if version == "" {
		artifact = cmp.Or(m["implementation-title"], artifact)
		version = cmp.Or(m["implementation-version"], m["bundle-version"])
	}
	if artifact == "" || version == "" || strings.ContainsAny(artifact+version, "${} :/") {
		return plimsoll.Package{}, false
	}
	group := groupid.FromArtifactID(artifact)
	if vendor := m["implementation-vendor-id"]; group == "" && isPlainName(vendor) {
		group = vendor
	}
	if bundle, _, _ := strings.Cut(m["bundle-symbolicname"], ";"); group == "" && isPlainName(bundle) && strings.Contains(bundle, ".") {
		group = strings.TrimSuffix(bundle, "."+artifact)
	}
	return newMavenPackage(cmp.Or(group, artifact), artifact, version), true
}

// splitJarName splits "name-1.2.3.jar" at the first dash before a digit.
func splitJarName(file string) (artifact, version string) {
	if dot := strings.LastIndexByte(file, '.'); dot > 0 {
		file = file[:dot]
	}
	for i := 1; i+1 < len(file); i++ {
		if file[i] == '-' && isDigit(file[i+1]) {
			return file[:i], file[i+1:]
		}
	}
	return file, ""
}

func isPlainName(s string) bool { return s != "" && !strings.ContainsAny(s, "${} :/") }
