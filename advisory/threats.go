package advisory

import (
	"context"

	"plimsoll"
)

// ThreatStore keeps threat data: which CVEs are exploited, and how likely that is.
type ThreatStore interface {
	Store
	SaveThreats(ctx context.Context, list []plimsoll.Threat, out *plimsoll.ImportOutcome) error
}

// ImportThreats replaces the threats of a feed with the list, as one revision. An unchanged
// list makes no revision.
func ImportThreats(ctx context.Context, store ThreatStore, feed, source string, list []plimsoll.Threat) (plimsoll.ImportOutcome, error) {
	out := plimsoll.ImportOutcome{Feed: feed}
	if !validFileName(feed) {
		return out, plimsoll.Errorf(plimsoll.Invalid, "advisory: feed name %.80q is empty, too long or has control characters", feed)
	}
	if _, err := store.BeginImport(ctx, feed, source); err != nil {
		return out, err
	}
	defer store.EndImport()
	err := store.SaveThreats(ctx, list, &out)
	if err != nil {
		return out, err
	}
	out.Revision, err = store.PublishImport(ctx)
	return out, err
}
