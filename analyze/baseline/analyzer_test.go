package baseline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/analyze"
)

type testFile struct {
	plimsoll.Entry
	body string
}

func newEntry(path string, kind plimsoll.EntryType, mode uint32) testFile {
	return testFile{Entry: plimsoll.Entry{Path: path, Type: kind, Mode: mode}}
}

func withBody(f testFile, body string) testFile {
	f.body = body
	return f
}

func analyzeFiles(t *testing.T, files ...testFile) plimsoll.LayerReport {
	t.Helper()
	run := startRun(t)
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
	got := analyzeFiles(t,
		withBody(newEntry(PasswdPath, plimsoll.EntryFile, 0o644), "root:x:0:0:root:/root:/bin/sh\n# comment\n\n+::::::\nopen::7:7::/:\n"),
		withBody(newEntry(ShadowPath, plimsoll.EntryFile, 0o600), "root:$9$salt$secret:19000:0:99999:7:::\nopen::19000:0:99999:7:::\nlocked:*:1::::::\n"),
		withBody(newEntry(GroupPath, plimsoll.EntryFile, 0o644), "root:x:0:\nops:x:9:a, b\n"),
		newEntry("bin/su", plimsoll.EntryFile, 0o4755), newEntry("bin/su2", plimsoll.EntryHardlink, 0o755), newEntry("bin/ls", plimsoll.EntryFile, 0o755),
		newEntry("a", plimsoll.EntryFile, 0o666), newEntry("l", plimsoll.EntrySymlink, 0o777), newEntry("dev/x", plimsoll.EntryOther, 0o666),
		newEntry("tmp", plimsoll.EntryDir, 0o1777), newEntry("open", plimsoll.EntryDir, 0o777), newEntry("games", plimsoll.EntryDir, 0o2755),
		newEntry("twice", plimsoll.EntryFile, 0o4755), newEntry("twice", plimsoll.EntryFile, 0o755), newEntry("x/.wh.y", plimsoll.EntryFile, 0o666),
		testFile{Entry: plimsoll.Entry{Path: "hard", Type: plimsoll.EntryHardlink, Link: "bin/su", Mode: 0o755}},
		withBody(newEntry("etc/login.defs", plimsoll.EntryFile, 0o644), "UMASK 022\n"),
		withBody(newEntry("srv/a.sh", plimsoll.EntryFile, 0o755), strings.Repeat("x", maxScriptBytes+1)),
		withBody(newEntry("srv/b.sh", plimsoll.EntryFile, 0o755), "echo\n"), newEntry("srv/b.sh", plimsoll.EntryDir, 0o755),
		withBody(newEntry("srv/x.pem", plimsoll.EntryFile, 0o644), "-----BEGIN CERTIFICATE-----\n"),
		newEntry("srv/k.p12", plimsoll.EntryFile, 0o600),
	)
	never := plimsoll.Ageing{Changed: 19000, Max: 99999, Warn: 7, Inactive: -1}
	want := plimsoll.LayerReport{
		Analyzer: plimsoll.AnalyzerID{Name: Name, Version: version},
		Accounts: []plimsoll.AccountFile{
			{Path: GroupPath, Groups: []plimsoll.Group{{Name: "root"}, {Name: "ops", GID: 9, Members: []string{"a", "b"}}}},
			{Path: PasswdPath, Legacy: 1, Accounts: []plimsoll.Account{{Name: "root", Home: "/root", Shell: "/bin/sh"}, {Name: "open", UID: 7, GID: 7, Home: "/", EmptyPassword: true}}},
			{Path: ShadowPath, Accounts: []plimsoll.Account{
				{Name: "root", UID: -1, Scheme: "unknown", Unchecked: "hashes of unknown are not checked", Ageing: &never},
				{Name: "open", UID: -1, EmptyPassword: true, Ageing: &never}, {Name: "locked", UID: -1},
			}},
		},
		Configs: []plimsoll.ConfigFile{
			{Path: "etc/login.defs", Kind: "login.defs", Lines: []plimsoll.ConfigLine{{Line: 1, Key: "UMASK", Args: []string{"022"}}}},
			{Path: "srv/a.sh", Kind: "script", Unread: "file of 262145 bytes, at most 262144 are read"},
			{Path: "srv/k.p12", Kind: "keystore"},
		},
		Modes: []plimsoll.FileMode{
			{Path: "a", Mode: 0o666}, {Path: "bin/su", Mode: 0o4755}, {Path: GroupPath, Mode: 0o644}, {Path: PasswdPath, Mode: 0o644}, {Path: ShadowPath, Mode: 0o600},
			{Path: "hard", Mode: 0o4755}, {Path: "open", Mode: 0o777, Dir: true}, {Path: "srv/x.pem", Mode: 0o644},
		},
		Hashes: []plimsoll.AccountHash{{Path: ShadowPath, User: "root", Hash: "$9$salt$secret", Changed: 19000}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	raw, err := json.Marshal(got)
	raw = fmt.Appendf(raw, "%v %+v %#v %v %q %x", got, got, got, got.Hashes, got.Hashes[0].Hash, got.Hashes[0].Hash)
	if err != nil || bytes.Contains(raw, []byte("secret")) || bytes.Contains(raw, []byte("salt")) {
		t.Errorf("the report contains a password hash: %s %v", raw, err)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	long := strings.Repeat("x", 20_000)
	got := analyzeFiles(t,
		withBody(newEntry("etc/sudoers", plimsoll.EntryFile, 0o440), "ann ALL=ALL\n"+long), withBody(newEntry("etc/cron.d/x", plimsoll.EntryFile, 0o644), strings.Repeat("#\n", 1<<20)),
		withBody(newEntry("srv/x.sh", plimsoll.EntryFile, 0o755), "umask 0\n"+long),
	)
	want := []plimsoll.FileFailure{
		{Path: "etc/sudoers", Code: plimsoll.FailureSettings, Detail: "line 2 is longer than 16384 bytes"},
		{Path: "etc/cron.d/x", Code: plimsoll.FailureOversized, Detail: "file of 2097152 bytes, at most 1048576 are read"},
	}
	if diff := cmp.Diff(want, got.Failures); diff != "" {
		t.Error(diff)
	}
	image := analyze.Image{Configs: got.Configs, Modes: got.Modes, Failures: got.Failures}
	for id, want := range map[string]plimsoll.SettingResult{
		"sudo.everybody": plimsoll.SettingNotLooked, "cron.download": plimsoll.SettingNotLooked, "ssh.root_login": plimsoll.SettingNotApplicable,
		"script.umask": plimsoll.SettingFailed, "script.search_path": plimsoll.SettingNotLooked, "file.world_writable": plimsoll.SettingPass,
		"trust.hosts": plimsoll.SettingNotApplicable,
	} {
		if s := runRule(t, id, image); s.Result != want {
			t.Errorf("%s is %s, want %s: %v", id, s.Result, want, s.Evidence)
		}
	}
	image.Failures = []plimsoll.FileFailure{{Detail: "more than 3 files"}}
	for _, r := range allRules() {
		s := r.Run(analyze.Image{Failures: image.Failures, Config: &plimsoll.ImageConfig{}})
		if s.Result == plimsoll.SettingPass || s.Result == plimsoll.SettingNotApplicable && !strings.HasPrefix(r.id, "image.") && !strings.HasPrefix(r.id, "build.") {
			t.Errorf("%s is %s though files were not looked at", r.id, s.Result)
		}
	}
}

func runRule(t *testing.T, id string, image analyze.Image) plimsoll.Setting {
	t.Helper()
	for _, r := range allRules() {
		if r.id == id {
			return r.Run(image)
		}
	}
	t.Fatalf("no rule %s", id)
	return plimsoll.Setting{}
}

func TestEvidenceIsBoundedAndPrintable(t *testing.T) {
	var image analyze.Image
	for i := range 50 {
		image.Modes = append(image.Modes, plimsoll.FileMode{Path: fmt.Sprint("x\x1b", i), Mode: 0o4777})
	}
	for _, c := range Checks() {
		s := c.Run(image)
		if len(s.Evidence) > maxEvidence || s.Rule != c.ID() || s.Title == "" || s.Advice == "" || s.Severity == "" {
			t.Errorf("setting %+v", s)
		}
		if strings.Contains(strings.Join(s.Evidence, ""), "\x1b") {
			t.Errorf("%s shows a control character", s.Rule)
		}
	}
	if s := runRule(t, "file.setuid_unknown", image); s.Evidence[maxEvidence-1] != "and 31 more" {
		t.Errorf("it ends in %q", s.Evidence[len(s.Evidence)-1])
	}
}

func TestBoundOnFacts(t *testing.T) {
	run := startRun(t)
	for i := range maxConfigs + 5 {
		e := plimsoll.Entry{Path: fmt.Sprintf("srv/%d.p12", i), Mode: 0o644}
		if err := run.Visit(e, strings.NewReader("")); err != nil {
			t.Fatal(err)
		}
	}
	reports, _ := run.Reports()
	if len(reports[0].Configs) != maxConfigs || len(reports[0].Failures) != 1 || reports[0].Failures[0].Path != "" {
		t.Errorf("%d files, failures %v", len(reports[0].Configs), reports[0].Failures)
	}
}

// startRun starts a pass of this analyzer alone.
func startRun(t *testing.T) *analyze.Run {
	t.Helper()
	set, err := analyze.NewSet([]analyze.Analyzer{New()})
	if err != nil {
		t.Fatal(err)
	}
	return set.Run(t.Context(), plimsoll.DefaultBudget(), nil)
}
