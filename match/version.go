package match

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/osv-scalibr/semantic"

	"plimsoll"
)

// version can be ordered among versions of the same scheme.
type version struct {
	semantic.Version
}

// maxVersion bounds what is ordered, in bytes: numbers of a version have any length,
// and comparing them costs more than their length.
const maxVersion = 512

// order is -1, 0 or 1; err says that the two cannot be ordered.
func (v version) order(w version) (int, error) {
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

// debianVersion follows deb-version(7): [epoch:]upstream[-revision]. The library would
// take any string.
func debianVersion(s string) (version, error) {
	epoch, rest, ok := strings.Cut(s, ":")
	if !ok {
		epoch, rest = "0", s
	}
	if epoch == "" || !only(epoch, digit) || !only(rest, func(c byte) bool { return digit(c) || letter(c) || strings.IndexByte(".+-~:", c) >= 0 }) {
		return version{}, unordered(s)
	}
	if rest == "" || len(s) > maxVersion || !strings.ContainsAny(rest, "0123456789") {
		return version{}, unordered(s)
	}
	v, err := semantic.ParseDebianVersion(s)
	return version{v}, err
}

// alpineVersion follows apk, which also orders what its own grammar refuses ("1.8.28p1",
// "10.2.22.r0": both occur in Alpine's advisories). What does not begin with a number
// has no order.
func alpineVersion(s string) (version, error) {
	first := strings.TrimPrefix(s, ".")
	if first == "" || !digit(first[0]) || len(s) > maxVersion {
		return version{}, unordered(s)
	}
	if !only(s, func(c byte) bool { return digit(c) || letter(c) || strings.IndexByte("._~-", c) >= 0 }) {
		return version{}, unordered(s)
	}
	v, err := semantic.ParseAlpineVersion(s)
	return version{v}, err
}

// rpmVersion is [epoch:]version[-release]; no epoch is epoch 0. rpm orders any
// characters; what it would never install is not a version.
func rpmVersion(s string) (version, error) {
	if !plain(s) || strings.ContainsAny(s, "()<>=") || strings.Trim(s, ":-") == "" {
		return version{}, unordered(s)
	}
	return version{semantic.ParseRedHatVersion(s)}, nil
}

// modular reports whether an rpm's release says that it was built for a module stream:
// ".module_el8.6.0+…" (AlmaLinux), ".module+el8.6.0+…" (Red Hat, Rocky Linux, Oracle Linux).
func modular(s string) bool {
	return strings.Contains(s, ".module_el") || strings.Contains(s, ".module+el")
}

// bitnamiVersion is a semantic version. Bitnami's packages append a build number
// ("17.2.0-9") that the advisories leave out; in SemVer it would be a pre-release.
func bitnamiVersion(s string) (version, error) {
	core, build, ok := strings.Cut(s, "-")
	if ok && build != "" && only(build, digit) && dottedNumber(core) {
		s = core + strings.Repeat(".0", max(0, 2-strings.Count(core, "."))) + "." + build
	}
	if !numbered(s) {
		return version{}, unordered(s)
	}
	return version{semantic.ParseNuGetVersion(s)}, nil // of four numbers
}

func semverVersion(s string) (version, error) {
	if !numbered(s) {
		return version{}, unordered(s)
	}
	return version{semantic.ParseSemverVersion(s)}, nil
}

func nugetVersion(s string) (version, error) {
	if !numbered(s) {
		return version{}, unordered(s)
	}
	return version{semantic.ParseNuGetVersion(s)}, nil
}

func pubVersion(s string) (version, error) {
	if !numbered(s) {
		return version{}, unordered(s)
	}
	return version{semantic.ParsePubVersion(s)}, nil
}

func rubygemsVersion(s string) (version, error) {
	if !numbered(s) || !digit(s[0]) {
		return version{}, unordered(s)
	}
	return version{semantic.ParseRubyGemsVersion(s)}, nil
}

// packagistVersion leaves out branches ("dev-main"): they move.
func packagistVersion(s string) (version, error) {
	number := strings.TrimLeft(s, "vV")
	if len(s)-len(number) > 1 || number == "" || !digit(number[0]) || !plain(s) {
		return version{}, unordered(s)
	}
	return version{semantic.ParsePackagistVersion(s)}, nil
}

// mavenVersion takes what Maven would order, if it has a number: "unspecified" and
// "${project.version}" do not say which version it is.
func mavenVersion(s string) (version, error) {
	if !anyNumber(s) || !only(s, func(c byte) bool { return digit(c) || letter(c) || strings.IndexByte("._+-", c) >= 0 }) {
		return version{}, unordered(s)
	}
	return version{semantic.ParseMavenVersion(s)}, nil
}

// pypiVersion follows PEP 440, and orders what came before it as setuptools did.
func pypiVersion(s string) (version, error) {
	if !anyNumber(s) || !only(s, func(c byte) bool { return digit(c) || letter(c) || strings.IndexByte("._+!:/-", c) >= 0 }) {
		return version{}, unordered(s)
	}
	v, err := semantic.ParsePyPIVersion(s)
	return version{v}, err
}

func cranVersion(s string) (version, error) {
	if !anyNumber(s) {
		return version{}, unordered(s)
	}
	v, err := semantic.ParseCRANVersion(s)
	return version{v}, err
}

func hackageVersion(s string) (version, error) {
	if !anyNumber(s) {
		return version{}, unordered(s)
	}
	v, err := semantic.ParseHackageVersion(s)
	return version{v}, err
}

// numbered reports whether s begins with a number and has no characters that a range or
// the name of a branch would have.
func numbered(s string) bool {
	number := strings.TrimPrefix(strings.TrimPrefix(s, "v"), "V")
	return number != "" && digit(number[0]) && len(s) <= maxVersion &&
		only(s, func(c byte) bool { return digit(c) || letter(c) || strings.IndexByte(".+_-", c) >= 0 })
}

func anyNumber(s string) bool {
	return len(s) <= maxVersion && strings.ContainsAny(s, "0123456789")
}

// plain reports whether s is a text without spaces and control characters, in bounds.
func plain(s string) bool {
	return s != "" && len(s) <= maxVersion && utf8.ValidString(s) &&
		strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) < 0
}

func unordered(s string) error {
	return plimsoll.Errorf(plimsoll.Invalid, "version %.80q cannot be ordered", s)
}

func only(s string, want func(byte) bool) bool {
	for i := range len(s) {
		if !want(s[i]) {
			return false
		}
	}
	return true
}

func digit(c byte) bool  { return c >= '0' && c <= '9' }
func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
