package scan

import (
	"context"
	"fmt"

	"plimsoll"
	"plimsoll/analyze"
)

// versions are the names under which reports of an inspection are kept: those of the analyzers, with the
// versions of what they ask outside.
type versions struct {
	ids     []plimsoll.AnalyzerID
	unknown []error // why an outside version is not known, as failures; by analyzer
}

// unknownOutside is in place of a version that could not be learnt. No report with it is complete.
const unknownOutside = "unknown"

func (s *Inspector) versions(ctx context.Context) versions {
	v := versions{ids: make([]plimsoll.AnalyzerID, len(s.Analyzers)), unknown: make([]error, len(s.Analyzers))}
	for i, a := range s.Analyzers {
		v.ids[i] = a.ID()
		ask := s.Outside[a.ID().Name]
		if ask == nil {
			continue
		}
		outside, err := ask(ctx)
		if err != nil {
			outside, v.unknown[i] = unknownOutside, plimsoll.Fail(plimsoll.FailureEngine, err)
		}
		v.ids[i].Version += "+" + outside
	}
	return v
}

func (v versions) key() string { return fmt.Sprint(v.ids) }

// name gives the reports of a pass their full versions. One of an unknown version is a failure: what was asked may
// have answered in the end, but nobody could tell later what its answers were worth.
func (v versions) name(reports []plimsoll.LayerReport) {
	for i := range reports {
		reports[i].Analyzer = v.ids[i]
		if err := v.unknown[i]; err != nil && len(reports[i].Failures) == 0 {
			analyze.AddFailure(&reports[i], "", plimsoll.FailureOf(err), err.Error())
		}
	}
}
