package v1

import (
	"context"

	"plimsoll"
	"plimsoll/api/base"
)

// SoftwareKeeper keeps the software policies of projects.
type SoftwareKeeper interface {
	SoftwarePolicy(ctx context.Context, projectID string) ([]plimsoll.SoftwareRule, error)

	// SetSoftwarePolicy replaces the policy; nil restores the default.
	SetSoftwarePolicy(ctx context.Context, projectID, by string, rules []plimsoll.SoftwareRule) error
}

type setPolicyInput struct {
	WholeProjectQuery
	Body struct {
		Rules []plimsoll.SoftwareRule `json:"rules" nullable:"true" maxItems:"300" doc:"The new policy; [] forbids nothing, null restores the default"`
	}
}

type policyOutput struct {
	Body base.List[plimsoll.SoftwareRule] // in one page
}

func (h *handlers) showPolicy(ctx context.Context, _ *WholeProjectQuery) (*policyOutput, error) {
	rules, err := h.roles.Software.SoftwarePolicy(ctx, base.ScopeOf(ctx).ProjectID)
	return &policyOutput{Body: base.ListOf(plimsoll.Page[plimsoll.SoftwareRule]{Total: len(rules), Items: rules})}, err
}

func (h *handlers) setPolicy(ctx context.Context, in *setPolicyInput) (*policyOutput, error) {
	err := h.roles.Software.SetSoftwarePolicy(ctx, base.ScopeOf(ctx).ProjectID, base.Caller(ctx).User.Name, in.Body.Rules)
	if err != nil {
		return nil, err
	}
	return h.showPolicy(ctx, &in.WholeProjectQuery)
}
