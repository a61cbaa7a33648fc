package app

import (
	"context"

	"plimsoll"
	"plimsoll/scan"
)

// Explanations explains findings.
type Explanations struct {
	explainer *scan.Explainer
}

// Explain explains why an image is affected by a vulnerability, or why not. id is a CVE, an alias or an advisory.
func (e *Explanations) Explain(ctx context.Context, img plimsoll.Image, id string) (plimsoll.Explanation, error) {
	return e.explainer.Explain(ctx, img, id)
}
