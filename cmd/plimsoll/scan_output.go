package main

import (
	"slices"

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
	SecretsLeftOut  int                  `json:"secrets_left_out"` // that the profile leaves out
	NotJudged       []plimsoll.NotJudged `json:"not_judged"`
	Files           *plimsoll.FileFacts  `json:"files,omitempty"`
	Advisories      advisoryOutput       `json:"advisories"`

	Without []string `json:"without,omitempty"` // what was not looked for, as asked

	// Set only if some part could not be looked at; the exit status is 2 then.
	Failure       plimsoll.FailureCode `json:"failure,omitempty"`
	FailureDetail string               `json:"failure_detail,omitempty"`
}

type packageOutput struct {
	Name      string          `json:"name"`
	Version   string          `json:"version"`
	Ecosystem string          `json:"ecosystem"`
	PURL      string          `json:"purl"`
	Source    string          `json:"source"`
	Layer     plimsoll.Digest `json:"layer"`
	Path      string          `json:"path"`

	CreatedBy     string `json:"created_by,omitempty"` // the history line of the layer
	LowConfidence bool   `json:"low_confidence,omitempty"`
}

type vulnOutput struct {
	ID           string            `json:"id"`
	Advisories   []string          `json:"advisories"`
	Aliases      []string          `json:"aliases"`
	Package      string            `json:"package"`
	Version      string            `json:"version"`
	FixedVersion string            `json:"fixed_version"`
	Severity     plimsoll.Severity `json:"severity"`
	Urgency      plimsoll.Urgency  `json:"urgency"`
	Exploited    bool              `json:"exploited,omitempty"`
	Layer        plimsoll.Digest   `json:"layer"`
	Path         string            `json:"path"`
}

type advisoryOutput struct {
	Revision plimsoll.Revision `json:"revision"`
	Age      int64             `json:"age"` // seconds since the oldest feed was checked
	Stale    bool              `json:"stale,omitempty"`
}

func newScanOutput(name string, a plimsoll.Artifact, r plimsoll.ScanRecord, status plimsoll.AdvisoryStatus, failure error) scanOutput {
	out := scanOutput{
		Image: name, Artifact: a.Digest, Platform: a.Platform.String(),
		Packages: []packageOutput{}, Vulnerabilities: []vulnOutput{}, Malware: list(r.Malware),
		Settings: list(r.Settings), Secrets: list(r.Secrets), NotJudged: []plimsoll.NotJudged{},
		Advisories: advisoryOutput{Revision: status.Revision, Age: status.AgeSeconds, Stale: status.Stale},
		Failure:    plimsoll.FailureOf(failure),
	}
	if r.Facts != nil {
		out.Files = &r.Facts.Files
	}
	if failure != nil {
		out.FailureDetail = failure.Error()
	}
	for i, set := range r.Sets {
		places := out.addPackages(a, set)
		if i < len(r.Judgements) {
			out.addJudgement(a, r.Judgements[i], places)
		}
	}
	return out
}

// leaveOut takes out secrets that a profile leaves out.
func (out *scanOutput) leaveOut(p plimsoll.SecretProfile) {
	shown := slices.DeleteFunc(slices.Clone(out.Secrets), p.Excludes)
	out.SecretsLeftOut = len(out.Secrets) - len(shown)
	out.Secrets = list(shown)
}

// addPackages lists a package once for each of its places, which it returns.
func (out *scanOutput) addPackages(a plimsoll.Artifact, set plimsoll.PlacedSet) map[plimsoll.Package][]plimsoll.Place {
	places := map[plimsoll.Package][]plimsoll.Place{}
	for _, place := range set.Places {
		p := set.Packages[place.Package]
		places[p] = append(places[p], place)
		out.Packages = append(out.Packages, packageOutput{
			Name: p.Name, Version: p.Version, Ecosystem: p.Ecosystem, PURL: p.PURL, Source: p.AdvisoryName(),
			Layer: a.Layers[place.Layer].DiffID, Path: place.Path,
			CreatedBy: a.Layers[place.Layer].CreatedBy, LowConfidence: place.Low,
		})
	}
	return places
}

func (out *scanOutput) addJudgement(a plimsoll.Artifact, j plimsoll.Judgement, places map[plimsoll.Package][]plimsoll.Place) {
	out.NotJudged = append(out.NotJudged, j.NotJudged...)
	for _, m := range j.Malicious {
		for _, place := range places[m.Package] {
			out.Malware = append(out.Malware, plimsoll.Malware{
				Path: place.Path, Kind: plimsoll.MalwarePackage, Rule: m.Advisories[0], Engine: "advisories", Layer: a.Layers[place.Layer].DiffID,
			})
		}
	}
	for _, v := range j.Vulnerabilities {
		for _, place := range places[v.Package] {
			out.Vulnerabilities = append(out.Vulnerabilities, vulnOutput{
				ID: v.ID, Advisories: list(v.Advisories), Aliases: list(v.Aliases), Package: v.Package.Name,
				Version: v.Package.Version, FixedVersion: v.FixedVersion, Severity: v.Severity, Urgency: v.Urgency, Exploited: v.Exploited,
				Layer: a.Layers[place.Layer].DiffID, Path: place.Path,
			})
		}
	}
}
