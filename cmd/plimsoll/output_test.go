package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jedib0t/go-pretty/v6/text"
	"pgregory.net/rapid"

	"plimsoll"
	"plimsoll/app/imagescan"
	"plimsoll/app/terminal"
)

// TestJSONKeepsHostileText: what is printed has nothing in it that drives a terminal, and
// reads back as what it was.
func TestJSONKeepsHostileText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := map[string]string{rapid.String().Draw(t, "key"): rapid.StringOf(rapid.OneOf(rapid.Rune(),
			rapid.RuneFrom([]rune("\x1b\u009b\u202e\u2066\u2028\U000e0041\U0001d173\n\r\x7f\"\\")))).Draw(t, "value")}
		var out bytes.Buffer
		if err := (&application{out: &out}).printJSON(want); err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexFunc(out.String(), func(r rune) bool { return r != '\n' && terminal.IsHostile(r) }); i >= 0 {
			t.Fatalf("%q at %d", out.String(), i)
		}
		var got map[string]string
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	})
}

// TestColour paints for terminals only, and not where NO_COLOR is set.
func TestColour(t *testing.T) {
	text.EnableColors()
	env := map[string]string{}
	a := &application{out: &bytes.Buffer{}, env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	if got := a.colour("x", text.FgRed); got != "x" {
		t.Errorf("to a buffer: %q", got)
	}
	tty, err := os.OpenFile("/dev/null", os.O_WRONLY, 0) // a character device, as a terminal is
	if err != nil {
		t.Skip("needs /dev/null")
	}
	defer tty.Close()
	a.out = tty
	if got := a.colour("x", text.FgRed); got != "\x1b[31mx\x1b[0m" {
		t.Errorf("to a terminal: %q", got)
	}
	env["NO_COLOR"] = "1"
	if got := a.colour("x", text.FgRed); got != "x" {
		t.Errorf("with NO_COLOR: %q", got)
	}
	env["NO_COLOR"] = ""
	if got := a.colour("x", text.FgRed); got == "x" {
		t.Error("an empty NO_COLOR does not count (no-color.org)")
	}
}

func TestProgress(t *testing.T) {
	steps := func(p *progress) {
		p.stage("sync hub", "0 of 1")
		p.stage("sync hub", "1 of 1")
		p.stage("scan \x1bhub", "0 of 9")
		p.done()
		p.done()
	}
	var plain bytes.Buffer
	steps(&progress{w: &plain})
	if want := "sync hub 0 of 1\nscan ?hub 0 of 9\n"; plain.String() != want {
		t.Errorf("off a terminal: %q", plain.String())
	}
	var live bytes.Buffer
	steps(&progress{w: &live, live: true})
	if want := "\r\x1b[Ksync hub 0 of 1\r\x1b[Ksync hub 1 of 1\r\x1b[Kscan ?hub 0 of 9\r\x1b[K"; live.String() != want {
		t.Errorf("on a terminal: %q", live.String())
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 2_345_678: "2.3 MB", 1 << 62: "4.6 EB"} {
		if got := bytesText(n); got != want {
			t.Errorf("bytesText(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestSummary(t *testing.T) {
	images := []plimsoll.Image{
		{Counts: &plimsoll.Counts{Vulnerabilities: 7}}, {Counts: &plimsoll.Counts{Vulnerabilities: 1, Malware: 2}}, {Counts: &plimsoll.Counts{}}, {},
	}
	if got, want := summaryText(images), ": 2 with vulnerabilities, 1 with malware, 1 not judged"; got != want {
		t.Errorf("summary is %q, want %q", got, want)
	}
	if got := summaryText(images[2:3]); got != "" {
		t.Errorf("nothing to say, but said %q", got)
	}
}

func TestVerdict(t *testing.T) {
	finding := imagescan.Result{Vulnerabilities: []imagescan.Vulnerability{{ID: "CVE-1", Severity: plimsoll.SeverityMedium}}}
	unknown := imagescan.Result{Vulnerabilities: []imagescan.Vulnerability{{ID: "CVE-1", Severity: plimsoll.SeverityUnknown}}}
	shadowed := imagescan.Result{Malware: []plimsoll.Malware{{Kind: plimsoll.MalwareMatch, Shadowed: true}, {Kind: plimsoll.MalwareNotLooked}}}
	infected := imagescan.Result{Malware: []plimsoll.Malware{{Kind: plimsoll.MalwareMatch}}}
	unsafe := imagescan.Result{Settings: []plimsoll.Setting{{Result: plimsoll.SettingPass}, {Result: plimsoll.SettingFailed}}}
	partly := finding
	partly.NotJudged = []plimsoll.NotJudged{{Reason: plimsoll.NotJudgedVersion}}
	broken := errors.New("could not look")
	tests := []struct {
		name    string
		result  imagescan.Result
		failOn  string
		failure error
		allow   bool
		want    int
	}{
		{"no threshold", finding, "", nil, false, exitOK},
		{"below", finding, "high", nil, false, exitOK},
		{"at", finding, "medium", nil, false, exitThreshold},
		{"above", finding, "low", nil, false, exitThreshold},
		{"unknown severity is not low", unknown, "low", nil, false, exitOK},
		{"unknown severity is a finding", unknown, "any", nil, false, exitThreshold},
		{"no malware", finding, "malware", nil, false, exitOK},
		{"malware that was removed", shadowed, "malware", nil, false, exitOK},
		{"malware", infected, "malware", nil, false, exitThreshold},
		{"malware is a finding", infected, "any", nil, false, exitThreshold},
		{"malware has no severity", infected, "low", nil, false, exitOK},
		{"a failed setting is a finding", unsafe, "any", nil, false, exitThreshold},
		{"not judged", partly, "", nil, false, exitError},
		{"not judged but allowed", partly, "", nil, true, exitOK},
		{"not judged and a threshold", partly, "medium", nil, false, exitThreshold},
		{"failed", finding, "", broken, true, exitError},
		{"failed and a threshold", finding, "medium", broken, false, exitError},
	}
	for _, tt := range tests {
		limit, err := parseThreshold(tt.failOn)
		if err != nil {
			t.Fatal(err)
		}
		got := exitOK
		switch err := checkResult(tt.result, limit, tt.failure, tt.allow); {
		case errors.Is(err, errThreshold):
			got = exitThreshold
		case err != nil:
			got = exitError
		}
		if got != tt.want {
			t.Errorf("%s: exit %d, want %d", tt.name, got, tt.want)
		}
	}
}

// TestMaliciousPackageMeetsMalware: a malicious package is malware, and no vulnerability.
func TestMaliciousPackageMeetsMalware(t *testing.T) {
	r := imagescan.Result{Malware: []plimsoll.Malware{{Path: "app/package.json", Kind: plimsoll.MalwarePackage, Rule: "MAL-2026-1", Engine: "advisories"}}}
	if !(threshold{malware: true}).isMet(r) || (threshold{severity: plimsoll.SeverityLow}).isMet(r) {
		t.Error("a malicious package is malware, and no vulnerability")
	}
}
