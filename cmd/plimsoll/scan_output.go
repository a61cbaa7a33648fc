package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"plimsoll"
)

// scanOutput is the one object that scan --output json prints.
type scanOutput struct {
	Image           string               `json:"image"`
	Artifact        plimsoll.Digest      `json:"artifact"`
	Platform        string               `json:"platform"`
	Packages        []packageOutput      `json:"packages"`
	Vulnerabilities []vulnOutput         `json:"vulnerabilities"`
	Malware         []plimsoll.Malware   `json:"malware"`
	Settings        []plimsoll.Setting   `json:"settings"`
	Secrets         []plimsoll.Secret    `json:"secrets"`
	NotJudged       []plimsoll.NotJudged `json:"not_judged"`
	Advisories      advisoryOutput       `json:"advisories"`
	Failure         plimsoll.FailureCode `json:"failure,omitempty"`
	FailureDetail   string               `json:"failure_detail,omitempty"`
}

type packageOutput struct {
	Name      string          `json:"name"`
	Version   string          `json:"version"`
	Ecosystem string          `json:"ecosystem"`
	PURL      string          `json:"purl"`
	Source    string          `json:"source"`
	Layer     plimsoll.Digest `json:"layer"`
	Path      string          `json:"path"`
}

type vulnOutput struct {
	ID           string            `json:"id"`
	Advisories   []string          `json:"advisories"`
	Aliases      []string          `json:"aliases"`
	Package      string            `json:"package"`
	Version      string            `json:"version"`
	FixedVersion string            `json:"fixed_version"`
	Severity     plimsoll.Severity `json:"severity"`
	Layer        plimsoll.Digest   `json:"layer"`
	Path         string            `json:"path"`
}

type advisoryOutput struct {
	Revision   plimsoll.Revision `json:"revision"`
	AgeSeconds int64             `json:"age_seconds"`
}

func newScanOutput(name string, a plimsoll.Artifact, r plimsoll.ScanRecord, status plimsoll.AdvisoryStatus, failure error) scanOutput {
	out := scanOutput{
		Image: name, Artifact: a.Digest, Platform: a.Platform.String(),
		Packages: []packageOutput{}, Vulnerabilities: []vulnOutput{}, Malware: slices.Concat([]plimsoll.Malware{}, r.Malware),
		Settings: slices.Concat([]plimsoll.Setting{}, r.Settings), Secrets: []plimsoll.Secret{}, NotJudged: []plimsoll.NotJudged{},
		Advisories: advisoryOutput{Revision: status.Revision, AgeSeconds: status.AgeSeconds},
		Failure:    plimsoll.FailureOf(failure),
	}
	if failure != nil {
		out.FailureDetail = failure.Error()
	}
	for i, set := range r.Sets {
		places := map[plimsoll.Package][]plimsoll.Place{}
		for _, place := range set.Places {
			p := set.Packages[place.Package]
			places[p] = append(places[p], place)
			out.Packages = append(out.Packages, packageOutput{
				Name: p.Name, Version: p.Version, Ecosystem: p.Ecosystem, PURL: p.PURL, Source: p.AdvisoryName(),
				Layer: a.Layers[place.Layer].DiffID, Path: place.Path,
			})
		}
		if i >= len(r.Judgements) {
			continue
		}
		out.NotJudged = append(out.NotJudged, r.Judgements[i].NotJudged...)
		for _, v := range r.Judgements[i].Vulnerabilities {
			for _, place := range places[v.Package] {
				out.Vulnerabilities = append(out.Vulnerabilities, vulnOutput{
					ID: v.ID, Advisories: v.Advisories, Aliases: slices.Concat([]string{}, v.Aliases), Package: v.Package.Name,
					Version: v.Package.Version, FixedVersion: v.FixedVersion, Severity: v.Severity,
					Layer: a.Layers[place.Layer].DiffID, Path: place.Path,
				})
			}
		}
	}
	return out
}

// threshold is what --fail-on asks for.
type threshold struct {
	severity plimsoll.Severity
	malware  bool
	any      bool
}

