package scan

import (
	"context"
	"fmt"

	"plimsoll"
	"plimsoll/analyze"
)

// versions are the ids under which the reports of an inspection are stored: those of the analyzers, with the
// versions of the external engines that they ask.
type versions struct {
	ids     []plimsoll.AnalyzerID
	unknown []error // why an external version is unknown, as failures; by analyzer
}

// unknownVersion replaces an external version that could not be asked for. No report with it is complete.
const unknownVersion = "unknown"

func (s *Inspector) versions(ctx context.Context) versions {
	v := versions{ids: make([]plimsoll.AnalyzerID, len(s.Analyzers)), unknown: make([]error, len(s.Analyzers))}
	for i, a := range s.Analyzers {
		v.ids[i] = a.ID()
		ask := s.ExternalVersions[a.ID().Name]
		if ask == nil {
			continue
		}
		external, err := ask(ctx)
		if err != nil {
			external, v.unknown[i] = unknownVersion, plimsoll.Fail(plimsoll.FailureEngine, err)
		}
		v.ids[i].Version += "+" + external
	}
	return v
}

func (v versions) key() string { return fmt.Sprint(v.ids) }

// name sets the ids of the reports of a pass. A report of an unknown version gets a failure: the engine may
// have answered later, but its answers cannot be attributed to a version.
func (v versions) name(reports []plimsoll.LayerReport) {
	for i := range reports {
		reports[i].Analyzer = v.ids[i]
		if err := v.unknown[i]; err != nil && len(reports[i].Failures) == 0 {
			analyze.AddFailure(&reports[i], "", plimsoll.FailureOf(err), err.Error())
		}
	}
}
