package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"plimsoll"
	"plimsoll/app/imagescan"
	"plimsoll/app/terminal"
)

// printScan shows what a scan found: the worst first, what passed not at all.
func (a *application) printScan(r imagescan.Result) error {
	if a.output == "json" {
		return a.printJSON(r)
	}
	fmt.Fprintf(a.out, "%s  %s  %s\n", terminal.Printable(r.Image), r.Artifact.Short(), terminal.Printable(r.Platform))
	infected := 0
	for _, m := range r.Malware {
		if isMalicious(m) {
			infected++
		}
	}
	_, err := fmt.Fprintf(a.out, "%d packages, %d vulnerabilities%s, %d malicious files, %d secrets, %d failed settings, %d packages not judged; advisories at revision %d, %s old\n",
		len(r.Packages)-r.Declared, countDistinct(r.Vulnerabilities), severitiesText(r.Vulnerabilities), infected, len(r.Secrets), countFailed(r.Settings), len(r.NotJudged), r.Advisories.Revision, ageText(r.Advisories.Age))
	if len(r.Without) > 0 {
		fmt.Fprintf(a.out, "not looked for, as asked: %s\n", strings.Join(r.Without, ", "))
	}
	a.printVulnerabilities(r.Vulnerabilities)
	a.printMalware(r.Malware)
	a.printSecrets(r.Secrets, r.SecretsLeftOut)
	a.printSettings(r.Settings)
	a.printNotJudged(r.NotJudged)
	if r.Declared > 0 {
		fmt.Fprintf(a.out, "%d more packages, with %d vulnerabilities, are only named by lock files and not counted; --count-declared counts them\n",
			r.Declared, countDistinct(r.DeclaredVulnerabilities))
	}
	return err
}

func (a *application) printVulnerabilities(vulnerabilities []imagescan.Vulnerability) {
	if len(vulnerabilities) == 0 {
		return
	}
	sorted := slices.Clone(vulnerabilities)
	slices.SortStableFunc(sorted, func(x, y imagescan.Vulnerability) int { return compareSeverity(x.Severity, y.Severity) })
	t := a.newTable("vulnerability", "severity", "package", "installed", "fixed in", "layer", "path")
	for _, v := range sorted {
		fixed := v.FixedVersion
		if fixed == "" {
			fixed = "-"
		}
		addRow(t, v.ID, a.severityText(v.Severity), v.Package, v.Version, fixed, v.Layer.Short(), v.Path)
	}
	fmt.Fprintln(a.out)
	t.Render()
}

func (a *application) printMalware(malware []plimsoll.Malware) {
	if len(malware) == 0 {
		return
	}
	t := a.newTable("malware", "path", "engine", "size", "layer", "note")
	for _, m := range malware {
		name, note := a.colour(terminal.Printable(m.Rule), text.FgRed), ""
		if m.Kind == plimsoll.MalwareNotLooked {
			name, note = painted(terminal.Printable(m.Rule)), "could not look inside"
		}
		if m.Kind == plimsoll.MalwarePackage {
			note = "the package itself is malware"
		}
		if m.Shadowed {
			note = "removed by a later layer, not counted"
		}
		addRow(t, name, m.Path, m.Engine, bytesText(m.Size), m.Layer.Short(), note)
	}
	fmt.Fprintln(a.out)
	t.Render()
}

// printSecrets lists secrets, masked. One that an upper layer hides counts: it can be extracted.
func (a *application) printSecrets(secrets []plimsoll.Secret, leftOut int) {
	if len(secrets) > 0 {
		sorted := slices.Clone(secrets)
		slices.SortStableFunc(sorted, func(x, y plimsoll.Secret) int { return compareSeverity(x.Severity, y.Severity) })
		t := a.newTable("secret", "severity", "path", "line", "excerpt", "layer", "note")
		for _, s := range sorted {
			line, layer := "-", "-"
			if s.Line > 0 {
				line = strconv.Itoa(s.Line)
			}
			if s.Layer != "" {
				layer = s.Layer.Short()
			}
			var notes []string
			if s.Shadowed {
				notes = append(notes, "removed by a later layer, can be extracted")
			}
			if s.Owned == plimsoll.OwnedByPackage {
				notes = append(notes, "as a system package brought it")
			}
			addRow(t, s.Rule, a.severityText(s.Severity), s.Path, line, s.Excerpt, layer, strings.Join(notes, "; "))
		}
		fmt.Fprintln(a.out)
		t.Render()
	}
	if leftOut > 0 {
		fmt.Fprintf(a.out, "%d secrets in files of system packages, and in documents and examples of packages of languages, are left out; --all-secrets lists them\n", leftOut)
	}
}

// printSettings lists what failed and what could not be looked at, with what to do.
func (a *application) printSettings(settings []plimsoll.Setting) {
	shown := slices.DeleteFunc(slices.Clone(settings), func(s plimsoll.Setting) bool {
		return s.Result != plimsoll.SettingFailed && s.Result != plimsoll.SettingNotLooked
	})
	if len(shown) == 0 {
		return
	}
	slices.SortStableFunc(shown, func(x, y plimsoll.Setting) int { return compareSeverity(x.Severity, y.Severity) })
	t := a.newTable("setting", "severity", "result", "rule", "evidence")
	for _, s := range shown {
		addRow(t, s.Title, a.severityText(s.Severity), strings.ReplaceAll(string(s.Result), "_", " "), s.Rule, terminal.FirstFew(s.Evidence))
	}
	fmt.Fprintln(a.out)
	t.Render()
	for _, s := range shown {
		if s.Result == plimsoll.SettingFailed {
			fmt.Fprintf(a.out, "%s: %s\n", terminal.Printable(s.Rule), terminal.Printable(s.Advice))
		}
	}
}

// printNotJudged sums up by reason: on an unknown distribution it is every package.
func (a *application) printNotJudged(packages []plimsoll.NotJudged) {
	if len(packages) == 0 {
		return
	}
	reasons := map[string][]string{}
	for _, p := range packages {
		reasons[p.Reason] = append(reasons[p.Reason], p.Package.Name)
	}
	t := a.newTable("not judged", "packages", "examples")
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		addRow(t, reason, len(reasons[reason]), terminal.FirstFew(reasons[reason]))
	}
	fmt.Fprintln(a.out)
	t.Render()
}

// compareSeverity orders severities, worst first.
func compareSeverity(x, y plimsoll.Severity) int {
	return slices.Index(plimsoll.Severities(), x) - slices.Index(plimsoll.Severities(), y)
}

func (a *application) severityText(s plimsoll.Severity) painted {
	switch s {
	case plimsoll.SeverityCritical, plimsoll.SeverityHigh:
		return a.colour(string(s), text.FgRed)
	case plimsoll.SeverityMedium:
		return a.colour(string(s), text.FgYellow)
	default:
		return painted(s)
	}
}

func countDistinct(vulnerabilities []imagescan.Vulnerability) int {
	ids := map[string]bool{}
	for _, v := range vulnerabilities {
		ids[v.ID] = true
	}
	return len(ids)
}

// severitiesText counts distinct vulnerabilities by severity: " (1 critical, 2 low)".
func severitiesText(vulnerabilities []imagescan.Vulnerability) string {
	var parts []string
	for _, s := range plimsoll.Severities() {
		of := slices.DeleteFunc(slices.Clone(vulnerabilities), func(v imagescan.Vulnerability) bool { return v.Severity != s })
		if n := countDistinct(of); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