func parseThreshold(s string) (threshold, error) {
	switch s {
	case "":
		return threshold{}, nil
	case "any":
		return threshold{any: true}, nil
	case "malware":
		return threshold{malware: true}, nil
	}
	if severity := plimsoll.Severity(s); slices.Contains(plimsoll.Severities(), severity) && severity != plimsoll.SeverityUnknown {
		return threshold{severity: severity}, nil
	}
	return threshold{}, plimsoll.Errorf(plimsoll.Invalid, "--fail-on %q is not critical, high, medium, low, malware or any", s)
}

func (t threshold) met(r scanOutput) bool {
	infected := slices.ContainsFunc(r.Malware, func(m plimsoll.Malware) bool {
		return m.Kind == plimsoll.MalwareMatch && !m.Shadowed
	})
	failed := slices.ContainsFunc(r.Settings, func(s plimsoll.Setting) bool { return s.Result == plimsoll.SettingFailed })
	switch {
	case t.any:
		return len(r.Vulnerabilities) > 0 || infected || failed
	case t.malware:
		return infected
	case t.severity != "":
		return slices.ContainsFunc(r.Vulnerabilities, func(v vulnOutput) bool { return v.Severity.AtLeast(t.severity) })
	default:
		return false
	}
}

func (a *app) printScan(r scanOutput) error {
	if a.output == "json" {
		return a.printJSON(r)
	}
	fmt.Fprintf(a.out, "%s  %s  %s\n", printable(r.Image), r.Artifact.Short(), r.Platform)
	fmt.Fprintf(a.out, "%d packages, %d vulnerabilities, %d malicious files, %d failed settings, %d not judged; advisories at revision %d\n\n",
		len(r.Packages), distinctIDs(r.Vulnerabilities), len(r.Malware), failedSettings(r.Settings), len(r.NotJudged), r.Advisories.Revision)
	a.printVulnerabilities(r.Vulnerabilities)
	if len(r.Malware) > 0 {
		t := a.table("malware", "rule", "layer", "")
		for _, m := range r.Malware {
			note := ""
			if m.Shadowed {
				note = "removed by a later layer"
			}
			row(t, m.Path, m.Rule, m.Layer.Short(), note)
		}
		t.Render()
		fmt.Fprintln(a.out)
	}
	t := a.table("setting", "result", "severity", "evidence")
	for _, s := range r.Settings {
		if s.Result == plimsoll.SettingFailed || s.Result == plimsoll.SettingNotLooked {
			row(t, s.Title, string(s.Result), string(s.Severity), strings.Join(s.Evidence, ", "))
		}
	}
	if t.Length() > 0 {
		t.Render()
		fmt.Fprintln(a.out)
	}
	if len(r.NotJudged) > 0 {
		fmt.Fprintf(a.out, "not judged: %d packages, e.g. %s: %s\n", len(r.NotJudged), printable(r.NotJudged[0].Package.Name), r.NotJudged[0].Reason)
	}
	return nil
}

func (a *app) printVulnerabilities(vulnerabilities []vulnOutput) {
	if len(vulnerabilities) == 0 {
		return
	}
	sorted := slices.Clone(vulnerabilities)
	slices.SortStableFunc(sorted, func(x, y vulnOutput) int {
		return slices.Index(plimsoll.Severities(), x.Severity) - slices.Index(plimsoll.Severities(), y.Severity)
	})
	t := a.table("vulnerability", "severity", "package", "installed", "fixed in", "layer")
	for _, v := range sorted {
		fixed := v.FixedVersion
		if fixed == "" {
			fixed = "-"
		}
		row(t, v.ID, a.severityText(v.Severity), v.Package, v.Version, fixed, v.Layer.Short())
	}
	t.Render()
	fmt.Fprintln(a.out)
}

func (a *app) severityText(s plimsoll.Severity) painted {
	switch s {
	case plimsoll.SeverityCritical, plimsoll.SeverityHigh:
		return a.colour(string(s), text.FgRed)
	case plimsoll.SeverityMedium:
		return a.colour(string(s), text.FgYellow)
	default:
		return painted(s)
	}
}

func distinctIDs(vulnerabilities []vulnOutput) int {
	ids := map[string]bool{}
	for _, v := range vulnerabilities {
		ids[v.ID] = true
	}
	return len(ids)
}

func failedSettings(settings []plimsoll.Setting) int {
	n := 0
	for _, s := range settings {
		if s.Result == plimsoll.SettingFailed {
			n++
		}
	}
	return n
}
