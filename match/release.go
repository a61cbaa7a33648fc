package match

import (
	"strconv"
	"strings"
)

// noRelease is for ecosystems without releases: an ecosystem with a suffix is not one of them.
func noRelease(suffix string) (string, bool) { return "", suffix == "" }

// anyRelease is for ecosystems whose suffix makes no difference to versions.
func anyRelease(string) (string, bool) { return "", true }

// numberRelease accepts a number, "12" or "5.0".
func numberRelease(suffix string) (string, bool) {
	return suffix, dottedNumber(suffix)
}

// majorRelease accepts "9" and "9.2", and returns "9": minor releases share the advisories of
// the major release.
func majorRelease(suffix string) (string, bool) {
	major, _, _ := strings.Cut(suffix, ".")
	return major, dottedNumber(suffix)
}

// streamRelease accepts "23" and "stream", a rolling release.
func streamRelease(suffix string) (string, bool) {
	if suffix == "stream" {
		return suffix, true
	}
	return majorRelease(suffix)
}

// alpineRelease accepts "v3.20" and "edge"; point releases share the branch's advisories.
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

// ubuntuRelease accepts "22.04" and "22.04:LTS". Ubuntu Pro, FIPS, Realtime and vendor
// kernels ("Pro:22.04:LTS", "22.04:LTS:for:NVIDIA:BlueField") have other packages, which
// ordinary images do not contain.
func ubuntuRelease(suffix string) (string, bool) {
	suffix = strings.TrimSuffix(suffix, ":LTS")
	return suffix, dottedNumber(suffix)
}

// redHatRelease accepts the end of a CPE, "enterprise_linux:9::baseos", or "9.4". All
// repositories of a major release share its packages. Extended support
// ("rhel_eus:9.2::baseos") and other products have other packages.
func redHatRelease(suffix string) (string, bool) {
	if cpe, ok := strings.CutPrefix(suffix, "enterprise_linux:"); ok {
		suffix, _, _ = strings.Cut(cpe, ":")
	}
	return majorRelease(suffix)
}

// openEulerRelease accepts "22.03-LTS-SP3", "24.03-LTS" and "23.09".
func openEulerRelease(suffix string) (string, bool) {
	number, edition, long := strings.Cut(suffix, "-")
	if !dottedNumber(number) || !long {
		return suffix, dottedNumber(number)
	}
	edition, pack, has := strings.Cut(edition, "-SP")
	return suffix, (edition == "LTS" || edition == "LTS-Next") && (!has || dottedNumber(pack))
}

// openSUSERelease accepts "Leap 15.5", "Leap Micro 5.4" and "Tumbleweed".
func openSUSERelease(suffix string) (string, bool) {
	if suffix == "Tumbleweed" {
		return suffix, true
	}
	number, ok := strings.CutPrefix(suffix, "Leap ")
	return suffix, ok && dottedNumber(strings.TrimPrefix(number, "Micro "))
}

// suseRelease returns "15 SP5" for "Linux Enterprise Server 15 SP5", for the modules of a
// server ("Linux Enterprise Module for Basesystem 15 SP5"), for "Package Hub 15 SP5" and for
// the "15.5" of os-release; and "Micro 5.5" for "Linux Enterprise Micro 5.5", "Micro 6.2" for "Linux Micro 6.2", as the
// product is called since 6.0. Since 16 there are minor releases instead of service packs: "16.0". Long-term
// support ("15 SP5-LTSS") and products with their own kernels or packages (Real Time, High
// Performance Computing, SAP) are refused.
func suseRelease(suffix string) (string, bool) {
	if dottedNumber(suffix) {
		major, pack, has := strings.Cut(suffix, ".")
		if number, err := strconv.Atoi(major); err == nil && number >= firstMinorSUSE {
			return suffix, strings.Count(suffix, ".") <= 1
		}
		if has && pack != "0" {
			major += " SP" + pack
		}
		return major, !strings.Contains(pack, ".")
	}
	for _, product := range [...]string{"Linux Enterprise Micro ", "Linux Micro "} {
		if number, ok := strings.CutPrefix(suffix, product); ok {
			return "Micro " + number, dottedNumber(number)
		}
	}
	product, pack, has := suffix, "", false
	if at := strings.LastIndex(suffix, " SP"); at >= 0 {
		product, pack, has = suffix[:at], suffix[at:], true
	}
	at := strings.LastIndexByte(product, ' ')
	if at < 0 || !dottedNumber(product[at+1:]) || has && !dottedNumber(pack[len(" SP"):]) {
		return "", false
	}
	switch name := product[:at]; {
	case name == "Linux Enterprise Server", name == "Linux Enterprise Desktop", name == "Package Hub",
		strings.HasPrefix(name, "Linux Enterprise Module for "):
		return product[at+1:] + pack, true
	default:
		return "", false
	}
}

// firstMinorSUSE is the first version of SUSE Linux Enterprise with minor releases.
const firstMinorSUSE = 16

func dottedNumber(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || strings.Trim(part, "0123456789") != "" {
			return false
		}
	}
	return true
}
