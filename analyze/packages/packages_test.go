package packages

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/analyze"
)

// analyzeFile returns the analyzer's report on one file.
func analyzeFile(t *testing.T, path, body string) plimsoll.LayerReport {
	t.Helper()
	run := newSet(t, []analyze.Analyzer{New()}).Run(t.Context(), plimsoll.DefaultBudget(), nil)
	if err := run.Visit(plimsoll.Entry{Path: path, Size: int64(len(body))}, strings.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	reports, _ := run.Reports()
	return reports[0]
}

const bashStanza = "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2-1+b1\nSource: bash (5.2-1)\nDescription: shell\n more: text\n .\n"

func TestDpkg(t *testing.T) {
	stanza := func(name, status string) string {
		return "Package: " + name + "\nStatus: " + status + "\nVersion: 1\nArchitecture: all\n\n"
	}
	named := func(names ...string) []plimsoll.Package {
		var list []plimsoll.Package
		for _, n := range names {
			list = append(list, plimsoll.Package{Name: n, Version: "1", Arch: "all"})
		}
		return list
	}
	tests := []struct {
		name, path, body string
		want             []plimsoll.Package
		failure          string
	}{
		{"source and version", dpkgStatus, bashStanza, []plimsoll.Package{{Name: "bash", Version: "5.2-1+b1", Arch: "amd64", SourceVersion: "5.2-1"}}, ""},
		{"other source", dpkgStatus, "Package: libssl3\nSource: openssl\nStatus: install ok installed\nVersion: 3.0-1\n",
			[]plimsoll.Package{{Name: "libssl3", Version: "3.0-1", Source: "openssl"}}, ""},
		{"states", dpkgStatus, stanza("a", "install ok installed") + stanza("b", "hold ok installed") + stanza("c", "install ok half-configured") +
			stanza("d", "deinstall ok config-files") + stanza("e", "unknown ok not-installed") + stanza("f", "install reinstreq half-installed") +
			stanza("g", "install ok triggers-pending") + stanza("h", "deinstall ok installed") + stanza("i", "install ok unpacked"),
			named("a", "b", "c", "f", "g", "h", "i"), ""},
		{"known but never installed", dpkgStatus, "Package: x\nStatus: unknown ok not-installed\nPriority: extra\n\n" + stanza("a", "install ok installed"), named("a"), ""},
		{"distroless", dpkgStatusDir + "base", "Package: base\nVersion: 1\nArchitecture: all\n", named("base"), ""},
		{"empty", dpkgStatus, "", nil, ""},
		{"malformed in the middle", dpkgStatus, stanza("a", "install ok installed") + "no colon here\n\n" + stanza("b", "install ok installed"), named("a"), "read dpkg database"},
		{"malformed in status.d", dpkgStatusDir + "base", "no colon here\n", nil, "read dpkg database"},
		{"installed without version", dpkgStatus, "Package: x\nStatus: install ok installed\n\n" + stanza("a", "install ok installed"), named("a"), "without name or version"},
		{"no status", dpkgStatus, "Package: x\nVersion: 1\n\n" + stanza("a", "install ok installed"), named("a"), "without a status"},
		{"bad source", dpkgStatus, stanza("a", "install ok installed") + "Package: x\nStatus: install ok installed\nVersion: 1\nSource: y (1\n\n", named("a"), "read dpkg database"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := analyzeFile(t, test.path, test.body)
			want := []plimsoll.PackageFile{{Path: test.path, Format: plimsoll.FormatDpkg, Packages: test.want}}
			if diff := cmp.Diff(want, got.Packages); diff != "" {
				t.Error(diff)
			}
			checkFailure(t, got, test.failure)
		})
	}
}

func checkFailure(t *testing.T, r plimsoll.LayerReport, want string) {
	t.Helper()
	switch {
	case want == "" && len(r.Failures) > 0:
		t.Errorf("failures %+v", r.Failures)
	case want != "" && (len(r.Failures) != 1 || r.Failures[0].Code != plimsoll.FailurePackages || !strings.Contains(r.Failures[0].Detail, want)):
		t.Errorf("failures %+v, want one with %q", r.Failures, want)
	}
}

