package packages

import (
	"strconv"
	"strings"

	"plimsoll"
)

// distribution describes the packages of a distribution as advisories name them.
type distribution struct {
	ecosystem string // of OSV; if OSV has none, a name that no advisory uses
	format    plimsoll.PackageFormat

	// release returns the part after the colon of an OSV ecosystem; nil = the ecosystem has no
	// releases. ok is false if the release cannot be determined.
	release func(plimsoll.OSRelease) (release string, ok bool)
}

// distributions contains, by ID of os-release, the distributions that have an ecosystem. A derivative
// (ID_LIKE) has other packages than its parent and is not treated as the parent.
var distributions = map[string]distribution{
	"debian":    {"Debian", plimsoll.FormatDpkg, wholeRelease}, // testing and unstable have no VERSION_ID
	"ubuntu":    {"Ubuntu", plimsoll.FormatDpkg, wholeRelease},
	"openkylin": {"openKylin", plimsoll.FormatDpkg, wholeRelease},

	"alpine":                       {"Alpine", plimsoll.FormatAPK, alpineRelease},
	"alpaquita":                    {"Alpaquita", plimsoll.FormatAPK, streamRelease},
	"bellsoft-hardened-containers": {"BellSoft Hardened Containers", plimsoll.FormatAPK, streamRelease},
	"chainguard":                   {"Chainguard", plimsoll.FormatAPK, nil},
	"minimos":                      {"MinimOS", plimsoll.FormatAPK, nil},
	"wolfi":                        {"Wolfi", plimsoll.FormatAPK, nil},

	"almalinux":           {"AlmaLinux", plimsoll.FormatRPM, majorRelease},
	"azurelinux":          {"Azure Linux", plimsoll.FormatRPM, majorRelease},
	"mageia":              {"Mageia", plimsoll.FormatRPM, majorRelease},
	"mariner":             {"Azure Linux", plimsoll.FormatRPM, majorRelease},
	"openeuler":           {"openEuler", plimsoll.FormatRPM, openEulerRelease},
	"opensuse-leap":       {"openSUSE", plimsoll.FormatRPM, namedRelease("Leap ")},
	"opensuse-tumbleweed": {"openSUSE", plimsoll.FormatRPM, tumbleweedRelease},
	"photon":              {"Photon OS", plimsoll.FormatRPM, wholeRelease},
	"rhel":                {"Red Hat", plimsoll.FormatRPM, wholeRelease},
	"rocky":               {"Rocky Linux", plimsoll.FormatRPM, majorRelease},
	"sle-micro":           {"SUSE", plimsoll.FormatRPM, namedRelease("Linux Enterprise Micro ")},
	"sled":                {"SUSE", plimsoll.FormatRPM, suseRelease("Linux Enterprise Desktop ")},
	"sles":                {"SUSE", plimsoll.FormatRPM, suseRelease("Linux Enterprise Server ")},
	"sl-micro":            {"SUSE", plimsoll.FormatRPM, namedRelease("Linux Micro ")},

	// OSV has no records of these. Their packages are reported as not judged, with the name.
	"amzn":        {"Amazon Linux", plimsoll.FormatRPM, wholeRelease},
	"anolis":      {"Anolis OS", plimsoll.FormatRPM, wholeRelease},
	"arch":        {"Arch Linux", plimsoll.FormatPacman, nil},
	"centos":      {"CentOS", plimsoll.FormatRPM, wholeRelease},
	"fedora":      {"Fedora", plimsoll.FormatRPM, wholeRelease},
	"gentoo":      {"Gentoo", plimsoll.FormatPortage, nil},
	"hce":         {"Huawei Cloud EulerOS", plimsoll.FormatRPM, wholeRelease},
	"ol":          {"Oracle Linux", plimsoll.FormatRPM, majorRelease},
	"opencloudos": {"OpenCloudOS", plimsoll.FormatRPM, wholeRelease},
}

// Ecosystem returns the OSV ecosystem of a distribution with its release, such as "Debian:11",
// "Ubuntu:22.04", "Alpine:v3.20" or "AlmaLinux:9", "" for an unknown distribution or release.
func Ecosystem(o plimsoll.OSRelease) string {
	d, ok := distributions[o.ID]
	if !ok || d.release == nil {
		return d.ecosystem
	}
	if release, ok := d.release(o); ok {
		return d.ecosystem + ":" + release
	}
	return ""
}

// wholeRelease returns a VERSION_ID of one or two numbers unchanged.
func wholeRelease(o plimsoll.OSRelease) (string, bool) {
	first, rest, more := strings.Cut(o.VersionID, ".")
	return o.VersionID, isShortNumber(first) && (!more || isShortNumber(rest))
}

// majorRelease returns the number before the first point.
func majorRelease(o plimsoll.OSRelease) (string, bool) {
	first, _, _ := strings.Cut(o.VersionID, ".")
	_, ok := wholeRelease(o)
	return first, ok
}

// streamRelease returns a number, or "stream" for a rolling release.
func streamRelease(o plimsoll.OSRelease) (string, bool) {
	if o.VersionID == "stream" {
		return o.VersionID, true
	}
	return wholeRelease(o)
}

// namedRelease returns a function that puts the product before the release.
func namedRelease(product string) func(plimsoll.OSRelease) (string, bool) {
	return func(o plimsoll.OSRelease) (string, bool) {
		release, ok := wholeRelease(o)
		return product + release, ok
	}
}

func tumbleweedRelease(plimsoll.OSRelease) (string, bool) { return "Tumbleweed", true }

// firstMinorSUSE is the first version of SUSE Linux Enterprise with minor releases.
const firstMinorSUSE = 16

// suseRelease writes a service pack as advisories do: "15.5" becomes "15 SP5". Since 16 there are minor releases, which
// stay as they are: "16.0".
func suseRelease(product string) func(plimsoll.OSRelease) (string, bool) {
	return func(o plimsoll.OSRelease) (string, bool) {
		release, ok := wholeRelease(o)
		first, pack, more := strings.Cut(release, ".")
		if number, err := strconv.Atoi(first); err == nil && number >= firstMinorSUSE {
			return product + release, ok
		}
		if more && pack != "0" {
			first += " SP" + pack
		}
		return product + first, ok
	}
}

// openEulerRelease takes the edition from PRETTY_NAME, "openEuler 22.03 (LTS-SP3)"; no other field
// contains it.
func openEulerRelease(o plimsoll.OSRelease) (string, bool) {
	release, ok := wholeRelease(o)
	_, edition, has := strings.Cut(o.PrettyName, "(")
	if !has {
		return release, ok
	}
	edition, _, closed := strings.Cut(edition, ")")
	edition = strings.ReplaceAll(edition, " ", "-")
	plain := strings.Trim(edition, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") == ""
	return release + "-" + edition, ok && closed && plain && edition != ""
}

// alpineRelease returns "v3.20" for "3.20.3" and for the candidate "3.20_rc1".
func alpineRelease(o plimsoll.OSRelease) (string, bool) {
	if o.VersionID == "edge" || strings.Contains(o.VersionID, "_alpha") {
		return "edge", true
	}
	first, rest, _ := strings.Cut(o.VersionID, ".")
	minor, _, _ := strings.Cut(rest, ".")
	minor, _, _ = strings.Cut(minor, "_")
	return "v" + first + "." + minor, isShortNumber(first) && isShortNumber(minor)
}

func isShortNumber(s string) bool {
	return s != "" && len(s) <= 4 && strings.Trim(s, "0123456789") == ""
}
