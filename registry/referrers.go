package registry

import (
	"context"
	"net/http"

	"plimsoll"
	"plimsoll/manifest"
)

// Referrers lists the manifests that refer to d: by the referrers API (OCI
// Distribution Specification 1.1, "Listing Referrers") or, where the registry has none, by the
// referrers tag. The media types are those of the manifests. No caller yet: it is the capability
// intake.Referrers, for signatures, SBOMs and VEX documents beside an image.
func (c *Client) Referrers(ctx context.Context, repository string, d plimsoll.Digest) ([]plimsoll.Descriptor, error) {
	if _, err := plimsoll.ParseDigest(string(d)); err != nil {
		return nil, err
	}
	path, err := repositoryPath(repository, "referrers/"+string(d))
	if err != nil {
		return nil, err
	}
	r := request{
		doing:  "listing what refers to " + repository + "@" + string(d),
		path:   path,
		scope:  pullScope(repository),
		accept: mediaIndex,
		limit:  c.budget.ManifestBytes,
	}
	var out []plimsoll.Descriptor
	seen := map[string]bool{}
	for {
		got, err := c.fetch(ctx, r)
		if len(seen) == 0 && (plimsoll.ErrorCode(err) == plimsoll.NotFound || err == nil && declaredMediaType(got.header) != mediaIndex) {
			return c.referrersByTag(ctx, repository, d)
		}
		if err != nil {
			return nil, err
		}
		page, err := parseReferrers(got.body, c.budget)
		if err != nil {
			return nil, err
		}
		out = append(out, page...)
		seen[r.query] = true
		if r.query = nextQuery(got.header); r.query == "" {
			return out, nil
		}
		if seen[r.query] || len(out) > maxNames || len(seen) >= maxPages {
			return nil, plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, "%s: the list repeats itself or is too long", r.doing))
		}
	}
}

// referrersByTag reads the index under the tag "sha256-<hex>"; without that tag there are no referrers.
func (c *Client) referrersByTag(ctx context.Context, repository string, d plimsoll.Digest) ([]plimsoll.Descriptor, error) {
	r, err := c.manifestRequest(repository, "sha256-"+d.Hex())
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	drainBody(resp)
	if resp.StatusCode == http.StatusNotFound {
		return nil, nil
	}
	got, err := c.fetch(ctx, r)
	if err != nil {
		return nil, err
	}
	return parseReferrers(got.body, c.budget)
}

func parseReferrers(raw []byte, budget plimsoll.Budget) ([]plimsoll.Descriptor, error) {
	index, err := manifest.Parse(mediaIndex, raw, budget)
	if err != nil {
		return nil, err
	}
	out := make([]plimsoll.Descriptor, 0, len(index.Children))
	for _, child := range index.Children {
		out = append(out, child.Descriptor)
	}
	return out, nil
}
