package match

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/osv-scalibr/semantic"

	"plimsoll"
)

// orderedVersion is a parsed version. It can be compared with versions of the same ecosystem.
type orderedVersion struct {
	semantic.Version
}

// maxVersion bounds the length of a version, in bytes: numbers in a version may have any
// length, and comparing them takes more than linear time.
const maxVersion = 512

// compare returns -1, 0 or 1, or an error if the two versions cannot be ordered.
func (v orderedVersion) compare(w orderedVersion) (int, error) {
	d, err := v.Compare(w.Version)
	switch {
	case err != nil:
		return 0, err
	case d < 0:
		return -1, nil
	case d > 0:
		return 1, nil
	default:
		return 0, nil
	}
}

// debianVersion follows deb-version(7): [epoch:]upstream[-revision]. It checks the syntax,
// because the library accepts any string.
func debianVersion(s string) (orderedVersion, error) {
	epoch, rest, ok := strings.Cut(s, ":")
	if !ok {
		epoch, rest = "0", s
	}
	if epoch == "" || !allBytes(epoch, isDigit) || !allBytes(rest, func(c byte) bool { return isDigit(c) || isLetter(c) || strings.IndexByte(".+-~:", c) >= 0 }) {
		return orderedVersion{}, unorderableError(s)
	}
	if rest == "" || len(s) > maxVersion || !strings.ContainsAny(rest, "0123456789") {
		return orderedVersion{}, unorderableError(s)
	}
	v, err := semantic.ParseDebianVersion(s)
	return orderedVersion{v}, err
}

// alpineVersion follows apk, which also orders versions that its own grammar refuses
// ("1.8.28p1", "10.2.22.r0": both occur in Alpine's advisories). A version that does not
// begin with a number cannot be ordered.
func alpineVersion(s string) (orderedVersion, error) {
	first := strings.TrimPrefix(s, ".")
	if first == "" || !isDigit(first[0]) || len(s) > maxVersion {
		return orderedVersion{}, unorderableError(s)
	}
	if !allBytes(s, func(c byte) bool { return isDigit(c) || isLetter(c) || strings.IndexByte("._~-", c) >= 0 }) {
		return orderedVersion{}, unorderableError(s)
	}
	v, err := semantic.ParseAlpineVersion(s)
	return orderedVersion{v}, err
}

// rpmVersion follows rpm: [epoch:]version[-release], where a missing epoch is 0. rpm orders any
// characters; versions that it would not install are refused.
func rpmVersion(s string) (orderedVersion, error) {
	if !isPlainVersion(s) || strings.ContainsAny(s, "()<>=") || strings.Trim(s, ":-") == "" {
		return orderedVersion{}, unorderableError(s)
	}
	return orderedVersion{semantic.ParseRedHatVersion(s)}, nil
}

// isModuleBuild reports whether an rpm was built for a module stream, by its release:
// ".module_el8.6.0+…" (AlmaLinux), ".module+el8.6.0+…" (Red Hat, Rocky Linux, Oracle Linux).
func isModuleBuild(s string) bool {
	return strings.Contains(s, ".module_el") || strings.Contains(s, ".module+el")
}

// bitnamiVersion is a semantic version. Bitnami's packages append a build number
// ("17.2.0-9") that the advisories leave out; in SemVer it would be a pre-release.
func bitnamiVersion(s string) (orderedVersion, error) {
	core, build, ok := strings.Cut(s, "-")
	if ok && build != "" && allBytes(build, isDigit) && dottedNumber(core) {
		s = core + strings.Repeat(".0", max(0, 2-strings.Count(core, "."))) + "." + build
	}
	if !startsWithNumber(s) {
		return orderedVersion{}, unorderableError(s)
	}
	return orderedVersion{semantic.ParseNuGetVersion(s)}, nil // of four numbers
}

