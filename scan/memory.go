package scan

import (
	"context"

	"plimsoll"
)

// Memory is a Reports that stores nothing, for a single scan.
type Memory struct{}

// MissingLayers returns every layer.
func (Memory) MissingLayers(_ context.Context, _ plimsoll.Tenant, _ bool, layers []plimsoll.Layer, _ []plimsoll.AnalyzerID) ([]int, error) {
	all := make([]int, len(layers))
	for i := range layers {
		all[i] = i
	}
	return all, nil
}

// LayerReports returns none.
func (Memory) LayerReports(context.Context, []plimsoll.Digest, []plimsoll.AnalyzerID) (map[plimsoll.Digest][]plimsoll.LayerReport, error) {
	return nil, nil
}

// SaveLayer does nothing.
func (Memory) SaveLayer(context.Context, plimsoll.Tenant, plimsoll.Digest, plimsoll.Digest, []plimsoll.LayerReport) error {
	return nil
}
