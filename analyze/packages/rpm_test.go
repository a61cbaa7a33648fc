package packages

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/packages/rpmdb"
)

func TestRPMPackage(t *testing.T) {
	tests := []struct {
		in   rpmdb.Package
		want plimsoll.Package
	}{
		{rpmdb.Package{Name: "bash", Version: "5.1.8", Release: "4.el9", Arch: "x86_64", SourceRPM: "bash-5.1.8-4.el9.src.rpm"},
			plimsoll.Package{Name: "bash", Version: "5.1.8-4.el9", Arch: "x86_64"}},
		{rpmdb.Package{Name: "openssl-libs", Version: "1.0.2k", Release: "12.el7", Epoch: 1, Arch: "x86_64", SourceRPM: "openssl-1.0.2k-12.el7.src.rpm"},
			plimsoll.Package{Name: "openssl-libs", Version: "1:1.0.2k-12.el7", Arch: "x86_64", Source: "openssl"}},
		{rpmdb.Package{Name: "device-mapper", Version: "1.02", Release: "4.el7", Epoch: 7, SourceRPM: "lvm2-2.02-4.el7.nosrc.rpm"},
			plimsoll.Package{Name: "device-mapper", Version: "7:1.02-4.el7", Source: "lvm2", SourceVersion: "2.02-4.el7"}},
		{rpmdb.Package{Name: "gpg-pubkey", Version: "9867c58f", Release: "601c49ca", SourceRPM: "(none)"},
			plimsoll.Package{Name: "gpg-pubkey", Version: "9867c58f-601c49ca"}},
		{rpmdb.Package{Name: "x", Version: "1", Release: "2", SourceRPM: "-1-2.src.rpm"}, plimsoll.Package{Name: "x", Version: "1-2"}},
		{rpmdb.Package{Name: "x", Version: "1", Release: "2", SourceRPM: "a.src.rpm"}, plimsoll.Package{Name: "x", Version: "1-2"}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, rpmPackage(test.in)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestRPMFailures(t *testing.T) {
	checkFailure(t, analyzeFile(t, "var/lib/rpm/Packages", "neither of the formats"), "read rpm database, 0 packages before: not an rpm database")
	checkFailure(t, analyzeFile(t, "usr/lib/sysimage/rpm/rpmdb.sqlite-wal", "changes"), "changes that are not in the rpm database yet")
	checkFailure(t, analyzeFile(t, "usr/lib/sysimage/rpm/rpmdb.sqlite-wal", ""), "")
	checkFailure(t, analyzeFile(t, "srv/var/lib/rpm/Packages", "somebody's file"), "")
}

func TestRPMDeadline(t *testing.T) {
	run := newSet(t, []analyze.Analyzer{Analyzer{deadline: time.Nanosecond}}).Run(t.Context(), plimsoll.DefaultBudget(), nil)
	body := "SQLite format 3\x00" + strings.Repeat("\x00", 1000)
	if err := run.Visit(plimsoll.Entry{Path: "var/lib/rpm/rpmdb.sqlite", Size: int64(len(body))}, strings.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	reports, _ := run.Reports()
	if f := reports[0].Failures; len(f) != 1 || f[0].Code != plimsoll.FailureTimeout || f[0].Path != "var/lib/rpm/rpmdb.sqlite" {
		t.Errorf("%+v", f)
	}
}

func TestEcosystems(t *testing.T) {
	tests := []struct{ id, version, pretty, want string }{
		{"almalinux", "9.2", "", "AlmaLinux:9"}, {"almalinux", "8", "", "AlmaLinux:8"}, {"almalinux", "", "", ""},
		{"rocky", "9.3", "", "Rocky Linux:9"}, {"rhel", "9.4", "", "Red Hat:9.4"}, {"rhel", "9:x", "", ""},
		{"openeuler", "22.03", "openEuler 22.03 (LTS-SP3)", "openEuler:22.03-LTS-SP3"},
		{"openeuler", "24.03", "openEuler 24.03 (LTS SP1)", "openEuler:24.03-LTS-SP1"},
		{"openeuler", "23.09", "openEuler 23.09", "openEuler:23.09"},
		{"openeuler", "22.03", "openEuler 22.03 (LTS:x)", ""}, {"openeuler", "22.03", "openEuler 22.03 (LTS", ""},
		{"sles", "15.5", "", "SUSE:Linux Enterprise Server 15 SP5"}, {"sles", "15", "", "SUSE:Linux Enterprise Server 15"},
		{"sled", "15.0", "", "SUSE:Linux Enterprise Desktop 15"}, {"sle-micro", "5.5", "", "SUSE:Linux Enterprise Micro 5.5"},
		{"sles", "16.0", "", "SUSE:Linux Enterprise Server 16.0"}, {"sl-micro", "6.2", "", "SUSE:Linux Micro 6.2"},
		{"opensuse-leap", "15.5", "", "openSUSE:Leap 15.5"}, {"opensuse-tumbleweed", "20240101", "", "openSUSE:Tumbleweed"},
		{"azurelinux", "3.0", "", "Azure Linux:3"}, {"mariner", "2.0", "", "Azure Linux:2"}, {"photon", "5.0", "", "Photon OS:5.0"},
		{"mageia", "9", "", "Mageia:9"}, {"fedora", "35", "", "Fedora:35"}, {"centos", "7", "", "CentOS:7"},
		{"amzn", "2023", "", "Amazon Linux:2023"}, {"ol", "9.1", "", "Oracle Linux:9"}, {"hce", "2.0", "", "Huawei Cloud EulerOS:2.0"},
		{"alpaquita", "23", "", "Alpaquita:23"}, {"alpaquita", "stream", "", "Alpaquita:stream"},
		{"bellsoft-hardened-containers", "25", "", "BellSoft Hardened Containers:25"},
		{"wolfi", "20230201", "", "Wolfi"}, {"chainguard", "20230214", "", "Chainguard"}, {"minimos", "", "", "MinimOS"},
		{"openkylin", "1.0", "", "openKylin:1.0"}, {"arch", "", "", "Arch Linux"}, {"gentoo", "2.14", "", "Gentoo"},
		{"alpine", "3.20.3", "", "Alpine:v3.20"}, {"debian", "12", "", "Debian:12"}, {"kali", "2024.1", "", ""},
	}
	seen := map[string]bool{}
	for _, test := range tests {
		seen[test.id] = true
		o := plimsoll.OSRelease{ID: test.id, VersionID: test.version, PrettyName: test.pretty}
		if got := Ecosystem(o); got != test.want {
			t.Errorf("%s %s: %q, want %q", test.id, test.version, got, test.want)
		}
	}
	for id := range distributions {
		if !seen[id] && id != "ubuntu" && id != "anolis" && id != "opencloudos" {
			t.Errorf("%s is not tested", id)
		}
	}
}
