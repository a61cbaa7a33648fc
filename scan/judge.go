package scan

import (
	"context"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/match"
)

// judge folds the layers, adds the part of every kind to the record, and compares the packages with
// the advisories. config has the reports about the image's config.
func (s *Inspector) judge(ctx context.Context, record plimsoll.ScanRecord, a plimsoll.Artifact, reports [][]plimsoll.LayerReport, config []plimsoll.LayerReport) (plimsoll.ScanRecord, error) {
	view, err := analyze.Fold(reports, s.Budget, s.Kinds)
	if err != nil {
		return record, err
	}
	record.Facts = &plimsoll.ImageFacts{Files: view.Files()}
	in := analyze.FoldInput{View: view, Config: a.Settings, ConfigReports: config}
	f := failures{kinds: s.Kinds}
	f.add(view.LayerFailures())
	for _, k := range s.Kinds {
		f.addUnread(k, k.Fold(in, &record))
	}
	f.add(view.FileFailures())
	f.addConfig(config)
	if record, err = s.Rejudge(ctx, record); err != nil {
		return record, err
	}
	return record, f.err()
}

// Rejudge compares the packages of a record with the advisories again.
func (s *Inspector) Rejudge(ctx context.Context, record plimsoll.ScanRecord) (plimsoll.ScanRecord, error) {
	record.Judgements, record.Matcher = []plimsoll.Judgement{}, match.Version
	for _, set := range record.Sets {
		judgement, err := judgeSet(ctx, s.Advisories, set.PackageSet)
		if err != nil {
			return record, plimsoll.Fail(plimsoll.FailureMatch, err)
		}
		record.Judgements = append(record.Judgements, judgement)
	}
	return record, nil
}

func judgeSet(ctx context.Context, advisories Advisories, set plimsoll.PackageSet) (plimsoll.Judgement, error) {
	evidence, err := advisories.Evidence(ctx, match.Keys(set.Packages))
	if err != nil {
		return plimsoll.Judgement{}, err
	}
	return match.Judge(set.Packages, evidence), nil
}
