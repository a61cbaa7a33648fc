package images

import (
	"context"
	"slices"

	"plimsoll/store/artifacts"
	"plimsoll/store/judgement"
	"plimsoll/store/sqldb"
)

// Recount counts the vulnerabilities of artifacts that are judged, and of the indexes
// above them, and rewrites the rows whose count differs.
func (w *Writer) Recount(ctx context.Context, ids []int64) error {
	indexes, err := artifacts.IndexesAbove(ctx, w.Tx, ids)
	if err != nil {
		return err
	}
	for _, holders := range [...]struct {
		setsOf string
		ids    []int64
	}{{selectSetsOfArtifactsSQL, ids}, {selectSetsOfIndexesSQL, indexes}} {
		for _, id := range holders.ids {
			at, err := judgement.GateOf(ctx, w.Tx, id)
			if err != nil {
				return err
			}
			if err := w.recountWith(ctx, judgement.NewCounter(at), 0, holders.setsOf, []int64{id}); err != nil {
				return err
			}
		}
	}
	return nil
}

const selectSetsOfArtifactsSQL = `SELECT h.artifact_id, h.set_id FROM artifact_set h WHERE h.artifact_id IN (:keys) AND ` + judgement.CountedSQL

const selectSetsOfIndexesSQL = `SELECT c.artifact_id, h.set_id FROM ` + artifacts.ScannedMembersSQL + `
		JOIN artifact_set h ON h.artifact_id = a.id WHERE c.artifact_id IN (:keys) AND ` + judgement.CountedSQL

// recountWith counts the vulnerabilities of holders, whose sets the query selects, and rewrites the
// raw counts that differ, then their image rows. A rewritten row is marked as counted by the
// rematch, unless that is 0.
func (w *Writer) recountWith(ctx context.Context, c *judgement.Counter, rematch int64, setsOf string, holders []int64) error {
	return sqldb.EachChunk(holders, func(part []int64) error {
		counts, err := c.Count(ctx, w.Tx, setsOf, part)
		if err != nil {
			return err
		}
		return w.saveCounts(ctx, rematch, part, counts)
	})
}

// saveCounts writes raw counts. If there are decisions, a rematch marks every artifact: an equal
// count may be of other vulnerabilities, handled or not, and the handled count has to change to the
// new judgement together with the list.
func (w *Writer) saveCounts(ctx context.Context, rematch int64, holders []int64, counts map[int64]int) error {
	decided, err := w.anyDecision(ctx)
	if err != nil {
		return err
	}
	changed, err := artifacts.SaveCounts(ctx, w.Changes, rematch, holders, counts, decided)
	if err != nil {
		return err
	}
	if decided {
		changed = holders
	}
	return w.RefreshImages(ctx, changed)
}

// Two statements, because a statement rewrites the entries of a row in every index with a column that it sets:
// decisions and rematches change the vulnerabilities of many images and nothing else.
const (
	updateShownVulnerabilitiesSQL = `UPDATE image SET vulnerabilities = a.raw_vulnerabilities - image.handled FROM artifact a
	WHERE a.id = image.artifact_id AND image.vulnerabilities IS DISTINCT FROM a.raw_vulnerabilities - image.handled
	  AND image.artifact_id IN (:keys)`

	updateShownResultsSQL = `UPDATE image SET scan_state = a.scan_state, failure = a.failure, failure_detail = a.failure_detail,
		scanned_at = a.scanned_at, settings = a.raw_settings, malware = a.raw_malware,
		profile = a.profile, weak_accounts = a.weak_accounts, weak_policy = a.weak_policy
	FROM artifact a
	WHERE a.id = image.artifact_id
	  AND (image.scan_state <> a.scan_state OR image.failure <> a.failure OR image.failure_detail <> a.failure_detail
	    OR image.scanned_at <> a.scanned_at
	    OR image.settings IS DISTINCT FROM a.raw_settings OR image.malware IS DISTINCT FROM a.raw_malware
	    OR image.profile <> a.profile OR image.weak_accounts <> a.weak_accounts OR image.weak_policy <> a.weak_policy)
	  AND image.artifact_id IN (:keys)`
)

// RefreshImages brings the image rows of artifacts up to date. Shown counts are the raw
// ones minus those that decisions handle.
func (w *Writer) RefreshImages(ctx context.Context, artifacts []int64) error {
	before := w.Rows
	defer func() { w.Images += w.Rows - before }()
	return sqldb.EachChunk(artifacts, func(part []int64) error {
		if err := w.refreshHandled(ctx, part); err != nil {
			return err
		}
		if err := w.ChangeChunks(ctx, updateShownVulnerabilitiesSQL, nil, part); err != nil {
			return err
		}
		return w.ChangeChunks(ctx, updateShownResultsSQL, nil, part)
	})
}

// RefreshAbove brings the image rows of an artifact, its indexes and their image rows up to date.
func (w *Writer) RefreshAbove(ctx context.Context, artifact int64) error {
	indexes, err := artifacts.IndexesAbove(ctx, w.Tx, []int64{artifact})
	if err != nil {
		return err
	}
	for _, index := range indexes {
		if err := artifacts.RefreshIndex(ctx, w.Changes, index); err != nil {
			return err
		}
	}
	above := slices.Concat(indexes, []int64{artifact})
	if err := w.RefreshImages(ctx, above); err != nil {
		return err
	}
	return RefreshSecretHolders(ctx, w.Changes, above)
}
