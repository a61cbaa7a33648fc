package match

import (
	"strings"

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
