package secret

import (
	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/layer"
)

// Kind declares secrets: those of every layer, bottom first, then those of the image's config.
// Secrets in files that an upper layer hides are shadowed.
type Kind struct{}

// Name implements analyze.Kind.
func (Kind) Name() string { return Name }

// Paths implements analyze.Kind.
func (Kind) Paths(r *plimsoll.LayerReport, about func(path string)) {
	for i := range r.Secrets {
		layer.OuterPaths(r.Secrets[i].Path, about)
	}
}

// Fold implements analyze.Kind.
func (Kind) Fold(in analyze.FoldInput, record *plimsoll.ScanRecord) []plimsoll.FileFailure {
	record.Secrets = []plimsoll.Secret{}
	for i, r := range in.Reports() {
		for _, s := range r.Secrets {
			path, visible := in.Place(i, s.Path)
			s.Path, s.Layer, s.Shadowed = path, r.DiffID, !visible
			record.Secrets = append(record.Secrets, s)
		}
	}
	for _, r := range in.ConfigReports {
		record.Secrets = append(record.Secrets, r.Secrets...)
	}
	return nil
}

// Withhold implements analyze.Kind.
func (Kind) Withhold(record *plimsoll.ScanRecord) { record.Secrets = nil }