func TestAPK(t *testing.T) {
	musl := "C:Q1x=\nP:musl\nV:1.2.5-r0\nA:x86_64\no:musl\nF:lib\nR:libc.so\na:0:0:755\n\n"
	libs := "P:libcrypto3\nV:3.3.2-r0\nA:x86_64\no:openssl\n"
	want := []plimsoll.Package{
		{Name: "libcrypto3", Version: "3.3.2-r0", Arch: "x86_64", Source: "openssl"},
		{Name: "musl", Version: "1.2.5-r0", Arch: "x86_64"},
	}
	tests := []struct {
		name, body string
		want       []plimsoll.Package
		failure    string
	}{
		{"two", musl + libs, want, ""},
		{"empty", "", nil, ""},
		{"a long line", "P:musl\np:" + strings.Repeat("so:x ", 100_000) + "\nV:1.2.5-r0\nA:x86_64\n\n" + libs, want, ""},
		{"malformed", musl + "no colon\n\n" + libs, want[1:], "read apk database, 1 packages before"},
		{"without a version", musl + "P:x\n\n" + libs, want, "1 packages without name or version"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := analyzeFile(t, apkInstalled2, test.body)
			want := []plimsoll.PackageFile{{Path: apkInstalled2, Format: plimsoll.FormatAPK, Packages: test.want}}
			if diff := cmp.Diff(want, got.Packages); diff != "" {
				t.Error(diff)
			}
			checkFailure(t, got, test.failure)
		})
	}
}

func TestTooManyPackages(t *testing.T) {
	_, _, err := New().parseDatabase(t.Context(), dpkgStatus, newSection(strings.Repeat(bashStanza+"\n", 11)), 10)
	if plimsoll.FailureOf(err) != plimsoll.FailureOversized {
		t.Errorf("dpkg: %v", err)
	}
	list, _, err := New().parseDatabase(t.Context(), apkInstalled, newSection(strings.Repeat("P:a\nV:1\n\n", 11)), 10)
	if plimsoll.FailureOf(err) != plimsoll.FailureOversized || len(list) != 10 {
		t.Errorf("apk: %d packages, %v", len(list), err)
	}
}

func TestWants(t *testing.T) {
	wanted := map[string]bool{
		"var/lib/dpkg/status": true, "var/lib/dpkg/status-old": false, "var/lib/dpkg/status.d/tzdata": true,
		"var/lib/dpkg/status.d/tzdata.md5sums": false, "var/lib/dpkg/status.d/x/y": false, "lib/apk/db/installed": true,
		"usr/lib/apk/db/installed": true, "home/lib/apk/db/installed": false, "etc/os-release": true,
		"opt/x/os-release": true, "etc/lsb-release": false, "var/lib/rpm/Packages": true, "var/lib/rpm/Name": false,
		"usr/lib/sysimage/rpm/rpmdb.sqlite": true, "usr/lib/sysimage/rpm/Packages.db": true, "var/lib/rpm/rpmdb.sqlite-shm": false,
	}
	for path, want := range wanted {
		if New().Wants(plimsoll.Entry{Path: path}) != want {
			t.Errorf("Wants(%s) is %v", path, !want)
		}
	}
	if New().Wants(plimsoll.Entry{Path: "opt/os-release", Size: 1 << 20}) {
		t.Error("a large file elsewhere is wanted")
	}
	big := analyzeFile(t, "etc/os-release", strings.Repeat("#", 1<<20))
	if len(big.Failures) != 1 || big.Failures[0].Code != plimsoll.FailureOversized {
		t.Errorf("a large etc/os-release: %+v", big.Failures)
	}
}

func FuzzDpkg(f *testing.F) {
	f.Add([]byte(bashStanza))
	f.Add([]byte("Package: a\n b\n\n\nStatus: x y installed\nVersion: \n"))
	f.Fuzz(func(t *testing.T, raw []byte) { fuzzDatabase(t, dpkgStatus, raw) })
}

