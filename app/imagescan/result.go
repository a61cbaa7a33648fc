package imagescan

import (
	"slices"

	"plimsoll"
)

// Result is what a scan found. Its JSON is the output of `plimsoll scan --output json`.
type Result struct {
	Image           string               `json:"image"`
	Artifact        plimsoll.Digest      `json:"artifact"`
	Platform        string               `json:"platform"`
	Packages        []Package            `json:"packages"`
	Vulnerabilities []Vulnerability      `json:"vulnerabilities"`
	Malware         []plimsoll.Malware   `json:"malware"`
	Settings        []plimsoll.Setting   `json:"settings"`
	Secrets         []plimsoll.Secret    `json:"secrets"`
	SecretsLeftOut  int                  `json:"secrets_left_out"` // those that the profile excludes
	NotJudged       []plimsoll.NotJudged `json:"not_judged"`

	// Declared is how many of the packages are declared and not counted: a lock file names them, and no installed file
	// confirms them. DeclaredVulnerabilities are those of these packages, which meet no threshold and are in no other list.
	Declared                int             `json:"declared,omitempty"`
	DeclaredVulnerabilities []Vulnerability `json:"declared_vulnerabilities,omitempty"`

	Files      *plimsoll.FileFacts `json:"files,omitempty"`
	Advisories AdvisoryState       `json:"advisories"`

	Without []string `json:"without,omitempty"` // kinds of findings that were not searched for

	// Set only if some part could not be looked at.
	Failure       plimsoll.FailureCode `json:"failure,omitempty"`
	FailureDetail string               `json:"failure_detail,omitempty"`
}

// Package is a package at one place of the image.
type Package struct {
	Name      string          `json:"name"`
	Version   string          `json:"version"`
	Ecosystem string          `json:"ecosystem"`
	PURL      string          `json:"purl"`
	Source    string          `json:"source"`
	Layer     plimsoll.Digest `json:"layer"`
	Path      string          `json:"path"`

	OtherPaths    []string `json:"other_paths,omitempty"`    // of further files that describe the same installation
	CreatedBy     string   `json:"created_by,omitempty"`     // the history line of the layer
	LowConfidence bool     `json:"low_confidence,omitempty"` // declared: a lock file names it, and no installed file confirms it

	Owner *plimsoll.Owner `json:"owner,omitempty"` // the package of the system that installed the files
}

// Vulnerability is a vulnerability of a package at one place of the image.
type Vulnerability struct {
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

// AdvisoryState is the advisories that the image was judged by.
type AdvisoryState struct {
	Revision plimsoll.Revision `json:"revision"`
	Age      int64             `json:"age"` // seconds since the oldest feed was checked
	Stale    bool              `json:"stale,omitempty"`
	None     bool              `json:"-"` // no feed was imported
}

func newResult(name string, a plimsoll.Artifact, r plimsoll.ScanRecord, status plimsoll.AdvisoryStatus, failure error) Result {
	out := Result{
		Image: name, Artifact: a.Digest, Platform: a.Platform.String(),
		Packages: []Package{}, Vulnerabilities: []Vulnerability{}, Malware: nonNil(r.Malware),
		Settings: nonNil(r.Settings), Secrets: nonNil(r.Secrets), NotJudged: []plimsoll.NotJudged{},
		Advisories: AdvisoryState{Revision: status.Revision, Age: status.AgeSeconds, Stale: status.Stale, None: len(status.Feeds) == 0},
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
			out.addJudgement(a, r.Judgements[i], places, set.Kind == plimsoll.SetDeclared)
		}
	}
	return out
}

// excludeSecrets removes secrets that a profile excludes.
func (out *Result) excludeSecrets(p plimsoll.SecretProfile) {
	shown := slices.DeleteFunc(slices.Clone(out.Secrets), p.Excludes)
	out.SecretsLeftOut = len(out.Secrets) - len(shown)
	out.Secrets = nonNil(shown)
}

// addPackages lists a package once for each of its places, which it returns.
func (out *Result) addPackages(a plimsoll.Artifact, set plimsoll.PlacedSet) map[plimsoll.Package][]plimsoll.Place {
	places := map[plimsoll.Package][]plimsoll.Place{}
	if set.Kind == plimsoll.SetDeclared {
		out.Declared += len(set.Places)
	}
	for _, place := range set.Places {
		p := set.Packages[place.Package]
		places[p] = append(places[p], place)
		out.Packages = append(out.Packages, Package{
			Name: p.Name, Version: p.Version, Ecosystem: p.Ecosystem, PURL: p.PURL, Source: p.AdvisoryName(),
			Layer: a.Layers[place.Layer].DiffID, Path: place.Path,
			OtherPaths: place.Also, CreatedBy: a.Layers[place.Layer].CreatedBy, LowConfidence: place.Low, Owner: p.Owner.Pointer(),
		})
	}
	return places
}

// addJudgement lists what is wrong with a set. Of declared packages only vulnerabilities are listed, apart.
func (out *Result) addJudgement(a plimsoll.Artifact, j plimsoll.Judgement, places map[plimsoll.Package][]plimsoll.Place, declared bool) {
	if declared {
		out.DeclaredVulnerabilities = appendVulnerabilities(out.DeclaredVulnerabilities, a, j, places)
		return
	}
	out.Vulnerabilities = appendVulnerabilities(out.Vulnerabilities, a, j, places)
	out.NotJudged = append(out.NotJudged, j.NotJudged...)
	for _, m := range j.Malicious {
		for _, place := range places[m.Package] {
			out.Malware = append(out.Malware, plimsoll.Malware{
				Path: place.Path, Kind: plimsoll.MalwarePackage, Rule: m.Advisories[0], Engine: "advisories", Layer: a.Layers[place.Layer].DiffID,
			})
		}
	}
}

// appendVulnerabilities lists a vulnerability once for each place of its package.
func appendVulnerabilities(list []Vulnerability, a plimsoll.Artifact, j plimsoll.Judgement, places map[plimsoll.Package][]plimsoll.Place) []Vulnerability {
	for _, v := range j.Vulnerabilities {
		for _, place := range places[v.Package] {
			list = append(list, Vulnerability{
				ID: v.ID, Advisories: nonNil(v.Advisories), Aliases: nonNil(v.Aliases), Package: v.Package.Name,
				Version: v.Package.Version, FixedVersion: v.FixedVersion, Severity: v.Severity, Urgency: v.Urgency, Exploited: v.Exploited,
				Layer: a.Layers[place.Layer].DiffID, Path: place.Path,
			})
		}
	}
	return list
}

// nonNil returns a list that JSON shows as [] where there is nothing.
func nonNil[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
