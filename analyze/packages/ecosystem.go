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
	"debian":    {"Debian", plimsoll.FormatDpkg, whole}, // testing and unstable have no VERSION_ID
	"ubuntu":    {"Ubuntu", plimsoll.FormatDpkg, whole},
	"openkylin": {"openKylin", plimsoll.FormatDpkg, whole},

	"alpine":                       {"Alpine", plimsoll.FormatAPK, alpineBranch},
	"alpaquita":                    {"Alpaquita", plimsoll.FormatAPK, stream},
	"bellsoft-hardened-containers": {"BellSoft Hardened Containers", plimsoll.FormatAPK, stream},
	"chainguard":                   {"Chainguard", plimsoll.FormatAPK, nil},
	"minimos":                      {"MinimOS", plimsoll.FormatAPK, nil},
	"wolfi":                        {"Wolfi", plimsoll.FormatAPK, nil},

	"almalinux":           {"AlmaLinux", plimsoll.FormatRPM, major},
	"azurelinux":          {"Azure Linux", plimsoll.FormatRPM, major},
	"mageia":              {"Mageia", plimsoll.FormatRPM, major},
	"mariner":             {"Azure Linux", plimsoll.FormatRPM, major},
	"openeuler":           {"openEuler", plimsoll.FormatRPM, openEuler},
	"opensuse-leap":       {"openSUSE", plimsoll.FormatRPM, named("Leap ")},
	"opensuse-tumbleweed": {"openSUSE", plimsoll.FormatRPM, tumbleweed},
	"photon":              {"Photon OS", plimsoll.FormatRPM, whole},
	"rhel":                {"Red Hat", plimsoll.FormatRPM, whole},
	"rocky":               {"Rocky Linux", plimsoll.FormatRPM, major},
	"sle-micro":           {"SUSE", plimsoll.FormatRPM, named("Linux Enterprise Micro ")},
	"sled":                {"SUSE", plimsoll.FormatRPM, suse("Linux Enterprise Desktop ")},
	"sles":                {"SUSE", plimsoll.FormatRPM, suse("Linux Enterprise Server ")},

	// OSV has no records of these: their packages are reported as not judged, by name.
	"amzn":        {"Amazon Linux", plimsoll.FormatRPM, whole},
	"anolis":      {"Anolis OS", plimsoll.FormatRPM, whole},
	"arch":        {"Arch Linux", plimsoll.FormatPacman, nil},
	"centos":      {"CentOS", plimsoll.FormatRPM, whole},
	"fedora":      {"Fedora", plimsoll.FormatRPM, whole},
	"gentoo":      {"Gentoo", plimsoll.FormatPortage, nil},
	"hce":         {"Huawei Cloud EulerOS", plimsoll.FormatRPM, whole},
	"ol":          {"Oracle Linux", plimsoll.FormatRPM, major},
	"opencloudos": {"OpenCloudOS", plimsoll.FormatRPM, whole},
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

// whole takes a number with or without a point, as it is.
func whole(o plimsoll.OSRelease) (string, bool) {
	first, rest, more := strings.Cut(o.VersionID, ".")
	return o.VersionID, number(first) && (!more || number(rest))
}

// major takes what stands before the first point.
func major(o plimsoll.OSRelease) (string, bool) {
	first, _, _ := strings.Cut(o.VersionID, ".")
	_, ok := whole(o)
	return first, ok
}

// stream takes a number, or the word of a rolling release.
func stream(o plimsoll.OSRelease) (string, bool) {
	if o.VersionID == "stream" {
		return o.VersionID, true
	}
	return whole(o)
}

func named(product string) func(plimsoll.OSRelease) (string, bool) {
	return func(o plimsoll.OSRelease) (string, bool) {
		release, ok := whole(o)
		return product + release, ok
	}
}

func tumbleweed(plimsoll.OSRelease) (string, bool) { return "Tumbleweed", true }

// suse writes service packs as advisories do: "15.5" is "15 SP5".
func suse(product string) func(plimsoll.OSRelease) (string, bool) {
	return func(o plimsoll.OSRelease) (string, bool) {
		first, pack, more := strings.Cut(o.VersionID, ".")
		if more && pack != "0" {
			first += " SP" + pack
		}
		_, ok := whole(o)
		return product + first, ok
	}
}

// openEuler has its edition only in the pretty name: "openEuler 22.03 (LTS-SP3)".
func openEuler(o plimsoll.OSRelease) (string, bool) {
	release, ok := whole(o)
	_, edition, has := strings.Cut(o.PrettyName, "(")
	if !has {
		return release, ok
	}
	edition, _, closed := strings.Cut(edition, ")")
	edition = strings.ReplaceAll(edition, " ", "-")
	plain := strings.Trim(edition, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") == ""
	return release + "-" + edition, ok && closed && plain && edition != ""
}

// alpineBranch makes "v3.20" of "3.20.3" and of the candidate "3.20_rc1".
func alpineBranch(o plimsoll.OSRelease) (string, bool) {
	if o.VersionID == "edge" || strings.Contains(o.VersionID, "_alpha") {
		return "edge", true
	}
	first, rest, _ := strings.Cut(o.VersionID, ".")
	minor, _, _ := strings.Cut(rest, ".")
	minor, _, _ = strings.Cut(minor, "_")
	return "v" + first + "." + minor, number(first) && number(minor)
}

func number(s string) bool {
	return s != "" && len(s) <= 4 && strings.Trim(s, "0123456789") == ""
}