func FuzzAPK(f *testing.F) {
	f.Add([]byte("P:musl\nV:1\nA:x86_64\no:musl\n\nP:b\nV:2\n"))
	f.Fuzz(func(t *testing.T, raw []byte) { fuzzDatabase(t, apkInstalled, raw) })
}

func newSection(s string) *io.SectionReader {
	return io.NewSectionReader(strings.NewReader(s), 0, int64(len(s)))
}

func fuzzDatabase(t *testing.T, path string, raw []byte) {
	silenceLibraryLog()
	list, _, _ := New().parseDatabase(t.Context(), path, newSection(string(raw)), 1000)
	if len(list) > 1000 {
		t.Fatalf("%d packages", len(list))
	}
	for _, p := range list {
		if p.Name == "" || p.Version == "" {
			t.Errorf("package %+v", p)
		}
		if u := Complete(p, plimsoll.FormatDpkg, nil).PURL; strings.ContainsAny(u, " \n\"<") {
			t.Errorf("purl %q", u)
		}
	}
}

func TestOSRelease(t *testing.T) {
	tests := []struct {
		name, body, ecosystem string
		want                  plimsoll.OSRelease
	}{
		{"debian", "PRETTY_NAME=\"Debian GNU/Linux 11 (bullseye)\"\nVERSION_ID=\"11\"\nVERSION_CODENAME=bullseye\nID=debian\n", "Debian:11",
			plimsoll.OSRelease{ID: "debian", VersionID: "11", Codename: "bullseye", PrettyName: "Debian GNU/Linux 11 (bullseye)"}},
		{"ubuntu", "ID=ubuntu\nID_LIKE=debian\nVERSION_ID='22.04'\n", "Ubuntu:22.04", plimsoll.OSRelease{ID: "ubuntu", IDLike: "debian", VersionID: "22.04"}},
		{"alpine", "ID=alpine\r\nVERSION_ID=3.20.3\r\n", "Alpine:v3.20", plimsoll.OSRelease{ID: "alpine", VersionID: "3.20.3"}},
		{"alpine edge", "ID=alpine\nVERSION_ID=3.22.0_alpha20250108\n", "Alpine:edge", plimsoll.OSRelease{ID: "alpine", VersionID: "3.22.0_alpha20250108"}},
		{"alpine candidate", "ID=alpine\nVERSION_ID=3.20.0_rc1\n", "Alpine:v3.20", plimsoll.OSRelease{ID: "alpine", VersionID: "3.20.0_rc1"}},
		{"debian unstable", "ID=debian\nVERSION_CODENAME=sid\n", "", plimsoll.OSRelease{ID: "debian", Codename: "sid"}},
		{"derivative", "ID=kali\nID_LIKE=debian\nVERSION_ID=2024.1\n", "", plimsoll.OSRelease{ID: "kali", IDLike: "debian", VersionID: "2024.1"}},
		{"quoting", `PRETTY_NAME="a \"b\" \$c \x"` + "\n" + `ID='x"y'` + "\nVERSION_ID=1 # comment\nVERSION_CODENAME=a\\ b\n", "",
			plimsoll.OSRelease{ID: `x"y`, VersionID: "1", Codename: "a b", PrettyName: `a "b" $c \x`}},
		{"not assignments", "# ID=no\nID\n =x\nID=\"open\nVERSION_ID=\"1\" 2\nPRETTY_NAME=a\x1bb\n", "", plimsoll.OSRelease{}},
		{"hostile version", "ID=debian\nVERSION_ID=11:x\n", "", plimsoll.OSRelease{ID: "debian", VersionID: "11:x"}},
		{"the last one wins", "ID=a\nID=b\n", "", plimsoll.OSRelease{ID: "b"}},
		{"empty", "", "", plimsoll.OSRelease{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseOSRelease(strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if e := Ecosystem(got); e != test.ecosystem {
				t.Errorf("ecosystem %q, want %q", e, test.ecosystem)
			}
		})
	}
}

func FuzzOSRelease(f *testing.F) {
	f.Add("ID=\"a\"\nVERSION_ID='1'\nPRETTY_NAME=\\")
	f.Fuzz(func(t *testing.T, raw string) {
		o, err := ParseOSRelease(io.LimitReader(strings.NewReader(raw), 1<<20))
		if err != nil {
			return
		}
		for _, v := range []string{o.ID, o.IDLike, o.VersionID, o.Codename, o.PrettyName} {
			if len(v) > 4*maxValue || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' }) {
				t.Errorf("value %q", v)
			}
		}
		Ecosystem(o)
	})
}

