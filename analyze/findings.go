package analyze

import (
	"plimsoll"
	"plimsoll/layer"
)

// FileFindings returns the kind of an analyzer whose report lists plimsoll.LayerReport.Findings. The record
// has those of every layer, bottom first; findings in files that an upper layer hides are shadowed.
func FileFindings(analyzer string) Kind { return fileFindings{analyzer} }

type fileFindings struct{ analyzer string }

// Name implements Kind.
func (k fileFindings) Name() string { return k.analyzer }

// Paths implements Kind.
func (k fileFindings) Paths(r *plimsoll.LayerReport, about func(path string)) {
	if r.Analyzer.Name != k.analyzer {
		return
	}
	for i := range r.Findings {
		layer.OuterPaths(r.Findings[i].Path, about)
	}
}

// Fold implements Kind.
func (k fileFindings) Fold(in FoldInput, record *plimsoll.ScanRecord) []plimsoll.FileFailure {
	list := []plimsoll.FileFinding{}
	for i, r := range in.Reports() {
		if r.Analyzer.Name != k.analyzer {
			continue
		}
		for _, f := range r.Findings {
			path, visible := in.Place(i, f.Path)
			f.Path, f.Layer, f.Shadowed = path, r.DiffID, !visible
			list = append(list, f)
		}
	}
	for _, r := range in.ConfigReports {
		if r.Analyzer.Name == k.analyzer {
			list = append(list, r.Findings...)
		}
	}
	if record.Findings == nil {
		record.Findings = map[string][]plimsoll.FileFinding{}
	}
	record.Findings[k.analyzer] = list
	return nil
}

// Withhold implements Kind.
func (k fileFindings) Withhold(record *plimsoll.ScanRecord) { delete(record.Findings, k.analyzer) }
