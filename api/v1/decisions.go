package v1

import (
	"context"
	"time"

	"plimsoll"
	"plimsoll/api/base"
)

// DecisionKeeper keeps decisions about findings. It checks no permission: the handlers do.
type DecisionKeeper interface {
	// ChangeDecisions ends some and makes others, all or none, and returns those that were made.
	ChangeDecisions(ctx context.Context, made, ended []plimsoll.Decision) ([]plimsoll.Decision, error)

	// EndDecision answers NotFound for one of another project, or of an enterprise project that is
	// not listed; nil lists all. Forbidden for one of the whole project if not all are.
	EndDecision(ctx context.Context, projectID string, enterpriseProjects []string, id int64, by string) error

	// Decisions lists them newest first.
	Decisions(ctx context.Context, f plimsoll.DecisionFilter) ([]plimsoll.Decision, error)
}

// TenantQuery names the tenant whose findings an operation decides about.
type TenantQuery struct {
	Project           string `query:"project" maxLength:"256" doc:"Id or name of the project, for callers with several; absent = the token's, or the only one"`
	EnterpriseProject string `query:"enterprise_project_id" maxLength:"256" default:"0" doc:"Enterprise project; all_granted_eps is the whole project"`
}

// EnterpriseProjectID returns the enterprise project that the request names.
func (q TenantQuery) EnterpriseProjectID() string { return q.EnterpriseProject }

type listDecisionsInput struct {
	ProjectQuery
	PageQuery
	Finding  string                  `query:"finding" maxLength:"256" doc:"The id as it was decided about, exact"`
	Status   plimsoll.DecisionStatus `query:"status" enum:"not_affected,affected,fixed,under_investigation,ignored,accepted"`
	Document string                  `query:"document" maxLength:"512" doc:"Id of the VEX document"`
	Ended    bool                    `query:"ended" doc:"true: also those that were withdrawn, were replaced or have expired"`
	Before   int64                   `query:"before" minimum:"0" doc:"Only ids below this; 0 = any"`
}

type listDecisionsOutput struct {
	Body base.List[plimsoll.Decision]
}

// decisionCursor is where a page of decisions ends.
type decisionCursor struct {
	ID int64 `json:"decision"`
}

// decisionBody is a decision to make, with the members of plimsoll.Decision. Members that the server sets are ignored.
type decisionBody struct {
	_             struct{}                `additionalProperties:"true"`
	Kind          plimsoll.FindingKind    `json:"kind,omitempty" enum:"vulnerability" default:"vulnerability"`
	Finding       string                  `json:"finding" minLength:"1" maxLength:"256" doc:"A CVE, an alias or an advisory"`
	Scope         scopeBody               `json:"scope,omitempty" doc:"Absent = everything in the enterprise project"`
	Status        plimsoll.DecisionStatus `json:"status" enum:"not_affected,affected,fixed,under_investigation,ignored,accepted"`
	Justification plimsoll.Justification  `json:"justification,omitempty" enum:"component_not_present,vulnerable_code_not_present,vulnerable_code_not_in_execute_path,vulnerable_code_cannot_be_controlled_by_adversary,inline_mitigations_already_exist" doc:"Of not_affected"`
	Reason        string                  `json:"reason,omitempty" maxLength:"4096"`
	ExpiresAt     time.Time               `json:"expires_at,omitempty" doc:"Absent = never"`
}

type scopeBody struct {
	_          struct{}         `additionalProperties:"true"`
	RegistryID int64            `json:"registry_id,omitempty" minimum:"0"`
	Repository string           `json:"repository,omitempty" maxLength:"512" doc:"Path in the registry"`
	Tag        string           `json:"tag,omitempty" maxLength:"512" doc:"With a repository: one image"`
	Digest     plimsoll.Digest  `json:"digest,omitempty" maxLength:"71" doc:"Of an artifact, or of an index it is a member of"`
	Package    string           `json:"package,omitempty" maxLength:"512" doc:"Package URL, name, or name@version"`
	Packages   plimsoll.SetKind `json:"packages,omitempty" enum:"os,language" doc:"Packages of the operating system only, or of languages only"`
}

type addDecisionInput struct {
	TenantQuery
	Body decisionBody
}

type decisionOutput struct{ Body plimsoll.Decision }

type removeDecisionInput struct {
	WholeProjectQuery
	ID int64 `path:"id" minimum:"1"`
}

func (h *handlers) listDecisions(ctx context.Context, in *listDecisionsInput) (*listDecisionsOutput, error) {
	after := decisionCursor{ID: in.Before}
	if in.After != "" {
		if err := base.DecodeCursor(in.After, &after); err != nil {
			return nil, err
		}
		if after.ID < 1 {
			return nil, base.ErrCursor()
		}
	}
	scope := base.ScopeOf(ctx)
	f := plimsoll.DecisionFilter{
		ProjectID: scope.ProjectID, EnterpriseProjects: scope.EnterpriseProjects,
		Finding: in.Finding, Status: in.Status, Document: in.Document, Ended: in.Ended, Before: after.ID, Limit: in.Limit,
	}
	rows, err := h.roles.Decisions.Decisions(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &listDecisionsOutput{Body: base.List[plimsoll.Decision]{Items: append([]plimsoll.Decision{}, rows...)}}
	if len(rows) < in.Limit {
		return out, nil
	}
	f.Before, f.Limit = rows[len(rows)-1].ID, 1
	more, err := h.roles.Decisions.Decisions(ctx, f)
	if len(more) > 0 {
		out.Body.Next = base.EncodeCursor(decisionCursor{ID: f.Before})
	}
	return out, err
}

func (h *handlers) addDecision(ctx context.Context, in *addDecisionInput) (*decisionOutput, error) {
	tenant, err := base.ScopeOf(ctx).Tenant()
	if err != nil {
		return nil, err
	}
	b, s := in.Body, in.Body.Scope
	made, err := h.roles.Decisions.ChangeDecisions(ctx, []plimsoll.Decision{{
		Tenant: tenant, Kind: plimsoll.FindingVulnerability, Finding: b.Finding,
		Scope: plimsoll.DecisionScope{
			RegistryID: s.RegistryID, Repository: s.Repository, Tag: s.Tag, Digest: s.Digest, Package: s.Package, Packages: s.Packages,
		},
		Status: b.Status, Justification: b.Justification, Reason: b.Reason, Author: base.Caller(ctx).User.Name, ExpiresAt: b.ExpiresAt,
	}}, nil)
	if err != nil {
		return nil, err
	}
	return &decisionOutput{Body: made[0]}, nil
}

func (h *handlers) removeDecision(ctx context.Context, in *removeDecisionInput) (*struct{}, error) {
	scope := base.ScopeOf(ctx)
	return nil, h.roles.Decisions.EndDecision(ctx, scope.ProjectID, scope.EnterpriseProjects, in.ID, base.Caller(ctx).User.Name)
}
