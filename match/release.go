package match

import "strings"

// noRelease is for ecosystems without releases: a suffix means something else.
func noRelease(suffix string) (string, bool) { return "", suffix == "" }

// anyRelease is for ecosystems whose suffix does not tell versions apart.
func anyRelease(string) (string, bool) { return "", true }

// numberRelease takes "12" or "5.0" as it is.
func numberRelease(suffix string) (string, bool) {
	return suffix, dottedNumber(suffix)
}

// majorRelease takes "9" and "9.2": minor releases share the advisories of the major one.
func majorRelease(suffix string) (string, bool) {
	major, _, _ := strings.Cut(suffix, ".")
	return major, dottedNumber(suffix)
}

// streamRelease takes "23" and "stream", which has no number.
func streamRelease(suffix string) (string, bool) {
	if suffix == "stream" {
		return suffix, true
	}
	return majorRelease(suffix)
}

// alpineRelease takes "v3.20"; point releases share the branch's advisories.
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

// ubuntuRelease takes "22.04" and "22.04:LTS". Ubuntu Pro, FIPS, Realtime and vendor
// kernels ("Pro:22.04:LTS", "22.04:LTS:for:NVIDIA:BlueField") are streams of other
// packages; no plain image has them.
func ubuntuRelease(suffix string) (string, bool) {
	suffix = strings.TrimSuffix(suffix, ":LTS")
	return suffix, dottedNumber(suffix)
}

// redHatRelease takes the tail of a CPE, "enterprise_linux:9::baseos", or "9.4". Every
// repository of a major release speaks of its packages. Extended support ("rhel_eus:9.2::baseos")
// and other products are streams of other packages.
func redHatRelease(suffix string) (string, bool) {
	if cpe, ok := strings.CutPrefix(suffix, "enterprise_linux:"); ok {
		suffix, _, _ = strings.Cut(cpe, ":")
	}
	return majorRelease(suffix)
}

// openEulerRelease takes "22.03-LTS-SP3", "24.03-LTS" and "23.09".
func openEulerRelease(suffix string) (string, bool) {
	number, edition, long := strings.Cut(suffix, "-")
	if !dottedNumber(number) || !long {
		return suffix, dottedNumber(number)
	}
	edition, pack, has := strings.Cut(edition, "-SP")
	return suffix, (edition == "LTS" || edition == "LTS-Next") && (!has || dottedNumber(pack))
}

// openSUSERelease takes "Leap 15.5", "Leap Micro 5.4" and "Tumbleweed".
func openSUSERelease(suffix string) (string, bool) {
	if suffix == "Tumbleweed" {
		return suffix, true
	}
	number, ok := strings.CutPrefix(suffix, "Leap ")
	return suffix, ok && dottedNumber(strings.TrimPrefix(number, "Micro "))
}

// suseRelease makes "15 SP5" of "Linux Enterprise Server 15 SP5", of the modules that
// a server is made of ("Linux Enterprise Module for Basesystem 15 SP5"), of "Package
// Hub 15 SP5" and of os-release's "15.5"; and "Micro 5.5" of "Linux Enterprise Micro 5.5".
// Long-term support ("15 SP5-LTSS") and products with kernels or packages of their own
// (Real Time, High Performance Computing, SAP) are other streams.
func suseRelease(suffix string) (string, bool) {
	if dottedNumber(suffix) {
		major, pack, has := strings.Cut(suffix, ".")
		if has && pack != "0" {
			major += " SP" + pack
		}
		return major, !strings.Contains(pack, ".")
	}
	if number, ok := strings.CutPrefix(suffix, "Linux Enterprise Micro "); ok {
		return "Micro " + number, dottedNumber(number)
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

func dottedNumber(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || strings.Trim(part, "0123456789") != "" {
			return false
		}
	}
	return true
}