func TestComplete(t *testing.T) {
	debian := &plimsoll.OSRelease{ID: "debian", VersionID: "11"}
	alpine := &plimsoll.OSRelease{ID: "alpine", VersionID: "3.20.3"}
	alma := &plimsoll.OSRelease{ID: "almalinux", VersionID: "9.2"}
	tests := []struct {
		pkg       plimsoll.Package
		format    plimsoll.PackageFormat
		release   *plimsoll.OSRelease
		ecosystem string
		purl      string
	}{
		{plimsoll.Package{Name: "curl", Version: "7.74.0-1.3+deb11u14", Arch: "amd64"}, plimsoll.FormatDpkg, debian,
			"Debian:11", "pkg:deb/debian/curl@7.74.0-1.3%2Bdeb11u14?arch=amd64&distro=debian-11"},
		{plimsoll.Package{Name: "libstdc++6", Version: "1:10.2~rc1-6", Arch: "all"}, plimsoll.FormatDpkg, debian,
			"Debian:11", "pkg:deb/debian/libstdc%2B%2B6@1:10.2~rc1-6?arch=all&distro=debian-11"},
		{plimsoll.Package{Name: "musl", Version: "1.2.5-r0", Arch: "x86_64"}, plimsoll.FormatAPK, alpine,
			"Alpine:v3.20", "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20.3"},
		{plimsoll.Package{Name: "openssl-libs", Version: "1:1.0.2k-12.el9", Arch: "x86_64"}, plimsoll.FormatRPM, alma,
			"AlmaLinux:9", "pkg:rpm/almalinux/openssl-libs@1.0.2k-12.el9?arch=x86_64&distro=almalinux-9.2&epoch=1"},
		{plimsoll.Package{Name: "perl-CPAN", Version: "2-1"}, plimsoll.FormatRPM, &plimsoll.OSRelease{ID: "sles", VersionID: "15.5"},
			"SUSE:Linux Enterprise Server 15 SP5", "pkg:rpm/suse/perl-CPAN@2-1?distro=sles-15.5"},
		{plimsoll.Package{Name: "curl", Version: "1"}, plimsoll.FormatDpkg, alma, "", "pkg:deb/almalinux/curl@1?distro=almalinux-9.2"},
		{plimsoll.Package{Name: "curl", Version: "1"}, plimsoll.FormatDpkg, nil, "", "pkg:deb/curl@1"},
		{plimsoll.Package{Name: "curl", Version: "1"}, plimsoll.FormatDpkg, &plimsoll.OSRelease{}, "", "pkg:deb/curl@1"},
		{plimsoll.Package{Name: "a/b ?#@\"", Version: "é"}, plimsoll.FormatDpkg, nil, "", "pkg:deb/a%2Fb%20%3F%23%40%22@%C3%A9"},
	}
	for _, test := range tests {
		want := test.pkg
		want.Ecosystem, want.PURL = test.ecosystem, test.purl
		if diff := cmp.Diff(want, Complete(test.pkg, test.format, test.release)); diff != "" {
			t.Error(diff)
		}
	}
}

func newSet(t *testing.T, analyzers []analyze.Analyzer) *analyze.Set {
	t.Helper()
	set, err := analyze.NewSet(analyzers)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