func semverVersion(s string) (orderedVersion, error) {
	if !startsWithNumber(s) {
		return orderedVersion{}, unorderableError(s)
	}
	return orderedVersion{semantic.ParseSemverVersion(s)}, nil
}

func nugetVersion(s string) (orderedVersion, error) {
	if !startsWithNumber(s) {
		return orderedVersion{}, unorderableError(s)
	}
	return orderedVersion{semantic.ParseNuGetVersion(s)}, nil
}

func pubVersion(s string) (orderedVersion, error) {
	if !startsWithNumber(s) {
		return orderedVersion{}, unorderableError(s)
	}
	return orderedVersion{semantic.ParsePubVersion(s)}, nil
}

func rubygemsVersion(s string) (orderedVersion, error) {
	if !startsWithNumber(s) || !isDigit(s[0]) {
		return orderedVersion{}, unorderableError(s)
	}
	return orderedVersion{semantic.ParseRubyGemsVersion(s)}, nil
}

// packagistVersion refuses branches ("dev-main"), which are not fixed versions.
func packagistVersion(s string) (orderedVersion, error) {
	number := strings.TrimLeft(s, "vV")
	if len(s)-len(number) > 1 || number == "" || !isDigit(number[0]) || !isPlainVersion(s) {
		return orderedVersion{}, unorderableError(s)
	}
	return orderedVersion{semantic.ParsePackagistVersion(s)}, nil
}

// mavenVersion accepts what Maven would order, if it has a digit: "unspecified" and
// "${project.version}" do not identify a version.
func mavenVersion(s string) (orderedVersion, error) {
	if !containsDigit(s) || !allBytes(s, func(c byte) bool { return isDigit(c) || isLetter(c) || strings.IndexByte("._+-", c) >= 0 }) {
		return orderedVersion{}, unorderableError(s)
	}
	return orderedVersion{semantic.ParseMavenVersion(s)}, nil
}

// pypiVersion follows PEP 440, and orders older forms as setuptools did.
func pypiVersion(s string) (orderedVersion, error) {
	if !containsDigit(s) || !allBytes(s, func(c byte) bool { return isDigit(c) || isLetter(c) || strings.IndexByte("._+!:/-", c) >= 0 }) {
		return orderedVersion{}, unorderableError(s)
	}
	v, err := semantic.ParsePyPIVersion(s)
	return orderedVersion{v}, err
}

func cranVersion(s string) (orderedVersion, error) {
	if !containsDigit(s) {
		return orderedVersion{}, unorderableError(s)
	}
	v, err := semantic.ParseCRANVersion(s)
	return orderedVersion{v}, err
}

func hackageVersion(s string) (orderedVersion, error) {
	if !containsDigit(s) {
		return orderedVersion{}, unorderableError(s)
	}
	v, err := semantic.ParseHackageVersion(s)
	return orderedVersion{v}, err
}

// startsWithNumber reports whether s begins with a number, or "v" and a number, and has no
// characters of a range or branch name.
func startsWithNumber(s string) bool {
	number := strings.TrimPrefix(strings.TrimPrefix(s, "v"), "V")
	return number != "" && isDigit(number[0]) && len(s) <= maxVersion &&
		allBytes(s, func(c byte) bool { return isDigit(c) || isLetter(c) || strings.IndexByte(".+_-", c) >= 0 })
}

func containsDigit(s string) bool {
	return len(s) <= maxVersion && strings.ContainsAny(s, "0123456789")
}

// isPlainVersion reports whether s is valid UTF-8 without spaces and control characters, of 1 to
// maxVersion bytes.
func isPlainVersion(s string) bool {
	return s != "" && len(s) <= maxVersion && utf8.ValidString(s) &&
		strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) < 0
}

func unorderableError(s string) error {
	return plimsoll.Errorf(plimsoll.Invalid, "version %.80q cannot be ordered", s)
}

func allBytes(s string, want func(byte) bool) bool {
	for i := range len(s) {
		if !want(s[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
