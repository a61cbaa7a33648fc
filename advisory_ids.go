package plimsoll

import (
	"slices"
	"strings"
)

// NewAdvisoryKey returns the key of a package. Names are compared as the ecosystem does:
// PyPI's are normalised (PEP 503), those of NuGet and Packagist are in lower case, all
// others exact. A release suffix of the ecosystem is dropped.
func NewAdvisoryKey(ecosystem, name string) AdvisoryKey {
	base := BaseEcosystem(ecosystem)
	switch base {
	case "PyPI":
		name = pypiName(name)
	case "NuGet", "Packagist":
		name = strings.ToLower(name)
	}
	return AdvisoryKey{Ecosystem: base, Name: name}
}

// pypiName follows https://peps.python.org/pep-0503/#normalized-names: lower case, runs of
// ".", "-" and "_" are one "-".
func pypiName(name string) string {
	separator := func(c byte) bool { return c == '.' || c == '-' || c == '_' }
	out := make([]byte, 0, len(name))
	for i := range len(name) {
		switch c := name[i]; {
		case !separator(c):
			out = append(out, c)
		case i == 0 || !separator(name[i-1]):
			out = append(out, '-')
		}
	}
	return strings.ToLower(string(out))
}

// errata are the id prefixes of Red Hat-family errata. Their records name CVEs in
// related, and the bug-fix ones among them may name none.
var errata = [...]string{
	"RHSA-", "RHBA-", "RHEA-", "ALSA-", "ALBA-", "ALEA-", "RLSA-", "RLBA-", "RLEA-", "RXSA-", "RXBA-", "RXEA-", "ELSA-", "ELBA-", "ELEA-",
}

// Erratum reports whether the record is a Red Hat-family erratum.
func (a Advisory) Erratum() bool {
	return slices.ContainsFunc(errata[:], func(p string) bool { return strings.HasPrefix(a.ID, p) })
}

// Malicious reports whether the record says that a package is malware itself
// (https://github.com/ossf/malicious-packages).
func (a Advisory) Malicious() bool { return strings.HasPrefix(a.ID, "MAL-") }

// CVEs are the CVE ids that the record stands for, sorted: those among its id, aliases
// and upstream ids, and among the related ids of an erratum. Related ids of other
// records are only similar.
func (a Advisory) CVEs() []string {
	var out []string
	add := func(ids ...string) {
		for _, id := range ids {
			if IsCVE(id) {
				out = append(out, id)
			}
		}
	}
	add(a.ID)
	add(a.Aliases...)
	add(a.Upstream...)
	if a.Erratum() {
		add(a.Related...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// IsCVE reports whether id has the form CVE-YYYY-NNNN, with four or more digits at the end.
func IsCVE(id string) bool {
	rest, ok := strings.CutPrefix(id, "CVE-")
	year, number, _ := strings.Cut(rest, "-")
	return ok && len(year) == 4 && len(number) >= 4 && digits(year) && digits(number)
}

func digits(s string) bool {
	return strings.TrimLeft(s, "0123456789") == ""
}
