package baseline

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/analyze"
)

type file struct {
	plimsoll.Entry
	body string
}

func facts(t *testing.T, files ...file) plimsoll.LayerReport {
	t.Helper()
	run := ready(t, []analyze.Analyzer{New()}).Run(t.Context(), plimsoll.DefaultBudget(), nil)
	for _, f := range files {
		f.Size = int64(len(f.body))
		if err := run.Visit(f.Entry, strings.NewReader(f.body)); err != nil {
			t.Fatal(err)
		}
	}
	reports, _ := run.Reports()
	return reports[0]
}

func TestFacts(t *testing.T) {
	entry := func(path string, kind plimsoll.EntryType, mode uint32) file {
		return file{Entry: plimsoll.Entry{Path: path, Type: kind, Mode: mode}}
	}
	passwd := entry(PasswdPath, plimsoll.EntryFile, 0o644)
	passwd.body = "root:x:0:0:root:/root:/bin/sh\n# comment\n\n+::::::\nopen::7:7::/:\n"
	shadow := entry(ShadowPath, plimsoll.EntryFile, 0o600)
	shadow.body = "root:$6$salt$secret:19000:0:99999:7:::\nopen::19000:0:99999:7:::\nlocked:*:1::::::\n"
	got := facts(t, passwd, shadow,
		entry("bin/su", plimsoll.EntryFile, 0o4755), entry("bin/su2", plimsoll.EntryHardlink, 0o755), entry("bin/ls", plimsoll.EntryFile, 0o755),
		entry("a", plimsoll.EntryFile, 0o666), entry("l", plimsoll.EntrySymlink, 0o777), entry("dev/x", plimsoll.EntryOther, 0o666),
		entry("tmp", plimsoll.EntryDir, 0o1777), entry("open", plimsoll.EntryDir, 0o777), entry("games", plimsoll.EntryDir, 0o2755),
		entry("twice", plimsoll.EntryFile, 0o4755), entry("twice", plimsoll.EntryFile, 0o755), entry("x/.wh.y", plimsoll.EntryFile, 0o666),
		file{Entry: plimsoll.Entry{Path: "hard", Type: plimsoll.EntryHardlink, Link: "bin/su", Mode: 0o755}})
	want := plimsoll.LayerReport{
		Analyzer: plimsoll.AnalyzerID{Name: Name, Version: version},
		Accounts: []plimsoll.AccountFile{
			{Path: PasswdPath, Accounts: []plimsoll.Account{{Name: "root", Shell: "/bin/sh"}, {Name: "open", UID: 7, EmptyPassword: true}}},
			{Path: ShadowPath, Accounts: []plimsoll.Account{{Name: "root", UID: -1}, {Name: "open", UID: -1, EmptyPassword: true}, {Name: "locked", UID: -1}}},
		},
		Modes: []plimsoll.FileMode{
			{Path: "a", Mode: 0o666}, {Path: "bin/su", Mode: 0o4755}, {Path: "hard", Mode: 0o4755}, {Path: "open", Mode: 0o777, Dir: true},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s := fmt.Sprintf("%+v", got); strings.Contains(s, "secret") || strings.Contains(s, "salt") {
		t.Error("the report holds a password hash")
	}
}

func TestAccountFilesThatAreNone(t *testing.T) {
	for body, want := range map[string]string{
		"root:x:0:0:root:/root:/bin/sh\nnonsense\n:x:1:1:::\n": "2 lines are not accounts, the first is line 2",
		"root:x:zero:0:root:/root:/bin/sh\n":                   "1 lines are not accounts, the first is line 1",
		"a:x:1:1:::\n" + strings.Repeat("x", 5000):             "line 2 is longer than 4096 bytes",
	} {
		_, err := ParsePasswd(strings.NewReader(body))
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := ParseShadow(strings.NewReader("root\n")); err == nil {
		t.Error("a shadow line of one field passes")
	}
}

func TestChecks(t *testing.T) {
	user := func(u string) analyze.Image { return analyze.Image{Config: &plimsoll.ImageConfig{User: u}} }
	accounts := func(path string, list ...plimsoll.Account) analyze.Image {
		return analyze.Image{Accounts: []plimsoll.AccountFile{{Path: path, Accounts: list}}}
	}
	modes := func(list ...plimsoll.FileMode) analyze.Image { return analyze.Image{Modes: list} }
	failed := func(path string) analyze.Image {
		return analyze.Image{Failures: []plimsoll.FileFailure{{Path: path, Detail: "bad"}}}
	}
	root := plimsoll.Account{Name: "root"}
	const pass, fail, none, blind = plimsoll.SettingPass, plimsoll.SettingFailed, plimsoll.SettingNotApplicable, plimsoll.SettingNotLooked
	tests := []struct {
		rule     string
		image    analyze.Image
		want     plimsoll.SettingResult
		evidence []string
	}{
		{"image.user", analyze.Image{}, blind, nil},
		{"image.user", user(""), fail, []string{"no USER is set"}},
		{"image.user", user("root"), fail, []string{"USER root"}},
		{"image.user", user("0:0"), fail, []string{"USER 0:0"}},
		{"image.user", user("00"), fail, []string{"USER 00"}},
		{"image.user", user(":7"), fail, []string{"no USER is set"}},
		{"image.user", user("1000"), pass, nil},
		{"image.user", user("nobody:root"), pass, nil},
		{"account.empty_password", analyze.Image{}, none, nil},
		{"account.empty_password", accounts(ShadowPath, root), pass, nil},
		{"account.empty_password", accounts(ShadowPath, plimsoll.Account{Name: "a\x1b", EmptyPassword: true}), fail, []string{`etc/shadow: a\x1b has an empty password`}},
		{"account.empty_password", accounts(PasswdPath, plimsoll.Account{Name: "a", EmptyPassword: true}), fail, []string{"etc/passwd: a has an empty password"}},
		{"account.empty_password", failed(ShadowPath), blind, []string{"etc/shadow: bad"}},
		{"account.extra_root", analyze.Image{}, none, nil},
		{"account.extra_root", failed(ShadowPath), none, nil},
		{"account.extra_root", failed(PasswdPath), blind, []string{"etc/passwd: bad"}},
		{"account.extra_root", accounts(PasswdPath, root), pass, nil},
		{"account.extra_root", accounts(PasswdPath, root, plimsoll.Account{Name: "toor"}), fail, []string{"etc/passwd: toor has user id 0"}},
		{"file.world_writable", analyze.Image{}, pass, nil},
		{"file.world_writable", failed(PasswdPath), pass, nil},
		{"file.world_writable", failed(""), blind, []string{"bad"}},
		{"file.world_writable", modes(plimsoll.FileMode{Path: "tmp/x", Mode: 0o666}, plimsoll.FileMode{Path: "opt", Mode: 0o777, Dir: true}), pass, nil},
		{"file.world_writable", modes(plimsoll.FileMode{Path: "app/x", Mode: 0o666}), fail, []string{"0666 app/x"}},
		{"file.setuid_unknown", modes(plimsoll.FileMode{Path: "bin/su", Mode: 0o4755}, plimsoll.FileMode{Path: "usr/sbin/unix_chkpwd", Mode: 0o4755},
			plimsoll.FileMode{Path: "usr/lib/openssh/ssh-keysign", Mode: 0o4755}, plimsoll.FileMode{Path: "usr/bin/wall", Mode: 0o2755}), pass, nil},
		{"file.setuid_unknown", modes(plimsoll.FileMode{Path: "opt/su", Mode: 0o4755}, plimsoll.FileMode{Path: "usr/bin/bash", Mode: 0o4755}), fail, []string{"4755 opt/su", "4755 usr/bin/bash"}},
	}
	for _, test := range tests {
		for _, c := range Checks() {
			if c.ID() != test.rule {
				continue
			}
			got := c.Run(test.image)
			if got.Result != test.want {
				t.Errorf("%s of %+v is %s, want %s", test.rule, test.image, got.Result, test.want)
			}
			if diff := cmp.Diff(test.evidence, got.Evidence); diff != "" {
				t.Errorf("%s: %s", test.rule, diff)
			}
		}
	}
}

func TestEvidenceIsBounded(t *testing.T) {
	var image analyze.Image
	for i := range 50 {
		image.Modes = append(image.Modes, plimsoll.FileMode{Path: fmt.Sprint("x", i), Mode: 0o4777})
	}
	for _, c := range Checks() {
		s := c.Run(image)
		if len(s.Evidence) > maxEvidence || s.Rule != c.ID() || s.Title == "" || s.Advice == "" || s.Severity == "" {
			t.Errorf("setting %+v", s)
		}
		if strings.HasPrefix(s.Rule, "file.") && s.Evidence[maxEvidence-1] != "and 31 more" {
			t.Errorf("%s ends in %q", s.Rule, s.Evidence[len(s.Evidence)-1])
		}
	}
}

func FuzzPasswd(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/sh\n+\nopen::7:7::/:")
	f.Fuzz(func(t *testing.T, raw string) {
		list, _ := ParsePasswd(strings.NewReader(raw))
		for _, a := range list {
			if a.Name == "" || a.UID < 0 {
				t.Errorf("account %+v", a)
			}
		}
	})
}

func FuzzShadow(f *testing.F) {
	f.Add("root:$6$a$b:1:0:99999:7:::\nopen::\n")
	f.Fuzz(func(t *testing.T, raw string) {
		list, _ := ParseShadow(strings.NewReader(raw))
		for _, a := range list {
			if a.Name == "" || a.UID != -1 || a.Shell != "" {
				t.Errorf("account %+v", a)
			}
		}
	})
}

func ready(t *testing.T, analyzers []analyze.Analyzer) *analyze.Set {
	t.Helper()
	set, err := analyze.NewSet(analyzers)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
