package baseline

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"plimsoll"
	"plimsoll/analyze"
)

var updateGolden = flag.Bool("update", false, "write docs/rules.md, and the evidence of samples that have no .want file")

// everyImage are the rules that apply to every image, so that they have no sample "none".
var everyImage = []string{
	"image.user", "file.world_writable", "file.open_directory", "file.temporary_directory", "file.open_program", "file.open_settings",
}

// TestRules reads testdata/rules, which has one archive per rule. A folder of an archive is a sample
// image; its name begins with the expected result: fail, pass, none (does not apply) or blind (not
// looked). Beside the files of the image a sample may contain
//
//	.config  the image config, as JSON
//	.modes   "4755 0 usr/bin/x": mode, user id, path; a directory ends in a slash
//	.want    for fail and blind: the evidence, one per line
func TestRules(t *testing.T) {
	left, err := filepath.Glob("testdata/rules/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(allRules()) < 80 {
		t.Errorf("%d rules", len(allRules()))
	}
	for _, r := range allRules() {
		name := "testdata/rules/" + r.id + ".txtar"
		left = slices.DeleteFunc(left, func(f string) bool { return f == name })
		t.Run(r.id, func(t *testing.T) { testRule(t, r, name) })
	}
	if len(left) > 0 {
		t.Errorf("samples of no rule: %v", left)
	}
}

func testRule(t *testing.T, r rule, name string) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	samples, order := map[string]map[string]string{}, []string{}
	for _, f := range archive.Files {
		sample, path, _ := strings.Cut(f.Name, "/")
		if samples[sample] == nil {
			samples[sample] = map[string]string{}
			order = append(order, sample)
		}
		samples[sample][path] = string(f.Data)
	}
	needed := []string{"fail", "pass", "none"}
	if slices.Contains(everyImage, r.id) {
		needed = needed[:2]
	}
	for _, sample := range needed {
		if samples[sample] == nil {
			t.Errorf("no sample %q", sample)
		}
	}
	changed := false
	for _, sample := range order {
		got := r.Run(sampleImage(t, samples[sample]))
		kind, _, _ := strings.Cut(sample, "-")
		want := map[string]plimsoll.SettingResult{
			"fail": plimsoll.SettingFailed, "pass": plimsoll.SettingPass, "none": plimsoll.SettingNotApplicable, "blind": plimsoll.SettingNotLooked,
		}[kind]
		if got.Result != want {
			t.Errorf("%s is %s, want %s: %v", sample, got.Result, want, got.Evidence)
		}
		evidence := strings.Join(append(slices.Clone(got.Evidence), ""), "\n")
		if strings.Contains(evidence, "hunter2") {
			t.Errorf("%s shows a secret: %s", sample, evidence)
		}
		wantEvidence, ok := samples[sample][".want"]
		switch {
		case !ok && *updateGolden && evidence != "":
			archive.Files = append(archive.Files, txtar.File{Name: sample + "/.want", Data: []byte(evidence)})
			changed = true
		case wantEvidence != evidence:
			t.Errorf("%s found\n%swant\n%s", sample, evidence, wantEvidence)
		}
	}
	if changed {
		if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// sampleImage returns the facts that the analyzer finds in a sample.
func sampleImage(t *testing.T, files map[string]string) analyze.Image {
	t.Helper()
	var image analyze.Image
	run := startRun(t)
	visit := func(e plimsoll.Entry, body string) {
		t.Helper()
		e.Size = int64(len(body))
		if err := run.Visit(e, strings.NewReader(body)); err != nil {
			t.Fatal(err)
		}
	}
	modes := sampleModes(t, files[".modes"])
	for path, body := range files {
		switch path {
		case ".config":
			image.Config = new(plimsoll.ImageConfig)
			if err := json.Unmarshal([]byte(body), image.Config); err != nil {
				t.Fatal(err)
			}
		case ".modes", ".want":
		default:
			e := plimsoll.Entry{Path: path, Mode: 0o644}
			if m, ok := modes[path]; ok {
				e = m
				delete(modes, path)
			}
			visit(e, body)
		}
	}
	for _, e := range modes {
		visit(e, "")
	}
	reports, _ := run.Reports()
	image.Accounts, image.Configs, image.Modes, image.Failures = reports[0].Accounts, reports[0].Configs, reports[0].Modes, reports[0].Failures
	return image
}

func sampleModes(t *testing.T, text string) map[string]plimsoll.Entry {
	t.Helper()
	entries := map[string]plimsoll.Entry{}
	for line := range strings.Lines(text) {
		var mode, path string
		var uid int
		if _, err := fmt.Sscan(line, &mode, &uid, &path); err != nil {
			t.Fatal(err)
		}
		bits, err := strconv.ParseUint(mode, 8, 32)
		if err != nil {
			t.Fatal(err)
		}
		e := plimsoll.Entry{Path: strings.TrimSuffix(path, "/"), Mode: uint32(bits), UID: uid}
		if strings.HasSuffix(path, "/") {
			e.Type = plimsoll.EntryDir
		}
		entries[e.Path] = e
	}
	return entries
}

// TestRulesAreComplete checks that every rule has all its texts.
func TestRulesAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range allRules() {
		about := r.Rule()
		if seen[about.ID] || strings.ToLower(about.ID) != about.ID || !strings.Contains(about.ID, ".") {
			t.Errorf("id %q", about.ID)
		}
		seen[about.ID] = true
		if about.Check == "" || about.Kind == "" || about.Title == "" || len(about.References) == 0 || len(about.Standards) == 0 {
			t.Errorf("%s is not complete: %+v", r.id, about)
		}
		if !slices.Contains(plimsoll.Severities(), about.Severity) || about.Severity == plimsoll.SeverityUnknown {
			t.Errorf("%s has severity %q", r.id, about.Severity)
		}
		for _, text := range []string{about.Description, about.Advice} {
			if len(text) < 10 || !strings.HasSuffix(text, ".") {
				t.Errorf("%s: text %q", r.id, text)
			}
		}
		if strings.HasSuffix(about.Title, ".") {
			t.Errorf("%s has the title %q", r.id, about.Title)
		}
	}
}

// TestRulesAreDocumented compares docs/rules.md with the rules; -update writes it.
func TestRulesAreDocumented(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Rules\n\nWhat images are checked for. Made from the rules by `go test ./analyze/baseline -run Documented -update`.\n\n" +
		"A rule passes, fails, does not apply, or says that it could not look. `unsafe_setting_num` of an image is the number of\n" +
		"rules that failed; those about weak passwords and password complexity are counted apart. Standards: *practice* is what\n" +
		"providers of container platforms and the CIS benchmarks recommend, *protection* is GB/T 22239-2019.\n")
	family := ""
	for _, about := range Rules() {
		if about.Check != family {
			family = about.Check
			fmt.Fprintf(&b, "\n## %s\n", family)
		}
		var standards []string
		for _, s := range about.Standards {
			standards = append(standards, string(s))
		}
		fmt.Fprintf(&b, "\n### %s\n\n**%s.** Severity %s; %s.\n\n%s\n\nWhat to do: %s\n\nSources: %s.\n", about.ID, about.Title, about.Severity, strings.Join(standards, ", "),
			about.Description, about.Advice, strings.Join(about.References, "; "))
	}
	path := filepath.Join("..", "..", "docs", "rules.md")
	if *updateGolden {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(raw) != b.String() {
		t.Errorf("%s is behind the rules; run go test ./analyze/baseline -run Documented -update", path)
	}
}
