package scan

import (
	"context"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/manifest"
)

// config returns the analyzers' reports about the image's config. The stored config has no values of
// variables, so the blob is read once per version of an analyzer, unless this inspection has read it. The
// reports are stored under the config's digest, as those of a layer are under its diff ID.
func (s *Inspector) config(ctx context.Context, target Target, src Source) ([]plimsoll.LayerReport, error) {
	var analyzers []analyze.ConfigAnalyzer
	var ids []plimsoll.AnalyzerID
	for _, a := range s.Analyzers {
		if a, ok := a.(analyze.ConfigAnalyzer); ok {
			analyzers, ids = append(analyzers, a), append(ids, a.ID())
		}
	}
	if len(analyzers) == 0 {
		return nil, nil
	}
	blob := plimsoll.Layer{Descriptor: target.Artifact.Config, DiffID: target.Artifact.Config.Digest}
	missing, err := s.Reports.MissingLayers(ctx, target.Tenant, target.Shared, []plimsoll.Layer{blob}, ids)
	if err != nil {
		return nil, err
	}
	if len(missing) == 0 && !target.Prove {
		stored, err := s.Reports.LayerReports(ctx, []plimsoll.Digest{blob.DiffID}, ids)
		return stored[blob.DiffID], err
	}
	c := target.config
	if c == nil {
		read, err := s.readConfig(ctx, blob.Descriptor, src)
		if err != nil {
			return nil, err
		}
		c = &read
	}
	reports := make([]plimsoll.LayerReport, len(analyzers))
	for i, a := range analyzers {
		reports[i] = plimsoll.LayerReport{DiffID: blob.DiffID, Analyzer: a.ID()}
		a.Config(*c, &reports[i])
	}
	return reports, s.Reports.SaveLayer(ctx, target.Tenant, blob.Digest, blob.DiffID, reports)
}

func (s *Inspector) readConfig(ctx context.Context, d plimsoll.Descriptor, src Source) (plimsoll.ImageConfig, error) {
	body, err := src.Blob(ctx, d)
	if err != nil {
		return plimsoll.ImageConfig{}, err
	}
	defer body.Close() //nolint:errcheck // read to its end
	return manifest.ReadConfig(body, s.Budget)
}
