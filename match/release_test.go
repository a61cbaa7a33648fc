package match

import "testing"

// TestReleases: spellings of one release of a plain image, first what packages say.
func TestReleases(t *testing.T) {
	for _, c := range []struct{ base, a, b string }{
		{"Debian", "12", "12"}, {"Alpine", "v3.20", "v3.20"}, {"Alpine", "v3.20.3", "v3.20"}, {"Alpine", "edge", "edge"},
		{"Ubuntu", "22.04:LTS", "22.04"}, {"Ubuntu", "24.10", "24.10"},
		{"AlmaLinux", "9.2", "9"}, {"AlmaLinux", "8", "8"}, {"Rocky Linux", "9.4", "9"}, {"Oracle Linux", "8.10", "8"},
		{"Red Hat", "9.4", "enterprise_linux:9::baseos"}, {"Red Hat", "enterprise_linux:9::baseos", "enterprise_linux:9::appstream"},
		{"Red Hat", "10", "enterprise_linux:10.0"}, {"Red Hat", "8", "enterprise_linux:8"},
		{"openEuler", "22.03-LTS-SP3", "22.03-LTS-SP3"}, {"openEuler", "23.09", "23.09"}, {"openEuler", "20.03-LTS-Next", "20.03-LTS-Next"},
		{"SUSE", "15.5", "Linux Enterprise Server 15 SP5"}, {"SUSE", "Linux Enterprise Server 15 SP5", "Linux Enterprise Module for Basesystem 15 SP5"},
		{"SUSE", "15.5", "Package Hub 15 SP5"}, {"SUSE", "15", "Linux Enterprise Server 15"}, {"SUSE", "Linux Enterprise Micro 5.5", "Linux Enterprise Micro 5.5"},
		{"openSUSE", "Leap 15.5", "Leap 15.5"}, {"openSUSE", "Tumbleweed", "Tumbleweed"}, {"openSUSE", "Leap Micro 5.4", "Leap Micro 5.4"},
		{"Alpaquita", "23", "23"}, {"Alpaquita", "stream", "stream"}, {"BellSoft Hardened Containers", "25", "25"},
		{"Azure Linux", "3.0", "3"}, {"Amazon Linux", "2023", "2023"}, {"Photon OS", "5.0", "5.0"}, {"Mageia", "9", "9"},
		{"Maven", "", "https://maven.google.com"}, {"Packagist", "", "https://packages.drupal.org/8"},
		{"Go", "", ""}, {"PyPI", "", ""}, {"Wolfi", "", ""},
	} {
		s, _ := schemeOf(c.base)
		x, ok := s.release(c.a)
		y, also := s.release(c.b)
		if !ok || !also || x != y {
			t.Errorf("%s: %q and %q are %q, %v and %q, %v", c.base, c.a, c.b, x, ok, y, also)
		}
	}
}

// TestOtherReleases: what a plain image is not.
func TestOtherReleases(t *testing.T) {
	for base, suffixes := range map[string][]string{
		"Ubuntu": {"", "Pro:22.04:LTS", "Pro:FIPS:22.04:LTS", "Pro:FIPS-updates:22.04:LTS", "Pro:Realtime:22.04:LTS", "22.04:LTS:for:NVIDIA:BlueField"},
		"Debian": {"", "sid", "12:x"}, "Alpine": {"", "3.20", "vv3"}, "AlmaLinux": {"", "x", "9."}, "Alpaquita": {"", "edge"},
		"Red Hat":   {"", "rhel_eus:9.2::baseos", "rhel_aus:8.2", "openshift:4.12::el8", "rhel_software_collections:3::el7", "enterprise_linux:x"},
		"openEuler": {"", "LTS", "22.03-SP3", "22.03-LTS-SPx", "22.03-LTS-x"},
		"SUSE": {"", "Linux Enterprise Server 15 SP5-LTSS", "Linux Enterprise Server for SAP Applications 15 SP5", "Linux Enterprise Real Time 15 SP5",
			"Linux Enterprise High Performance Computing 15 SP5-ESPOS", "Linux Enterprise Server", " SP5", "15.5.1", "Linux Enterprise Server x SP5"},
		"openSUSE": {"", "15.5", "Leap"}, "Go": {"1"}, "npm": {"x"}, "Photon OS": {""},
	} {
		s, _ := schemeOf(base)
		for _, suffix := range suffixes {
			if r, ok := s.release(suffix); ok {
				t.Errorf("%s: %q is release %q of a plain image", base, suffix, r)
			}
		}
	}
}
