package rematch

import (
	"context"
	"slices"

	"plimsoll"
)

// addReasons sets why each finding begins or ends, as far as the advisory database still knows.
func (w *walk) addReasons(ctx context.Context, changes []plimsoll.FindingChange) error {
	var ids []string
	for _, c := range changes {
		ids = append(ids, c.Advisories...)
	}
	slices.Sort(ids)
	origins, err := w.Advisories.Origins(ctx, slices.Compact(ids), w.rematch.Since)
	for i := range changes {
		changes[i].Reason = reasonOf(w.rematch, changes[i], origins)
	}
	return err
}

func reasonOf(r plimsoll.Rematch, c plimsoll.FindingChange, origins map[string]plimsoll.AdvisoryOrigin) plimsoll.ChangeReason {
	inForce := func(id string) bool { return origins[id].InForce }
	inForceBefore := func(id string) bool { return origins[id].InForceBefore }
	switch {
	case r.OtherMatcher && r.Since == r.Revision:
		return plimsoll.ReasonMatcher
	case c.Ends && !slices.ContainsFunc(c.Advisories, inForce):
		return plimsoll.ReasonWithdrawn
	case !c.Ends && !slices.ContainsFunc(c.Advisories, inForceBefore):
		return plimsoll.ReasonNewAdvisory
	case r.OtherMatcher:
		return plimsoll.ReasonMatcher
	default:
		return plimsoll.ReasonChangedAdvisory
	}
}
