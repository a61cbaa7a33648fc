package packages

import (
	"strings"

	"plimsoll"
)

// distribution is what an ID of os-release means to advisories.
type distribution struct {
	ecosystem string // of OSV; where OSV has none, a name that no advisory uses
	format    plimsoll.PackageFormat

	// release makes what follows the colon; nil = the ecosystem has no releases. !ok is a
	// release that cannot be told.
	release func(plimsoll.OSRelease) (release string, ok bool)
}

// distributions are the ones whose packages have a name of an ecosystem. Derivatives
// (ID_LIKE) have packages of their own and are not taken for their parents.
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

	// OSV has no records of these: their packages are reported as not judged, by name.
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

// Ecosystem is the OSV ecosystem of a distribution with its release, "Debian:11",
// "Ubuntu:22.04", "Alpine:v3.20", "AlmaLinux:9", or "" if it is none of those known.
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

// wholeRelease takes a number with or without a point, as it is.
func wholeRelease(o plimsoll.OSRelease) (string, bool) {
	first, rest, more := strings.Cut(o.VersionID, ".")
	return o.VersionID, isShortNumber(first) && (!more || isShortNumber(rest))
}

// majorRelease takes what stands before the first point.
func majorRelease(o plimsoll.OSRelease) (string, bool) {
	first, _, _ := strings.Cut(o.VersionID, ".")
	_, ok := wholeRelease(o)
	return first, ok
}

// streamRelease takes a number, or the word of a rolling release.
func streamRelease(o plimsoll.OSRelease) (string, bool) {
	if o.VersionID == "stream" {
		return o.VersionID, true
	}
	return wholeRelease(o)
}

func namedRelease(product string) func(plimsoll.OSRelease) (string, bool) {
	return func(o plimsoll.OSRelease) (string, bool) {
		release, ok := wholeRelease(o)
		return product + release, ok
	}
}

func tumbleweedRelease(plimsoll.OSRelease) (string, bool) { return "Tumbleweed", true }

// suseRelease writes service packs as advisories do: "15.5" is "15 SP5".
func suseRelease(product string) func(plimsoll.OSRelease) (string, bool) {
	return func(o plimsoll.OSRelease) (string, bool) {
		first, pack, more := strings.Cut(o.VersionID, ".")
		if more && pack != "0" {
			first += " SP" + pack
		}
		_, ok := wholeRelease(o)
		return product + first, ok
	}
}

// openEulerRelease has its edition only in the pretty name: "openEuler 22.03 (LTS-SP3)".
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

// alpineRelease makes "v3.20" of "3.20.3" and of the candidate "3.20_rc1".
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
