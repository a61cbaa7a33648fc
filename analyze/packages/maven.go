package packages

import (
	"strings"

	"github.com/google/osv-scalibr/extractor/filesystem/language/java/groupid"

	"plimsoll"
)

// newMavenPackage makes a package of a module; advisories name it group:artifact.
func newMavenPackage(group, artifact, version string) plimsoll.Package {
	p := newLanguagePackage("Maven", "maven", group+"/"+artifact, version)
	p.Name = group + ":" + artifact
	return p
}

// packageOfProperties makes a package of pom.properties. An unresolved "${revision}" is no version.
func packageOfProperties(properties map[string]string) (plimsoll.Package, bool) {
	group, artifact, version := properties["groupId"], properties["artifactId"], properties["version"]
	if group == "" || artifact == "" || version == "" || strings.Contains(group+artifact+version, "${") {
		return plimsoll.Package{}, false
	}
	return newMavenPackage(group, artifact, version), true
}

// parseProperties reads lines "key=value"; comments begin with # or !.
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

// jarManifest is the main section of MANIFEST.MF.
type jarManifest map[string]string

// parseManifest reads "Key: value" lines up to the first empty one; a line that begins
// with a space goes on with the one before (JAR File Specification).
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

// packageOfManifest names an archive without pom.properties: artifact and version by its file
// name, else by its manifest; the group by the manifest, by a table of well-known
// artifacts, else by the artifact's own name, which is right for the oldest ones
// (junit:junit). It is not a guess at all costs: no version, no package.
func packageOfManifest(m jarManifest, file string) (plimsoll.Package, bool) {
	artifact, version := splitJarName(file)
	if version == "" {
		artifact = firstNonEmpty(m["implementation-title"], artifact)
		version = firstNonEmpty(m["implementation-version"], m["bundle-version"])
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
	return newMavenPackage(firstNonEmpty(group, artifact), artifact, version), true
}

// splitJarName parts "name-1.2.3.jar" before the first dash that a digit follows.
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

func firstNonEmpty(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
